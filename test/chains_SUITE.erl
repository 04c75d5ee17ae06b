%% The measured chains (test/data/cases) in real handshakes at the present time, with the keys
%% that test/keyed_chains.py gave them: on OTP's ssl with certjid_tls, and as the NIF and the
%% sidecar then judge what the server got.
-module(chains_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([peer/1]).
-export([peer_lax/1]).
-export([selfsigned_peer/1]).
-export([selfsigned_peer_lax/1]).

all() ->
	[peer, peer_lax, selfsigned_peer, selfsigned_peer_lax].

init_per_suite(Config0) ->
	Config = certjid_test_xmpp_env:init(Config0),
	Rows = certjid_test_cases:rows("chains-keyed.jsonl"),
	47 = length(Rows),
	[{rows, [{Row, write(Config, Row)} || Row <- Rows]} | Config].

end_per_suite(_Config) ->
	ok.

write(Config, #{<<"name">> := Name, <<"chain">> := Pems, <<"key">> := Key}) ->
	File = filename:join(proplists:get_value(files, Config), "keyed_" ++ binary_to_list(Name)),
	ok = file:write_file(File ++ ".crt", Pems),
	ok = file:write_file(File ++ ".key", Key),
	File.

peer(Config) -> rows(Config, peer, true).
peer_lax(Config) -> rows(Config, peer, false).
selfsigned_peer(Config) -> rows(Config, selfsigned_peer, true).
selfsigned_peer_lax(Config) -> rows(Config, selfsigned_peer, false).

rows(Config, Mode, Disconnect) ->
	Toml = policy_file(Config, Mode, Disconnect),
	{ok, Policy} = certjid:load(Toml),
	Jobs = [
		{Row, Version, File}
		|| {Row, File} <- proplists:get_value(rows, Config), Version <- ["1.2", "1.3"]
	],
	certjid_test_xmpp_env:with_sidecar(Toml, fun(Sidecar) ->
		Answers = serve(Config, Policy, Sidecar, Jobs),
		[] = [
			{Name, Version, Answer, Expected}
			|| {{#{<<"name">> := Name} = Row, Version, _}, Answer} <- lists:zip(Jobs, Answers),
				Expected <- [expected(Row, Version, Mode, Disconnect)],
				not is_expected(Answer, Expected)
		]
	end).

policy_file(Config0, Mode, Disconnect) ->
	CaFile = certjid_test_cases:path("chains-keyed-ca.pem"),
	Config = lists:keystore(ca, 1, Config0, {ca, #{file => CaFile}}),
	certjid_test_xmpp_env:policy_file(Config, #{
		verify_mode => Mode, disconnect_on_failure => Disconnect
	}).

%% OTP 25 asks for no EdDSA in TLS 1.2, and fails by itself where an issuer constrains xmppAddrs.
expected(#{<<"name">> := <<"key_ed25519">>}, "1.2", _Mode, true) -> closed;
expected(#{<<"name">> := <<"key_ed25519">>}, "1.2", _Mode, false) -> [<<"no_peer_cert">>];
expected(#{<<"name">> := <<"nc_othername_xmpp">>}, _Version, _Mode, _Disconnect) -> closed;
expected(#{<<"name">> := <<"self_md5">>} = Row, "1.3", Mode, false) ->
	%% OTP 27 does not ask for MD5, so that clients with OpenSSL 3.5 keep the certificate back.
	[<<"no_peer_cert">> | wanted(Row, Mode, false)];
expected(Row, _Version, Mode, Disconnect) ->
	wanted(Row, Mode, Disconnect).

wanted(#{<<"want">> := Want}, Mode, Disconnect) ->
	case maps:get(atom_to_binary(Mode), Want) of
		<<"ok">> -> [<<"ok">>];
		_ when Disconnect -> closed;
		Reasons -> binary:split(Reasons, <<"|">>, [global])
	end.

%% What ssl says of the certificate, and why the NIF and the sidecar don't offer EXTERNAL for it;
%% the client has it from the server.
is_expected({Client, closed}, closed) ->
	Client =:= <<"closed">>;
is_expected({Client, {Reason, Reason, Reason}}, Expected) when is_list(Expected) ->
	lists:member(Reason, Expected) andalso Client =:= Reason;
is_expected(_Answer, _Expected) ->
	false.

serve(Config, Policy, Sidecar, Jobs) ->
	Server = proplists:get_value(server, Config),
	{ok, Listen} = gen_tcp:listen(0, [{active, false}, {ip, {127, 0, 0, 1}}, binary]),
	{ok, Port} = inet:port(Listen),
	Client = start_client(Config, Port, Jobs),
	Answers = [
		in_process(fun() -> answer(Listen, Server, Policy, Sidecar) end)
		|| _ <- Jobs
	],
	ok = gen_tcp:close(Listen),
	lists:zip(receive {Client, Seen} -> Seen after 20000 -> ct:fail(client_hangs) end, Answers).

start_client(Config, Port, Jobs) ->
	File = filename:join(proplists:get_value(files, Config), "jobs" ++ integer_to_list(Port)),
	ok = file:write_file(File, [
		["{\"tls\": \"", Version, "\", \"cert\": \"", Name, ".crt\", \"key\": \"", Name, ".key\"}\n"]
		|| {_Row, Version, Name} <- Jobs
	]),
	Self = self(),
	spawn_link(fun() ->
		Self ! {self(), certjid_test_xmpp_env:run(Config, "handshakes.py", #{port => Port, jobs => File})}
	end).

%% The messages of a connection that fails go with its process.
in_process(Fun) ->
	Self = self(),
	Pid = spawn_link(fun() -> Self ! {self(), Fun()} end),
	receive {Pid, Answer} -> Answer after 20000 -> ct:fail(server_hangs) end.

answer(Listen, Server, Policy, Sidecar) ->
	{ok, Tcp} = gen_tcp:accept(Listen, 10000),
	Options = maps:to_list(Server) ++ certjid_tls:listener_opts(Policy, c2s),
	case certjid_tls:handshake(Tcp, [{log_level, none} | Options], 5000) of
		{ok, Socket, Peer} ->
			Answer = judged(Peer, Policy, Sidecar),
			ok = ssl:send(Socket, element(1, Answer)),
			ok = ssl:close(Socket),
			Answer;
		{error, _} ->
			closed
	end.

judged(#{chain := Chain, verified := Verified}, Policy, Sidecar) ->
	Verdict = certjid:verify_chain(Policy, c2s, Chain),
	Verified = case Chain of [] -> undefined; _ -> Verdict =:= ok end,
	Request = #{listener => c2s, host => <<"localhost">>, chain => Chain},
	#{reason := ByNif} = certjid:offer(Policy, Request),
	{ok, #{reason := BySidecar}} = certjid_sidecar:offer(Sidecar, Request),
	{verdict(Verdict), reason(ByNif), reason(BySidecar)}.

verdict(ok) -> <<"ok">>;
verdict({bad_cert, Reason}) -> atom_to_binary(Reason).

reason(<<"offered">>) -> <<"ok">>;
reason(Reason) -> Reason.
