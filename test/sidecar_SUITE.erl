%% The real sidecar, `certjid serve', through certjid_sidecar. CERTJID_BIN names the binary, by
%% default target/debug/certjid; without it the suite fails.
-module(sidecar_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_testcase/2]).
-export([end_per_testcase/2]).
-export([decisions/1]).
-export([jids/1]).
-export([requests/1]).
-export([pipelined/1]).
-export([restart/1]).

-include_lib("stdlib/include/assert.hrl").

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

all() ->
	[decisions, jids, requests, pipelined, restart].

init_per_suite(Config) ->
	certjid_test_config:init(Config).

end_per_suite(_Config) ->
	ok.

%% A socket's path must be short, and so isn't in priv_dir.
init_per_testcase(Case, Config) ->
	Dir = string:trim(os:cmd("mktemp -d /tmp/certjid.XXXXXX")),
	{ok, Client} = certjid_sidecar:start_link(#{socket => filename:join(Dir, "sock"), name => Case}),
	true = unlink(Client),
	[{dir, Dir}, {client, Client} | Config].

end_per_testcase(_Case, Config) ->
	ok = gen_server:stop(proplists:get_value(client, Config)),
	Dir = proplists:get_value(dir, Config),
	%% A sidecar that a failed case has left.
	_ = os:cmd("[ -f " ++ Dir ++ "/pid ] && kill $(cat " ++ Dir ++ "/pid)"),
	ok = file:del_dir_r(Dir).

start(Config, Options) ->
	Binary = certjid_test_program:certjid(),
	filelib:is_regular(Binary) orelse ct:fail("there is no sidecar at ~ts", [Binary]),
	#{file := CaFile} = proplists:get_value(ca, Config),
	Dir = proplists:get_value(dir, Config),
	Toml = certjid_test_config:write(Dir, "mongooseim.toml", Options#{cacertfile => CaFile}),
	Args = ["serve", "--config", Toml, "--socket", filename:join(Dir, "sock")],
	Port = open_port({spawn_executable, Binary}, [{args, Args}, binary, exit_status, stderr_to_stdout]),
	{os_pid, Pid} = erlang:port_info(Port, os_pid),
	PidFile = filename:join(Dir, "pid"),
	ok = file:write_file(PidFile, integer_to_list(Pid)),
	wait(fun() -> element(1, certjid_sidecar:status(proplists:get_value(client, Config))) =:= ok end),
	{Port, PidFile}.

stop({Port, PidFile}) ->
	_ = os:cmd("kill $(cat " ++ PidFile ++ ")"),
	receive {Port, {exit_status, Status}} -> ok = file:delete(PidFile), Status end.

wait(Done) ->
	wait(Done, 200).

wait(_Done, 0) ->
	ct:fail("the sidecar does not answer");
wait(Done, Times) ->
	Done() orelse begin timer:sleep(50), wait(Done, Times - 1) end.

request(Der) ->
	#{listener => c2s, host => <<"localhost">>, chain => [Der]}.

%% The 6,000 decisions: a host type for each sasl_external with its prefix and suffix, and
%% certificates that sign themselves.
decisions(Config) ->
	Decisions = certjid_test_cases:decisions(),
	Client = proplists:get_value(client, Config),
	Keys = lists:usort([maps:with([kinds, prefix, suffix], Decision) || Decision <- Decisions]),
	Numbers = lists:seq(1, length(Keys)),
	HostTypes = maps:from_list([
		{Key, "type" ++ integer_to_list(Number)} || {Number, Key} <- lists:zip(Numbers, Keys)
	]),
	Port = start(Config, #{
		verify_mode => "selfsigned_peer",
		hosts => ["static"],
		host_types => maps:values(HostTypes),
		more => [host_config(Key, HostType) || {Key, HostType} <- maps:to_list(HostTypes)]
	}),
	PrivateKey = certjid_test_cert:key(),
	AllNames = lists:usort([maps:with([common_name, xmpp_addrs], Decision) || Decision <- Decisions]),
	Certificates = maps:from_list([
		{Names, certjid_test_cert:self_signed(PrivateKey, Names)} || Names <- AllNames
	]),
	[] = [
		{Row, Answer}
		|| #{row := Row, expected := Expected, host := Host, authzid := Authzid} = Decision <- Decisions,
			HostType <- [maps:get(maps:with([kinds, prefix, suffix], Decision), HostTypes)],
			Der <- [maps:get(maps:with([common_name, xmpp_addrs], Decision), Certificates)],
			Answer <- [decide(Client, (request(Der))#{
				host => Host, host_type => list_to_binary(HostType), authzid => Authzid
			})],
			Answer =/= Expected
	],
	0 = stop(Port),
	ct:comment("6000 rows, ~b certificates, ~b host types", [map_size(Certificates), map_size(HostTypes)]).

%% The JIDs as authorization identities, which `auth_id' takes as they are: the user of the row
%% logs in to the row's host.
jids(Config) ->
	Client = proplists:get_value(client, Config),
	AuthId = #{kinds => [<<"auth_id">>], prefix => <<>>, suffix => <<>>},
	Port = start(Config, #{
		verify_mode => "selfsigned_peer",
		hosts => ["static"],
		host_types => ["jids"],
		more => [host_config(AuthId, "jids")]
	}),
	Request = (request(certjid_test_cert:self_signed(certjid_test_cert:key(), ?ALICE)))#{
		host_type => <<"jids">>
	},
	Rows = certjid_test_cases:jids(),
	[] = [
		{Name, Answer, Wanted}
		|| {Name, Input, Expected} <- Rows,
			{Host, Wanted} <- [login_of(Input, Expected)],
			Answer <- [decide(Client, Request#{host => Host, authzid => Input})],
			Answer =/= Wanted
	],
	0 = stop(Port),
	ct:comment("~b rows", [length(Rows)]).

%% The host to log in to, and the answer. No authzid, and no local part, is no user.
login_of(<<>>, error) -> {<<"localhost">>, <<"not-authorized">>};
login_of(_Input, error) -> {<<"localhost">>, <<"invalid-authzid">>};
login_of(Input, any) ->
	{ok, Jid} = certjid_nif:jid(Input),
	login_of(Input, Jid);
login_of(_Input, {<<>>, Host, _Resource}) -> {host(Host), <<"not-authorized">>};
login_of(_Input, {_Local, <<>>, _Resource}) -> {<<"localhost">>, <<"not-authorized">>};
login_of(_Input, {Local, Host, _Resource}) -> {Host, {ok, Local}}.

host(<<>>) -> <<"localhost">>;
host(Host) -> Host.

host_config(#{kinds := Kinds, prefix := Prefix, suffix := Suffix}, HostType) ->
	[
		"[[host_config]]\n  host_type = ", quote(HostType), "\n\n  [host_config.auth]\n"
		"    methods = [\"pki\"]\n    sasl_mechanisms = [\"external\"]\n"
		"    sasl_external = [", lists:join(", ", [quote(Kind) || Kind <- Kinds]), "]\n",
		[["    sasl_external_common_name.prefix = ", quote(Prefix), "\n"] || Prefix =/= <<>>],
		[["    sasl_external_common_name.suffix = ", quote(Suffix), "\n"] || Suffix =/= <<>>],
		"    [host_config.auth.pki]\n\n"
	].

quote(Text) ->
	[$", Text, $"].

decide(Client, Request) ->
	case certjid_sidecar:authenticate(Client, Request) of
		{ok, #{username := Local, trail := [_ | _]}} -> {ok, Local};
		{error, #{condition := Condition, trail := [_ | _]}} -> Condition
	end.

%% The sidecar answers as the NIF does, whatever the form of the request.
requests(Config) ->
	Client = proplists:get_value(client, Config),
	Options = #{sasl_external => ["certjid_verification"]},
	Port = start(Config, Options),
	Policy = certjid_test_config:policy(Config, Options),
	Der = certjid_test_config:issue(Config, ?ALICE),
	Expired = certjid_test_config:issue(Config, ?ALICE, #{not_after => "20250601000000Z"}),
	Request = request(Der),
	{ok, #{jid := <<"alice@localhost">>}} = certjid_sidecar:authenticate(Client, Request),
	[
		begin
			Answer = certjid:decide(Policy, Asked),
			Answer = certjid_sidecar:authenticate(Client, Asked),
			Offer = certjid:offer(Policy, Asked),
			{ok, Offer} = certjid_sidecar:offer(Client, Asked)
		end
		|| Asked <- [
			Request,
			Request#{chain := []},
			Request#{chain := [Expired]},
			Request#{chain := [<<"x">>]},
			Request#{chain := certjid_test_cert:pem([Der])},
			(maps:remove(chain, Request))#{cert => public_key:pkix_decode_cert(Der, otp)},
			Request#{listener := http},
			Request#{listener := {port, 5222}},
			Request#{host := <<"other.example">>},
			Request#{authzid => <<"Alice@localhost">>},
			Request#{authzid => <<"bob@localhost">>},
			Request#{authzid => <<16#FF>>},
			Request#{initial_response => <<"=">>},
			Request#{initial_response => <<"YQ">>},
			Request#{verified => false}
		]
	],
	[<<"EXTERNAL">>] = certjid_sidecar:mechanisms(Client, Request),
	[] = certjid_sidecar:mechanisms(Client, Request#{chain := []}),
	{error, #{reason := <<"bad_request">>}} =
		certjid_sidecar:authenticate(Client, Request#{chain := [binary:copy(<<0>>, 1048576)]}),
	{error, #{reason := <<"bad_request">>}} =
		certjid_sidecar:authenticate(Client, Request#{chain := <<"no PEM">>}),
	?assertError(badarg, certjid_sidecar:authenticate(Client, Request#{autzid => <<>>})),
	{ok, #{release := <<_, _/binary>>, allowed := Allowed, pid := Pid}} = certjid_sidecar:status(Client),
	true = Allowed > 0 andalso is_integer(Pid),
	0 = stop(Port).

%% 100 processes, 20 requests each, over one connection.
pipelined(Config) ->
	Client = proplists:get_value(client, Config),
	Port = start(Config, #{}),
	Workers = [
		spawn_monitor(fun() ->
			Name = iolist_to_binary(["user", integer_to_binary(N)]),
			Address = <<Name/binary, "@localhost">>,
			Request = request(certjid_test_config:issue(Config, #{xmpp_addrs => [Address]})),
			[
				{ok, #{jid := Address}} = certjid_sidecar:authenticate(Client, Request)
				|| _ <- lists:seq(1, 20)
			]
		end)
		|| N <- lists:seq(1, 100)
	],
	[receive {'DOWN', Ref, process, Pid, Reason} -> normal = Reason end || {Pid, Ref} <- Workers],
	0 = stop(Port).

%% While the sidecar is down, the answer is quick; afterwards the client finds it by itself.
restart(Config) ->
	Client = proplists:get_value(client, Config),
	Request = request(certjid_test_config:issue(Config, ?ALICE)),
	{error, unavailable} = certjid_sidecar:authenticate(Client, Request),
	[
		begin
			Port = start(Config, #{}),
			{ok, _} = certjid_sidecar:authenticate(Client, Request),
			_ = stop(Port),
			wait(fun() -> certjid_sidecar:authenticate(Client, Request) =:= {error, unavailable} end),
			{Micros, [{error, unavailable}, []]} = timer:tc(fun() -> [
				certjid_sidecar:authenticate(Client, Request),
				certjid_sidecar:mechanisms(Client, Request)
			] end),
			true = Micros < 50000
		end
		|| _ <- [1, 2]
	].
