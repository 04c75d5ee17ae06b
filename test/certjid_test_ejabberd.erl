%% Debian's ejabberd in a folder of its own, set up by the lines of docs/ejabberd.md, and
%% ejabberdctl for it.
-module(certjid_test_ejabberd).

-export([start/2]).
-export([stop/1]).
-export([restart/2]).
-export([run/2]).
-export([block/2]).
-export([write/3]).
-export([configure/2]).
-export([rpc/4]).
-export([log/1]).
-export([log/2]).
-export([resident/1]).
-export([reload/1]).
-export([mutate/1]).
-export([module/1]).
-export([server/1]).
-export([der/1]).
-export([raw_login/3]).

%% In ejabberd's node.
-export([verify_creds/1]).
-export([hostile/3]).
-export([get_peer_certificate/2]).
-export([get_transport/1]).
-export([get_owner/1]).

-define(CTL, "/usr/sbin/ejabberdctl").

%% With the files of the documentation. Options: `module', more lines of YAML for mod_certjid.
%% ejabberd runs until stop/1, or until this node ends.
start(Config, Options) ->
	filelib:is_regular(?CTL) orelse ct:fail("there is no ejabberd on this machine"),
	Dir = string:trim(os:cmd("mktemp -d /tmp/certjid-ejabberd.XXXXXX")),
	[Port, DirectPort, DistPort] = Ports = [certjid_test_program:free_port() || _ <- [1, 2, 3]],
	Server = #{
		config => Config, dir => Dir,
		port => Port, direct_port => DirectPort, dist_port => DistPort
	},
	ct:log("ejabberd in ~ts, ports ~w", [Dir, Ports]),
	[ok = file:make_dir(filename:join(Dir, Name)) || Name <- ["log", "spool"]],
	ok = credentials(Server),
	ok = ejabberdctl(Server),
	{0, _} = run(Server, block("sh", "install -d")),
	ok = write(Server, "mongooseim.toml", block("toml", "[general]")),
	ok = configure(Server, maps:get(module, Options, "")),
	launch(Server).

%% The option `module' for the two ways that it decides.
module(takeover) -> "    takeover: true\n";
module(veto) -> "".

%% What a suite's Config has of it, under `server'.
server(Config) -> proplists:get_value(server, Config).

der(#{cert := File}) ->
	{ok, Pem} = file:read_file(File),
	[{'Certificate', Der, not_encrypted}] = public_key:pem_decode(Pem),
	Der.

%% The JID or the condition, and the mechanisms that were offered.
raw_login(Config, Cert, Response) when is_atom(Cert) ->
	raw_login(Config, certjid_test_xmpp_env:client(Config, Cert), Response);
raw_login(Config, Files, Response) ->
	#{direct_port := Port} = server(Config),
	#{<<"login">> := Login, <<"offered">> := Offered} = certjid_test_xmpp_env:run(
		Config, "raw_login.py", Files#{shape => "direct_tls", port => Port, response => Response}
	),
	{Login, Offered}.

%% Starts it again, with what Prepare(Dir) changes in its folder.
restart(Server, Prepare) ->
	ok = halt_server(Server),
	ok = Prepare(maps:get(dir, Server)),
	launch(Server).

stop(#{dir := Dir} = Server) ->
	ok = halt_server(Server),
	ct:log("~ts", [log(Server)]),
	ok = file:del_dir_r(Dir).

halt_server(#{holder := Holder}) ->
	Monitor = monitor(process, Holder),
	Holder ! stop,
	receive {'DOWN', Monitor, process, Holder, Reason} -> normal = Reason end,
	ok.

%% The certificates where the documentation has them. Server's certificate and key in one file.
credentials(#{config := Config, dir := Dir}) ->
	#{file := Ca} = proplists:get_value(ca, Config),
	#{certfile := Cert, keyfile := Key} = proplists:get_value(server, Config),
	Copy = fun(Files, Name) ->
		Texts = [element(2, {ok, _} = file:read_file(File)) || File <- Files],
		file:write_file(filename:join(Dir, Name), Texts)
	end,
	ok = Copy([Ca], "clients-ca.pem"),
	ok = Copy([proplists:get_value(crl_file, Config)], "clients-crl.pem"),
	Copy([Cert, Key], "server.pem").

%% ejabberdctl runs as the user ejabberd; a copy runs as who runs the tests. On loopback and
%% without epmd, which others of this machine may use.
ejabberdctl(#{dir := Dir, dist_port := Port} = Server) ->
	{ok, Script} = file:read_file(?CTL),
	Copy = binary:replace(Script, <<"\nINSTALLUSER=ejabberd\n">>, <<"\nINSTALLUSER=\n">>),
	true = Copy =/= Script,
	ok = write(Server, "ejabberdctl", Copy),
	ok = file:change_mode(filename:join(Dir, "ejabberdctl"), 8#755),
	Beams = filename:dirname(code:which(?MODULE)),
	write(Server, "ejabberdctl.cfg", [
		settle(Server, block("ini", "ERL_OPTIONS")),
		"ERL_OPTIONS=\"$ERL_OPTIONS -setcookie certjid -pa ", Beams, "\"\n",
		"ERL_DIST_PORT=", integer_to_list(Port), "\n",
		"INET_DIST_INTERFACE=127.0.0.1\n",
		"EJABBERD_PID_PATH=", Dir, "/pid\n",
		"export ERL_EPMD_ADDRESS=127.0.0.1\n"
	]).

%% Writes ejabberd.yml, with more lines of YAML for the module, or `without' it.
configure(#{dir := Dir, port := Port, direct_port := DirectPort} = Server, Module) ->
	Ports = [
		{<<"port: 5222">>, ["port: ", integer_to_list(Port), "\n    ip: 127.0.0.1"]},
		{<<"port: 5223">>, ["port: ", integer_to_list(DirectPort), "\n    ip: 127.0.0.1"]}
	],
	write(Server, "ejabberd.yml", [
		"hosts: [localhost]\n"
		"loglevel: info\n"
		"certfiles: [", Dir, "/server.pem]\n"
		"auth_method: [mnesia]\n",
		%% The block ends with the module.
		case {replace(block("yaml", "mod_certjid"), Ports), Module} of
			{Block, without} -> hd(string:split(Block, "modules:"));
			{Block, _} -> [Block, Module]
		end
	]).

%% As the documentation says.
reload(Server) ->
	{0, _} = run(Server, block("sh", "reload_config")),
	ok.

%% Writes a file into its folder; paths and the host of the documentation are replaced.
write(#{dir := Dir} = Server, Name, Text) ->
	file:write_file(filename:join(Dir, Name), settle(Server, Text)).

settle(#{dir := Dir}, Text) ->
	Lib = filename:dirname(filename:dirname(code:which(certjid))),
	replace(Text, [
		{<<"/etc/ejabberd/">>, [Dir, "/"]},
		{<<"/var/log/ejabberd/">>, [Dir, "/log/"]},
		{<<"/opt/certjid">>, [Dir, "/certjid"]},
		{<<"_build/default/lib/certjid">>, Lib},
		{<<"example.org">>, "localhost"},
		{<<"ejabberdctl reload">>, [Dir, "/ejabberdctl -d ", Dir, " -l ", Dir, "/log -s ", Dir, "/spool reload"]}
	]).

replace(Text, Pairs) ->
	lists:foldl(fun({Old, New}, Acc) ->
		binary:replace(Acc, Old, unicode:characters_to_binary(New), [global])
	end, unicode:characters_to_binary(Text), Pairs).

%% Runs a command of the documentation: exit status and output.
run(Server, Command) ->
	certjid_test_xmpp_env:command("sh", ["-ec", settle(Server, Command)]).

%% The code block of docs/ejabberd.md in a language that has a text.
block(Language, Text) ->
	{ok, Page} = file:read_file(filename:join(certjid_test_cases:root(), "docs/ejabberd.md")),
	{match, Blocks} = re:run(Page, "^```" ++ Language ++ "\n(.*?)^```$",
		[multiline, dotall, global, {capture, all_but_first, binary}]),
	[Block] = [Block || [Block] <- Blocks, string:find(Block, Text) =/= nomatch],
	Block.

%% A process has ejabberd's standard input; at its end ejabberd is killed by its pid.
launch(#{dir := Dir} = Server) ->
	Script = filename:join(Dir, "ejabberdctl"),
	Run = "\"$0\" -d \"$1\" -l \"$1/log\" -s \"$1/spool\" foreground </dev/null >>\"$1/log/out\" 2>&1 &\n"
		"cat >/dev/null; pid=$(cat \"$1/pid\" 2>/dev/null) && kill $pid 2>/dev/null; wait",
	Holder = spawn(fun() ->
		Port = open_port({spawn_executable, os:find_executable("sh")},
			[{args, ["-c", Run, Script, Dir]}, exit_status]),
		receive stop -> ok end,
		{ok, Pid} = file:read_file(filename:join(Dir, "pid")),
		_ = os:cmd("kill " ++ binary_to_list(Pid)),
		ok = gone(binary_to_list(string:trim(Pid)), 300),
		port_close(Port)
	end),
	ok = wait_for_port(Server, 600),
	{ok, Pid} = file:read_file(filename:join(Dir, "pid")),
	Server#{holder => Holder, pid => binary_to_list(string:trim(Pid))}.

gone(Pid, 0) ->
	_ = os:cmd("kill -9 " ++ Pid),
	ok;
gone(Pid, Times) ->
	case filelib:is_dir("/proc/" ++ Pid) of
		true -> timer:sleep(50), gone(Pid, Times - 1);
		false -> ok
	end.

wait_for_port(#{dir := Dir}, 0) ->
	{ok, Output} = file:read_file(filename:join(Dir, "log/out")),
	ct:fail("ejabberd does not listen: ~ts", [Output]);
wait_for_port(#{direct_port := Port} = Server, Times) ->
	case gen_tcp:connect({127, 0, 0, 1}, Port, [], 1000) of
		{ok, Socket} -> gen_tcp:close(Socket);
		{error, _} -> timer:sleep(50), wait_for_port(Server, Times - 1)
	end.

%% Calls a function in ejabberd's node, from a node that lives as long as the call.
rpc(#{dist_port := Port}, Module, Function, Args) ->
	Call = io_lib:format(
		"io:put_chars(base64:encode(term_to_binary("
		"rpc:call(ejabberd@localhost, ~p, ~p, binary_to_term(base64:decode(~p)))))), halt().",
		[Module, Function, base64:encode(term_to_binary(Args))]
	),
	{0, Answer} = certjid_test_xmpp_env:command("erl", [
		"-noinput", "-hidden", "-sname", "rpc@localhost", "-setcookie", "certjid",
		"-dist_listen", "false", "-start_epmd", "false", "-erl_epmd_port", integer_to_list(Port),
		"-eval", lists:flatten(Call)
	]),
	binary_to_term(base64:decode(Answer)).

%% ejabberd's log, and what came after its first bytes.
log(Server) ->
	log(Server, 0).

log(#{dir := Dir}, From) ->
	{ok, Text} = file:read_file(filename:join(Dir, "log/ejabberd.log")),
	binary:part(Text, From, byte_size(Text) - From).

%% Resident memory in kB.
resident(#{pid := Pid}) ->
	{ok, Status} = file:read_file("/proc/" ++ Pid ++ "/status"),
	{match, [Size]} = re:run(Status, "VmRSS:\\s*(\\d+) kB", [{capture, all_but_first, list}]),
	list_to_integer(Size).

%% A module for `sasl_external', which finds another user than ejabberd.
verify_creds(_Creds) -> {ok, <<"somebody">>}.

%% Makes Count logins in ejabberd's node, without TLS, with the certificates, every other one
%% mutated: what the hooks and the decision in ejabberd's place (`takeover') answer, how often. A
%% failure is an answer too.
hostile(Count, Ders, Victim) ->
	_ = rand:seed(exsss, {1, 2, 3}),
	lists:foldl(fun(Number, Answers) ->
		Whole = lists:nth(rand:uniform(length(Ders)), Ders),
		Der = case Number rem 2 of
			0 -> mutate(Whole);
			1 -> Whole
		end,
		Answer = try login(Der, text(Victim)) catch Class:Reason -> {Class, Reason} end,
		maps:update_with(Answer, fun(N) -> N + 1 end, 1, Answers)
	end, #{}, lists:seq(1, Count)).

login(Der, Text) ->
	%% xmpp_socket's record, whose module is asked for the certificate.
	Socket = {socket_state, ?MODULE, Der, infinity, undefined, none, none},
	State = #{
		xmlns => <<"jabber:client">>, stream_direction => in, lserver => <<"localhost">>,
		stream_encrypted => true, stream_authenticated => false, tls_verify => true,
		sasl_mech => <<"EXTERNAL">>, socket => Socket
	},
	#{tls_verify := Offered} = Started = mod_certjid:stream_started(State, undefined),
	Auth = {xmlel, <<"auth">>, [], [{xmlcdata, Text}]},
	Received = mod_certjid:handle_recv(Started, Auth, undefined),
	{Offered, apply(xmpp_stream_pkix, authenticate, [Received, <<>>])}.

get_peer_certificate(Der, der) -> {ok, Der}.
get_transport(_Der) -> tls.
get_owner(_Der) -> self().

%% Some bytes changed, cut off, or doubled.
mutate(Der) ->
	lists:foldl(fun(_, Acc) -> mutate_once(Acc) end, Der, lists:seq(1, rand:uniform(4))).

mutate_once(<<>>) ->
	<<>>;
mutate_once(Bytes) ->
	At = rand:uniform(byte_size(Bytes)) - 1,
	<<Before:At/binary, Byte, After/binary>> = Bytes,
	case rand:uniform(20) of
		1 -> Before;
		2 -> <<Before/binary, After/binary>>;
		3 -> <<Before/binary, Bytes/binary>>;
		_ -> <<Before/binary, (Byte bxor (1 bsl rand:uniform(7))), After/binary>>
	end.

text(Victim) ->
	case rand:uniform(4) of
		1 -> base64:encode(Victim);
		2 -> base64:encode(rand:bytes(rand:uniform(60)));
		3 -> rand:bytes(rand:uniform(60));
		4 -> <<"=">>
	end.
