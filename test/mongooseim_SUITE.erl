%% certjid_verification in a node like MongooseIM's (certjid_test_mongooseim): the certificate is
%% judged, whatever TLS lets through.
-module(mongooseim_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([transports/1]).
-export([resumed_session/1]).
-export([selfsigned_peer/1]).
-export([reload/1]).
-export([reports/1]).
-export([fresh_nodes/1]).

-export([log/2]).

-include_lib("stdlib/include/assert.hrl").

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).
-define(SERVER_AUTH, {1, 3, 6, 1, 5, 5, 7, 3, 1}).
-define(REVOKED, 7).

all() ->
	[transports, resumed_session, selfsigned_peer, reload, reports, fresh_nodes].

init_per_suite(Config0) ->
	{ok, _} = application:ensure_all_started(ssl),
	Config = certjid_test_config:init(Config0),
	Key = certjid_test_cert:key(),
	Der = certjid_test_cert:self_signed(Key, #{common_name => <<"localhost">>}),
	[{server, [{cert, Der}, {key, key(Key)}]} | Config].

end_per_suite(_Config) ->
	certjid_test_mongooseim:configure("etc/mongooseim.toml").

key(Key) ->
	{'ECPrivateKey', public_key:der_encode('ECPrivateKey', Key)}.

%% The configuration with these lines in each `tls', as the node's own.
configure(Config, Mode, More) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	Dir = proplists:get_value(files, Config),
	File = filename:join(Dir, "mongooseim.toml"),
	Tls = [
		"  tls.verify_mode = \"", atom_to_list(Mode), "\"\n"
		"  tls.disconnect_on_failure = false\n"
		"  tls.cacertfile = \"", CaFile, "\"\n",
		More
	],
	ok = file:write_file(File, [
		"[general]\n  default_server_domain = \"localhost\"\n  hosts = [\"localhost\"]\n"
		"[auth]\n  methods = [\"pki\"]\n  sasl_mechanisms = [\"external\"]\n"
		"  sasl_external = [\"certjid_verification\"]\n  [auth.pki]\n"
		"[[listen.c2s]]\n  port = 5222\n", Tls,
		"[[listen.http]]\n  port = 5285\n", Tls,
		"  [[listen.http.handlers.mongoose_websocket_handler]]\n"
		"    host = \"_\"\n    path = \"/ws-xmpp\"\n"
		"  [[listen.http.handlers.mongoose_bosh_handler]]\n"
		"    host = \"_\"\n    path = \"/http-bind\"\n"
	]),
	ok = certjid_test_mongooseim:configure(File).

crl_files(Config, Serials) ->
	#{issuer := Issuer} = proplists:get_value(ca, Config),
	File = filename:join(proplists:get_value(files, Config), "list.crl"),
	List = certjid_test_cert:crl(Issuer, Serials),
	ok = file:write_file(File, public_key:pem_encode([{'CertificateList', List, not_encrypted}])),
	["  tls.crl_files = [\"", File, "\"]\n"].

start(Config, Transport, Mode) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	Server = maps:from_list(proplists:get_value(server, Config)),
	certjid_test_mongooseim:start(Transport, Server#{verify_mode => Mode, cacertfile => CaFile}).

%% As options of a client: the good certificate, and those that MongooseIM lets in.
clients(Config) ->
	Key = certjid_test_cert:key(),
	#{issuer := Issuer} = proplists:get_value(ca, Config),
	Foreign = {certjid_test_cert:subject(#{common_name => <<"Other">>}), certjid_test_cert:key()},
	Make = fun(Options) ->
		Der = certjid_test_cert:make(Key, ?ALICE, maps:merge(#{issuer => Issuer}, Options)),
		[{cert, Der}, {key, key(Key)}]
	end,
	Own = certjid_test_cert:subject(?ALICE),
	#{
		good => Make(#{}),
		expired => Make(#{not_after => "20250601000000Z"}),
		foreign => Make(#{issuer => Foreign}),
		revoked => Make(#{serial => ?REVOKED}),
		self_signed => Make(#{issuer => {Own, Key}}),
		server_auth => Make(#{usages => [?SERVER_AUTH]}),
		signed_by_another_key => Make(#{issuer => {Own, certjid_test_cert:key()}})
	}.

transports(Config) ->
	Clients = clients(Config),
	configure(Config, peer, crl_files(Config, [?REVOKED])),
	[
		begin
			Server = start(Config, Transport, peer),
			Try = fun(Client, Options) ->
				certjid_test_mongooseim:login(Server, "alice@localhost", Options ++ Client)
			end,
			[
				begin
					<<"ok alice">> = Try(maps:get(good, Clients), Options),
					<<"no certificate">> = Try([], Options),
					[
						{Name, Transport, Refused} = {Name, Transport, Try(Client, Options)}
						|| {Name, Client} <- maps:to_list(maps:remove(good, Clients)),
							%% Over STARTTLS MongooseIM itself hides what OTP finds.
							Refused <- [case {Transport, Name} of
								{starttls, revoked} -> <<"not-authorized">>;
								{starttls, _} -> <<"no certificate">>;
								_ -> <<"not-authorized">>
							end]
					]
				end
				|| Options <- [[{versions, ['tlsv1.2']}], [{versions, ['tlsv1.3']}]]
			],
			ok = certjid_test_mongooseim:stop(Server)
		end
		|| Transport <- [starttls, direct_tls, websocket, bosh]
	].

%% Of a session that is resumed after STARTTLS MongooseIM knows no failure.
resumed_session(Config) ->
	configure(Config, peer, crl_files(Config, [?REVOKED])),
	Server = start(Config, starttls, peer),
	Try = fun(Client, Options) ->
		Tls12 = [{versions, ['tlsv1.2']} | Options],
		certjid_test_mongooseim:session(Server, "alice@localhost", Tls12 ++ Client)
	end,
	[
		begin
			{First, #{session_id := Id, session_data := Data}} = Try(Client, []),
			Again = [{reuse_session, {Id, Data}}],
			{Second, #{session_id := Other}} = Try(Client, Again),
			%% OTP 29 resumes none of these.
			case Other of
				Id -> {Name, Expected} = {Name, {First, Second}};
				_ -> {Name, First, true} = {Name, Second, otp_release() > 27}
			end
		end
		|| {Name, Client} <- maps:to_list(clients(Config)),
			Expected <- [case Name of
				good -> {<<"ok alice">>, <<"ok alice">>};
				revoked -> {<<"not-authorized">>, <<"not-authorized">>};
				_ -> {<<"no certificate">>, <<"not-authorized">>}
			end]
	],
	ok = certjid_test_mongooseim:stop(Server).

otp_release() ->
	list_to_integer(erlang:system_info(otp_release)).

selfsigned_peer(Config) ->
	#{self_signed := SelfSigned, signed_by_another_key := Forged, good := Good} = clients(Config),
	configure(Config, selfsigned_peer, ""),
	[
		begin
			Server = start(Config, Transport, selfsigned_peer),
			Try = fun(Client) -> certjid_test_mongooseim:login(Server, "", Client) end,
			<<"ok alice">> = Try(SelfSigned),
			<<"ok alice">> = Try(Good),
			<<"not-authorized">> = Try(Forged),
			ok = certjid_test_mongooseim:stop(Server)
		end
		|| Transport <- [starttls, direct_tls, websocket, bosh]
	].

%% A list that is replaced counts within a second or two; one that is broken changes nothing.
reload(Config) ->
	#{good := Good, revoked := [{cert, Der} | _]} = clients(Config),
	More = crl_files(Config, []),
	configure(Config, peer, More),
	{ok, <<"alice">>} = verify(Der),
	_ = crl_files(Config, [?REVOKED]),
	ok = until(fun() -> verify(Der) =:= {error, <<"not-authorized">>} end),
	{ok, <<"alice">>} = verify(proplists:get_value(cert, Good)),
	%% Without waiting for the next look.
	Look = fun() ->
		certjid_node_policy ! look,
		gen_server:call(certjid_node_policy, get)
	end,
	List = filename:join(proplists:get_value(files, Config), "list.crl"),
	ok = file:write_file(List, "garbage"),
	{ok, Old} = Look(),
	{error, <<"not-authorized">>} = verify(Der),
	_ = crl_files(Config, []),
	{ok, New} = Look(),
	true = Old =/= New,
	{ok, <<"alice">>} = verify(Der),
	%% The process comes back, and looks again.
	exit(whereis(certjid_node_policy), kill),
	ok = until(fun() -> verify(Der) =:= {ok, <<"alice">>} end).

verify(Der) ->
	certjid_verification:verify_creds(mongoose_credentials:new(#{
		lserver => <<"localhost">>, host_type => <<"localhost">>, der_cert => Der
	})).

until(Holds) ->
	until(Holds, erlang:monotonic_time(millisecond) + 20000).

until(Holds, Deadline) ->
	case Holds() of
		true -> ok;
		false ->
			true = erlang:monotonic_time(millisecond) < Deadline,
			receive after 20 -> until(Holds, Deadline) end
	end.

%% A refused login is a report, with what finds the client.
reports(Config) ->
	#{expired := [{cert, Der} | _]} = clients(Config),
	configure(Config, peer, ""),
	#{level := Level} = logger:get_primary_config(),
	ok = logger:set_primary_config(level, info),
	ok = logger:add_handler(?MODULE, ?MODULE, #{config => #{to => self()}}),
	try
		{error, <<"not-authorized">>} = verify(Der),
		Fingerprint = certjid_cert:fingerprint(Der),
		receive
			{report, info, #{what := certjid_login_refused} = Report} ->
				#{
					host := <<"localhost">>, reason := <<"cert_expired">>, message := <<_, _/binary>>,
					condition := <<"not-authorized">>, fingerprint := Fingerprint
				} = Report
		after 5000 ->
			error(no_report)
		end,
		receive
			{report, notice, #{what := certjid_policy_loaded, listeners := Listeners, file := File}} ->
				[<<"listen.c2s[1]">>, <<"listen.http[1]">>] = Listeners,
				<<"mongooseim.toml">> = filename:basename(File)
		after 5000 ->
			error(no_report)
		end
	after
		ok = logger:remove_handler(?MODULE),
		ok = logger:set_primary_config(level, Level)
	end.

log(#{level := Level, msg := {report, Report}}, #{config := #{to := Pid}}) ->
	Pid ! {report, Level, Report};
log(_Event, _Config) ->
	ok.

%% What an operator sees: at the start, without a file, with a broken one, and without the library.
fresh_nodes(Config) ->
	#{good := [{cert, Der} | _]} = clients(Config),
	configure(Config, peer, ""),
	Dir = proplists:get_value(files, Config),
	ok = file:write_file(filename:join(Dir, "broken.toml"), "[general]\n"),
	ok = file:write_file(filename:join(Dir, "alice.der"), Der),
	Ebin = filename:dirname(code:which(certjid)),
	Bare = filename:join([Dir, "bare", "ebin"]),
	ok = filelib:ensure_dir(filename:join(Bare, "x")),
	[
		{ok, _} = file:copy(Beam, filename:join(Bare, filename:basename(Beam)))
		|| Beam <- filelib:wildcard(filename:join(Ebin, "*.beam"))
	],
	Mongoose = filename:dirname(code:which(mongoose_config)),
	Rows = [
		{"the start", [Ebin, Mongoose], "mongooseim.toml", "{ok,<<\"alice\">>}", [
			"certjid_policy_loaded", "judges the certificates", "listen.c2s[1]"
		]},
		{"no file", [Ebin, Mongoose], "none.toml", "{error,<<\"temporary-auth-failure\">>}", [
			"certjid_policy_not_loaded", "cannot be read", "certjid_login_refused"
		]},
		{"a broken file", [Ebin, Mongoose], "broken.toml", "{error,<<\"temporary-auth-failure\">>}", [
			"certjid_policy_not_loaded", "broken.toml", "certjid_login_refused"
		]},
		{"no library", [Bare, Mongoose], "mongooseim.toml", "{error,<<\"temporary-auth-failure\">>}", [
			"certjid_nif.so can't be loaded", "certjid_login_refused"
		]},
		{"not MongooseIM", [Ebin], "mongooseim.toml", "{error,<<\"temporary-auth-failure\">>}", [
			"this is not MongooseIM", "certjid_login_refused"
		]}
	],
	[
		begin
			Expression = "
				ok = application:set_env(mongooseim, config, \"" ++ File ++ "\"),
				{module, _} = code:ensure_loaded(certjid_verification),
				{ok, Der} = file:read_file(\"alice.der\"),
				Creds = #{lserver => <<\"localhost\">>, der_cert => Der},
				io:format(\"~p~n\", [certjid_verification:verify_creds(Creds)]),
				ok = logger_std_h:filesync(default),
				halt().",
			{0, Output} = certjid_test_xmpp_env:command("sh", [
				"-c", "cd \"$0\" && exec erl -noshell -eval \"$1\" -pa $2",
				Dir, Expression, lists:append(lists:join(" ", Paths))
			]),
			Words = [Answer | Expected],
			{What, [], Output} = {What, [Word || Word <- Words, string:find(Output, Word) =:= nomatch], Output}
		end
		|| {What, Paths, File, Answer, Expected} <- Rows
	].
