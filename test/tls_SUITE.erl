%% Logins over real TLS: OTP's ssl as the server, openssl as the client, and the documentation's
%% own recipe for certificates.
-module(tls_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([options/1]).
-export([recipe/1]).
-export([version_1/1]).
-export([starttls/1]).
-export([direct_tls/1]).
-export([listener/1]).
-export([resumption/1]).
-export([strangers/1]).
-export([malformed_certificates/1]).
-export([fresh_node/1]).

-include_lib("stdlib/include/assert.hrl").

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

all() ->
	[
		options, recipe, version_1, starttls, direct_tls, listener, resumption, strangers, malformed_certificates,
		fresh_node
	].

init_per_suite(Config0) ->
	{ok, _} = application:ensure_all_started(ssl),
	Config = certjid_test_config:init(Config0),
	Key = certjid_test_cert:key(),
	Server = certjid_test_cert:self_signed(Key, #{common_name => <<"localhost">>}),
	[{server, write(Config, "server", Key, [Server])} | Config].

end_per_suite(_Config) ->
	ok.

%% Certificates and key as files, as options of ssl; `issuers' is openssl's.
write(Config, Name, Key, [Leaf | Issuers]) ->
	File = filename:join(proplists:get_value(files, Config), Name),
	Pem = public_key:pem_encode([public_key:pem_entry_encode('ECPrivateKey', Key)]),
	ok = file:write_file(File ++ ".key", Pem),
	ok = file:write_file(File ++ ".crt", certjid_test_cert:pem([Leaf])),
	ok = file:write_file(File ++ ".issuers", certjid_test_cert:pem(Issuers)),
	Files = #{certfile => File ++ ".crt", keyfile => File ++ ".key"},
	case Issuers of
		[] -> Files;
		_ -> Files#{issuers => File ++ ".issuers"}
	end.

%% just_tls's options.
options(_Config) ->
	Options = fun(Map) ->
		[{Key, Value} || {Key, Value} <- lists:sort(certjid:make_server_opts(Map)), Key =/= verify_fun]
	end,
	[{fail_if_no_peer_cert, false}, {verify, verify_none}] = Options(#{verify_mode => none}),
	[{cacertfile, "ca.pem"}, {fail_if_no_peer_cert, true}, {reuse_sessions, false}, {verify, verify_peer}] =
		Options(#{cacertfile => "ca.pem"}),
	[
		{cacertfile, "ca.pem"}, {certfile, "c"}, {ciphers, "x"}, {dhfile, "d"}, {early_data, enabled},
		{fail_if_no_peer_cert, false}, {hibernate_after, 1}, {keyfile, "k"}, {password, "p"},
		{session_tickets, stateless}, {verify, verify_peer}, {versions, ['tlsv1.3']}
	] = Options(#{
		mode => tls, verify_mode => selfsigned_peer, disconnect_on_failure => false,
		cacertfile => "ca.pem", certfile => "c", keyfile => "k", password => "p", ciphers => "x",
		dhfile => "d", versions => ['tlsv1.3'], hibernate_after => 1, early_data => true,
		session_tickets => stateless, crl_files => ["crl.pem"]
	}),
	%% After STARTTLS, OTP 25 crashes with tickets.
	Starttls = Options(#{mode => starttls, cacertfile => "ca.pem", session_tickets => stateless}),
	false = lists:keymember(session_tickets, 1, Starttls),
	?assertError(_, certjid:make_server_opts([])),
	?assertError(_, certjid:make_server_opts(#{verify_mode => verify_peer})),
	ok.

%% The documentation's recipe, to the letter but for the answers to its questions: its
%% certificate has no xmppAddr, and is X.509 v1 (R14), where OpenSSL is older than 3.5.
recipe(Config) ->
	Dir = proplists:get_value(files, Config),
	Commands = [
		"openssl genrsa -des3 -passout pass:secret -out rootCA.key 4096",
		"openssl req -x509 -new -nodes -key rootCA.key -passin pass:secret -sha256 -days 1024 "
			"-subj /O=Test/CN=Root -out rootCA.crt",
		"openssl genrsa -out client.key 2048",
		"openssl req -new -key client.key -subj /CN=alice -out client.csr",
		"openssl x509 -req -in client.csr -CA rootCA.crt -CAkey rootCA.key -passin pass:secret "
			"-CAcreateserial -out client.crt -days 500 -sha256",
		"openssl pkcs12 -export -inkey client.key -in client.crt -passout pass:secret -out client.p12"
	],
	[
		{Command, "0"} = {Command, lists:last(string:lexemes(Output, "\n"))}
		|| Command <- Commands,
			Output <- [os:cmd("cd '" ++ Dir ++ "' && { " ++ Command ++ "; } 2>&1; echo; echo $?")]
	],
	{ok, Pem} = file:read_file(filename:join(Dir, "client.crt")),
	{ok, #{version := X509, common_name := <<"alice">>, xmpp_addrs := []}} = certjid:identity(Pem),
	true = X509 =:= 1 orelse X509 =:= 3,
	Toml = certjid_test_config:write(Dir, "recipe.toml", #{
		cacertfile => filename:join(Dir, "rootCA.crt"),
		sasl_external => ["standard", "common_name"]
	}),
	{ok, Policy} = certjid:load(Toml),
	{ok, #{jid := <<"alice@localhost">>, kind := <<"common_name">>}} =
		certjid:decide(Policy, (request())#{cert => Pem}),
	[<<"EXTERNAL">>] = certjid:mechanisms(Policy, (request())#{cert => Pem}),
	%% And over TLS.
	Client = #{
		certfile => filename:join(Dir, "client.crt"),
		keyfile => filename:join(Dir, "client.key")
	},
	Tls = #{cacertfile => filename:join(Dir, "rootCA.crt")},
	[<<"alice">> = login(Config, Policy, Version, Client, Tls) || Version <- ["-tls1_2", "-tls1_3"]].

%% The same with a certificate that is surely of X.509 v1.
version_1(Config) ->
	#{issuer := Issuer, file := CaFile} = proplists:get_value(ca, Config),
	Key = certjid_test_cert:key(),
	Names = #{common_name => <<"alice">>},
	Der = certjid_test_cert:make(Key, Names, #{issuer => Issuer, version => 1}),
	{ok, #{version := 1}} = certjid:identity(Der),
	Policy = certjid_test_config:policy(Config, #{sasl_external => ["common_name"]}),
	Client = write(Config, "version_1", Key, [Der]),
	Tls = #{cacertfile => CaFile},
	[<<"alice">> = login(Config, Policy, Version, Client, Tls) || Version <- ["-tls1_2", "-tls1_3"]].

%% Every kind of client certificate, both modes that ask for one, and disconnect_on_failure, over
%% TLS 1.2 and 1.3. The answer: the user name, the reason of the decision, or `closed' where TLS
%% fails.
starttls(Config) ->
	Clients = clients(Config),
	Rows = [
		%% certificate, {peer: true, false}, {selfsigned_peer: true, false}
		{alice, {<<"alice">>, <<"alice">>}, {<<"alice">>, <<"alice">>}},
		{chain, {<<"alice">>, <<"alice">>}, {<<"alice">>, <<"alice">>}},
		{incomplete, {closed, <<"unknown_ca">>}, {closed, <<"unknown_ca">>}},
		{expired, {closed, <<"cert_expired">>}, {closed, <<"cert_expired">>}},
		{self_signed, {closed, <<"selfsigned_peer">>}, {<<"alice">>, <<"alice">>}},
		{none, {closed, <<"no_peer_cert">>}, {closed, <<"no_peer_cert">>}}
	],
	#{file := CaFile} = proplists:get_value(ca, Config),
	[] = [
		{Name, Version, Mode, Disconnect, Answer, Expected}
		|| {Name, {P1, P2}, {S1, S2}} <- Rows,
			Version <- ["-tls1_2", "-tls1_3"],
			{Mode, Disconnect, Expected} <- [
				{peer, true, P1}, {peer, false, P2},
				{selfsigned_peer, true, S1}, {selfsigned_peer, false, S2}
			],
			Policy <- [certjid_test_config:policy(Config, #{verify_mode => atom_to_list(Mode)})],
			Tls <- [#{verify_mode => Mode, disconnect_on_failure => Disconnect, cacertfile => CaFile}],
			Answer <- [login(Config, Policy, Version, maps:get(Name, Clients), Tls)],
			Answer =/= Expected
	].

clients(Config) ->
	#{issuer := Issuer} = proplists:get_value(ca, Config),
	Key = certjid_test_cert:key(),
	Make = fun(Options) ->
		certjid_test_cert:make(Key, ?ALICE, maps:merge(#{issuer => Issuer}, Options))
	end,
	CaNames = #{common_name => <<"Intermediate">>},
	CaKey = certjid_test_cert:key(),
	Intermediate = certjid_test_cert:make(CaKey, CaNames, #{issuer => Issuer, ca => true}),
	Leaf = Make(#{issuer => {certjid_test_cert:subject(CaNames), CaKey}}),
	maps:map(fun(Name, Ders) ->
		case Ders of
			[] -> #{};
			_ -> write(Config, atom_to_list(Name), Key, Ders)
		end
	end, #{
		alice => [Make(#{})],
		chain => [Leaf, Intermediate],
		incomplete => [Leaf],
		expired => [Make(#{not_after => "20250601000000Z"})],
		self_signed => [certjid_test_cert:self_signed(Key, ?ALICE)],
		none => []
	}).

%% The handshake on a plain socket, as after STARTTLS.
login(Config, Policy, Version, Client, Tls) ->
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Number} = inet:port(Listen),
	Port = connect(Number, Version, Client),
	{ok, Tcp} = gen_tcp:accept(Listen, 5000),
	Server = proplists:get_value(server, Config),
	Options = certjid:make_server_opts(maps:merge(Tls, Server)),
	Answer = decide(Policy, certjid_tls:handshake(Tcp, [{log_level, none} | Options], 5000)),
	ok = gen_tcp:close(Listen),
	ok = hang_up(Port),
	Answer.

connect(Number, Version, Client) ->
	connect(Number, Version, Client, []).

connect(Number, Version, Client, More) ->
	Names = [{certfile, "-cert"}, {keyfile, "-key"}, {issuers, "-cert_chain"}],
	Args = [[Arg, maps:get(Key, Client)] || {Key, Arg} <- Names, is_map_key(Key, Client)],
	Address = "127.0.0.1:" ++ integer_to_list(Number),
	open_port({spawn_executable, os:find_executable("openssl")}, [
		{args, ["s_client", "-connect", Address, Version | lists:append(Args)] ++ More},
		binary, eof, stderr_to_stdout
	]).

%% Where TLS has failed, openssl has gone by itself.
hang_up(Port) ->
	_ = try port_close(Port) catch error:badarg -> true end,
	flush(Port).

flush(Port) ->
	receive {Port, _} -> flush(Port) after 0 -> ok end.

decide(Policy, {ok, Socket, Peer}) ->
	ok = ssl:close(Socket),
	case certjid:decide(Policy, maps:merge(request(), Peer)) of
		{ok, #{username := Name}} ->
			Name;
		{error, #{condition := <<"not-authorized">>, disconnect := _, reason := Reason}} ->
			Reason
	end;
decide(_Policy, {error, _}) ->
	closed.

%% A listener of ssl itself.
direct_tls(Config) ->
	Clients = clients(Config),
	#{file := CaFile} = proplists:get_value(ca, Config),
	Policy = certjid_test_config:policy(Config, #{}),
	Tls = (proplists:get_value(server, Config))#{cacertfile => CaFile, disconnect_on_failure => false},
	Options = [{log_level, none} | certjid_tls:make_server_opts(Tls)],
	{ok, Listen} = ssl:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
	{ok, {_, Number}} = ssl:sockname(Listen),
	Login = fun(Name, Version) ->
		Port = connect(Number, Version, maps:get(Name, Clients)),
		{ok, Transport} = ssl:transport_accept(Listen, 5000),
		Answer = decide(Policy, certjid_tls:handshake(Transport, Options, 5000)),
		ok = hang_up(Port),
		Answer
	end,
	[
		begin
			<<"alice">> = Login(alice, Version),
			<<"alice">> = Login(chain, Version),
			<<"unknown_ca">> = Login(incomplete, Version)
		end
		|| Version <- ["-tls1_2", "-tls1_3"]
	],
	{messages, []} = process_info(self(), messages),
	ok = ssl:close(Listen).

%% The options as the policy's file has them; what the handshake says is what the policy says.
listener(Config) ->
	Clients = clients(Config),
	Rows = [
		%% certificate, {disconnect_on_failure true, false, fast_tls}
		{alice, {ok, ok, ok}},
		{chain, {ok, ok, ok}},
		{incomplete, {closed, unknown_ca, unknown_ca}},
		{expired, {closed, cert_expired, cert_expired}},
		{self_signed, {closed, selfsigned_peer, selfsigned_peer}},
		{none, {closed, no_peer_cert, no_peer_cert}}
	],
	[] = [
		{Name, Version, Extra, Answer, Expected}
		|| {Name, {Strict, Lax, FastTls}} <- Rows,
			Version <- ["-tls1_2", "-tls1_3"],
			{Extra, Expected} <- [
				{"", Strict},
				{"disconnect_on_failure = false", Lax},
				{"module = \"fast_tls\"", FastTls}
			],
			Answer <- [certificate(listener_policy(Config, Extra), Version, maps:get(Name, Clients))],
			Answer =/= Expected
	],
	?assertError(badarg, certjid_tls:listener_opts(listener_policy(Config, ""), http)),
	ok.

listener_policy(Config, Extra) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	#{certfile := CertFile, keyfile := KeyFile} = proplists:get_value(server, Config),
	Toml = filename:join(proplists:get_value(files, Config), "listener.toml"),
	ok = file:write_file(Toml, io_lib:format("
		[general]
		  default_server_domain = \"localhost\"
		  hosts = [\"localhost\"]
		[auth]
		  sasl_mechanisms = [\"external\"]
		  [auth.pki]
		[[listen.c2s]]
		  port = 5222
		  [listen.c2s.tls]
		    certfile = \"~ts\"
		    keyfile = \"~ts\"
		    cacertfile = \"~ts\"
		    versions = [\"tlsv1.2\", \"tlsv1.3\"]
		    ~ts
	", [CertFile, KeyFile, CaFile, Extra])),
	{ok, Policy} = certjid:load(Toml),
	Policy.

certificate(Policy, Version, Client) ->
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Number} = inet:port(Listen),
	Port = connect(Number, Version, Client),
	{ok, Tcp} = gen_tcp:accept(Listen, 5000),
	Options = certjid_tls:listener_opts(Policy, c2s),
	Answer = case certjid_tls:handshake(Tcp, [{log_level, none} | Options], 5000) of
		{ok, Socket, Peer} ->
			ok = ssl:close(Socket),
			verdict(Policy, Peer);
		{error, _} ->
			closed
	end,
	ok = gen_tcp:close(Listen),
	ok = hang_up(Port),
	Answer.

verdict(Policy, #{chain := Chain, verified := Verified}) ->
	case {certjid:verify_chain(Policy, c2s, Chain), Verified} of
		{ok, true} -> ok;
		{{bad_cert, no_peer_cert}, undefined} -> no_peer_cert;
		{{bad_cert, Reason}, false} -> Reason
	end.

%% A client that offers its session again gets a new one, and is verified again.
resumption(Config) ->
	#{expired := Expired} = clients(Config),
	Policy = listener_policy(Config, "disconnect_on_failure = false"),
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Number} = inet:port(Listen),
	Session = filename:join(proplists:get_value(files, Config), "session"),
	Ids = [
		begin
			Port = connect(Number, "-tls1_2", Expired, Args),
			{ok, Tcp} = gen_tcp:accept(Listen, 5000),
			Options = [{log_level, none} | certjid_tls:listener_opts(Policy, c2s)],
			{ok, Socket, Peer} = certjid_tls:handshake(Tcp, Options, 5000),
			{ok, [{session_id, Id}]} = ssl:connection_information(Socket, [session_id]),
			cert_expired = verdict(Policy, Peer),
			ok = ssl:close(Socket),
			ok = await(Port),
			Id
		end
		|| Args <- [["-sess_out", Session], ["-sess_in", Session]]
	],
	%% One that is resumed has the identifier of the one before.
	2 = length(lists:usort(Ids)),
	ok = gen_tcp:close(Listen).

await(Port) ->
	receive {Port, eof} -> flush(Port) after 5000 -> error(openssl_stays) end.

%% Who shows a certificate without having its key leaves nothing for the next client of the process,
%% as in a pool of acceptors.
strangers(Config) ->
	#{alice := Alice, incomplete := Incomplete, self_signed := SelfSigned} = clients(Config),
	Policy = certjid_test_config:policy(Config, #{}),
	#{file := CaFile} = proplists:get_value(ca, Config),
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Number} = inet:port(Listen),
	Tls = #{cacertfile => CaFile, disconnect_on_failure => false},
	Options = certjid_tls:make_server_opts(maps:merge(Tls, proplists:get_value(server, Config))),
	Handshake = fun() ->
		{ok, Tcp} = gen_tcp:accept(Listen, 5000),
		Result = certjid_tls:handshake(Tcp, [{log_level, none} | Options], 5000),
		[] = [Message || {Tag, _} = Message <- messages(), is_reference(Tag)],
		Result
	end,
	Stranger = fun(#{certfile := File}, Version) ->
		Pid = spawn_link(fun() -> pretend(Number, Version, File) end),
		Monitor = monitor(process, Pid),
		{error, _} = Handshake(),
		receive {'DOWN', Monitor, process, Pid, _} -> ok end
	end,
	Login = fun(Client, Version) ->
		Port = connect(Number, maps:get(Version, #{'tlsv1.2' => "-tls1_2", 'tlsv1.3' => "-tls1_3"}), Client),
		{ok, Socket, Peer} = Handshake(),
		ok = ssl:close(Socket),
		ok = hang_up(Port),
		Peer
	end,
	[
		begin
			Stranger(SelfSigned, Version),
			#{chain := [Leaf], verified := true} = Peer = Login(Alice, Version),
			{ok, #{username := <<"alice">>}} = certjid:decide(Policy, maps:merge(request(), Peer)),
			Stranger(Alice, Version),
			#{chain := [_], verified := false} = Login(Incomplete, Version),
			Stranger(SelfSigned, Version),
			Stranger(Incomplete, Version),
			#{chain := [Other], verified := false} = Login(SelfSigned, Version),
			true = Leaf =/= Other,
			Stranger(Alice, Version),
			#{chain := [], verified := undefined} = Login(#{}, Version)
		end
		|| Version <- ['tlsv1.2', 'tlsv1.3']
	],
	ok = gen_tcp:close(Listen).

messages() ->
	{messages, Messages} = process_info(self(), messages),
	Messages.

%% With these OTP's handshake exits in some releases; a process that serves others must not.
malformed_certificates(Config) ->
	#{issuer := Issuer} = proplists:get_value(ca, Config),
	Key = certjid_test_cert:key(),
	Policy = listener_policy(Config, "disconnect_on_failure = false"),
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Number} = inet:port(Listen),
	Options = [{log_level, none} | certjid_tls:listener_opts(Policy, c2s)],
	[
		begin
			Der = certjid_test_cert:make(Key, ?ALICE, #{issuer => Issuer, san => San}),
			Port = connect(Number, Version, write(Config, "malformed", Key, [Der])),
			{ok, Tcp} = gen_tcp:accept(Listen, 5000),
			case certjid_tls:handshake(Tcp, Options, 5000) of
				{ok, Socket, Peer} ->
					bad_certificate = verdict(Policy, Peer),
					ok = ssl:close(Socket);
				{error, Reason} ->
					true = is_atom(Reason) orelse element(1, Reason) =:= tls_alert
			end,
			ok = hang_up(Port)
		end
		|| San <- [<<"garbage">>, <<>>, <<16#30, 16#84, 255, 255, 255, 255>>],
			Version <- ["-tls1_2", "-tls1_3"]
	],
	ok = gen_tcp:close(Listen).

%% Nothing that a node happens to have loaded is needed, such as the atoms of TLS versions.
fresh_node(Config) ->
	_ = listener_policy(Config, ""),
	Expression = "
		{ok, Policy} = certjid:load(\"listener.toml\"),
		Options = certjid_tls:listener_opts(Policy, c2s),
		io:format(\"~p~n\", [proplists:get_value(versions, Options)]),
		halt().",
	{0, <<"['tlsv1.2','tlsv1.3']\n">>} = certjid_test_xmpp_env:command(os:find_executable("sh"), [
		"-c", "cd \"$0\" && exec erl -noshell -pa \"$1\" -eval \"$2\"",
		proplists:get_value(files, Config), filename:dirname(code:which(certjid)), Expression
	]),
	ok.

%% OTP's client does not look whether the key is the certificate's.
pretend(Number, Version, CertFile) ->
	Key = public_key:der_encode('ECPrivateKey', certjid_test_cert:key()),
	_ = ssl:connect({127, 0, 0, 1}, Number, [
		{certfile, CertFile}, {key, {'ECPrivateKey', Key}}, {verify, verify_none},
		{versions, [Version]}, {log_level, none}
	], 5000),
	ok.

request() ->
	#{listener => c2s, host => <<"localhost">>}.
