%% Logins on Prosody when the sidecar or its files fail: an answer within the
%% time-out in every case, and logins again when the fault is over.
-module(prosody_faults_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([sidecar_comes_and_goes/1]).
-export([others_go_on/1]).
-export([client_leaves/1]).
-export([garbage/1]).
-export([ca_file/1]).

-define(ALICE, {session_start, <<"alice@localhost">>}).
-define(TEMPORARY, {failed_auth, <<"temporary-auth-failure">>}).

all() ->
	[{group, side_by_side}].

%% Each case has servers of its own.
groups() ->
	[{side_by_side, [parallel], [sidecar_comes_and_goes, others_go_on, client_leaves, garbage, ca_file]}].

init_per_suite(Config) ->
	prosody_SUITE:init_per_suite(Config).

end_per_suite(_Config) ->
	ok.

login(Config, Env) ->
	login(Config, Env, websocket).

%% {Outcome, ProsodysReason}.
login(Config, Env, Shape) ->
	{Outcome, Reason, _} = prosody_SUITE:login(raw, Config, Env, #{cert => good, shape => Shape}),
	{Outcome, Reason}.

%% Runs Fun() in a process of its own; wait(Task) gives its answer.
begin_task(Fun) ->
	spawn_monitor(fun() -> exit({answer, Fun()}) end).

wait({Pid, Monitor}) ->
	receive {'DOWN', Monitor, process, Pid, {answer, Answer}} -> Answer end.

%% A loop of logins over every transport, in the middle of which the sidecar ends, hangs, returns
%% and dies.
sidecar_comes_and_goes(Config) ->
	certjid_test_prosody:run(Config, #{}, fun(#{sidecar := First} = Env) ->
		Shapes = [starttls, direct_tls, websocket, bosh],
		Loop = fun(Expected) ->
			[] = [{Shape, Seen} || Shape <- Shapes, Seen <- [login(Config, Env, Shape)], Seen =/= Expected]
		end,
		In = {?ALICE, allowed},
		Without = fun(Cause) -> {?TEMPORARY, Cause} end,
		Loop(In),
		ok = certjid_test_program:stop(First),
		Loop(Without(<<"No such file or directory">>)),
		Second = certjid_test_xmpp_env:start_sidecar(Env),
		try
			Loop(In),
			ok = certjid_test_program:signal(Second, "STOP"),
			Loop(Without(<<"no answer within 2 s">>)),
			ok = certjid_test_program:signal(Second, "CONT"),
			Loop(In),
			%% It dies while a client waits for its answer. A socket is left.
			ok = certjid_test_program:signal(Second, "STOP"),
			Waiting = begin_task(fun() -> login(Config, Env) end),
			ok = wait_until_asked(Env),
			ok = certjid_test_program:signal(Second, "KILL"),
			{?TEMPORARY, <<"it closed the connection">>} = wait(Waiting),
			Loop(Without(<<"connection refused">>))
		after
			ok = certjid_test_program:stop(Second)
		end,
		Third = certjid_test_xmpp_env:start_sidecar(Env),
		try Loop(In) after ok = certjid_test_program:stop(Third) end
	end).

%% Until Prosody has a connection to the sidecar, which is one more end of its socket.
wait_until_asked(#{socket := Socket}) ->
	certjid_test_program:wait_for("a question", fun() ->
		{ok, Table} = file:read_file("/proc/net/unix"),
		length(binary:matches(Table, list_to_binary(Socket))) > 1 andalso ok
	end).

%% While one client waits for a sidecar that hangs, Prosody serves the others: one that comes
%% later is answered earlier.
others_go_on(Config) ->
	Options = #{lines => "certjid_timeout = 15\n"},
	certjid_test_prosody:run(Config, Options, fun(#{sidecar := Sidecar} = Env) ->
		ok = certjid_test_program:signal(Sidecar, "STOP"),
		{Pid, _} = Waiting = begin_task(fun() -> login(Config, Env) end),
		ok = wait_until_asked(Env),
		#{ports := #{starttls := Port}} = Env,
		disconnected = prosody_SUITE:login(slixmpp, Config, #{
			cert => none, shape => starttls, port => Port
		}),
		true = is_process_alive(Pid),
		ok = certjid_test_program:signal(Sidecar, "CONT"),
		{?ALICE, _} = wait(Waiting)
	end).

%% A client that doesn't wait for its answer leaves nothing behind.
client_leaves(Config) ->
	certjid_test_prosody:run(Config, #{}, fun(#{sidecar := Sidecar, ports := Ports} = Env) ->
		#{cert := Cert, key := Key} = certjid_test_xmpp_env:client(Config, good),
		ok = certjid_test_program:signal(Sidecar, "STOP"),
		{ok, Client} = ssl:connect({127, 0, 0, 1}, maps:get(direct_tls, Ports), [
			{certfile, Cert}, {keyfile, Key}, {verify, verify_none}
		]),
		ok = ssl:send(Client, "<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
			"xmlns:stream='http://etherx.jabber.org/streams'>"
			"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>"),
		ok = wait_until_asked(Env),
		ok = ssl:close(Client),
		ok = certjid_test_program:signal(Sidecar, "CONT"),
		{?ALICE, allowed} = login(Config, Env)
	end).

%% Something else at the sidecar's socket.
garbage(Config) ->
	Framed = fun(Text) -> <<(byte_size(Text)):32, Text/binary>> end,
	Nonsense = {?TEMPORARY, <<"its reply can't be understood">>},
	TooLong = {?TEMPORARY, <<"its reply is too long">>},
	Closed = {?TEMPORARY, <<"it closed the connection">>},
	Cases = [
		{<<"HTTP/1.1 400 Bad Request\r\n\r\n">>, TooLong},
		{<<16#FFFFFFFF:32, 0:800000>>, TooLong},
		{binary:copy(<<0>>, 100000), Nonsense},
		{<<20:32, "{\"id\":1">>, Closed},
		{<<>>, Closed},
		{Framed(<<"{\"id\":1,">>), Nonsense},
		{Framed(<<"null">>), Nonsense},
		{Framed(<<"[1]">>), Nonsense},
		{Framed(binary:copy(<<"[">>, 200000)), Nonsense},
		{Framed(<<"{\"id\":2,\"allowed\":true,\"username\":\"alice\"}">>), Nonsense},
		{Framed(<<"{\"id\":1,\"external\":true}">>), Nonsense},
		{Framed(<<"{\"id\":1,\"external\":true,\"allowed\":\"yes\",\"username\":\"alice\"}">>), Nonsense},
		{Framed(<<"{\"id\":1,\"external\":true,\"allowed\":true,\"username\":{}}">>), Nonsense},
		{Framed(<<"{\"id\":1,\"external\":true,\"allowed\":false,\"condition\":\"<x/>\"}">>), Nonsense},
		{Framed(<<"{\"id\":1,\"error\":\"bad_request\",\"message\":\"no\"}">>),
			{{failed_auth, <<"not-authorized">>}, <<"bad_request">>}}
	],
	certjid_test_prosody:run(Config, #{}, fun(#{sidecar := Sidecar, socket := Socket} = Env) ->
		ok = certjid_test_program:stop(Sidecar),
		[
			begin
				_ = file:delete(Socket),
				{ok, Listen} = gen_tcp:listen(0, [{ifaddr, {local, Socket}}, binary, {active, false}]),
				Server = spawn_link(fun() -> answer_with(Listen, Reply) end),
				{Reply, Expected} = {Reply, login(Config, Env)},
				true = unlink(Server),
				true = exit(Server, kill),
				ok = gen_tcp:close(Listen)
			end
			|| {Reply, Expected} <- Cases
		],
		Again = certjid_test_xmpp_env:start_sidecar(Env),
		try {?ALICE, allowed} = login(Config, Env) after ok = certjid_test_program:stop(Again) end
	end).

%% The empty reply, and half a one, close the connection.
answer_with(Listen, Reply) ->
	{ok, Connection} = gen_tcp:accept(Listen),
	_ = gen_tcp:recv(Connection, 0),
	_ = gen_tcp:send(Connection, Reply),
	ok = gen_tcp:close(Connection),
	answer_with(Listen, Reply).

%% A CA file that goes away changes nothing until it is back or another one: the old policy stays,
%% and the sidecar says so.
ca_file(Config) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	certjid_test_program:folder(fun(Folder) ->
		Own = filename:join(Folder, "ca.pem"),
		Toml = filename:join(Folder, "mongooseim.toml"),
		{ok, _} = file:copy(CaFile, Own),
		{ok, Policy} = file:read_file(certjid_test_xmpp_env:policy_file(Config, #{})),
		ok = file:write_file(Toml, binary:replace(Policy, list_to_binary(CaFile), list_to_binary(Own), [global])),
		certjid_test_prosody:run(Config, #{toml => Toml}, fun(#{sidecar := Sidecar} = Env) ->
			Reload = fun(Says) ->
				Marked = certjid_test_prosody:mark(Env),
				ok = certjid_test_program:signal(Sidecar, "HUP"),
				certjid_test_program:wait_for(Says, fun() ->
					certjid_test_prosody:sidecar_says(Marked, Says) andalso ok
				end)
			end,
			In = {?ALICE, allowed},
			In = login(Config, Env),
			ok = file:delete(Own),
			In = login(Config, Env),
			ok = Reload("the policy is not reloaded"),
			In = login(Config, Env),
			%% Another CA: nobody whom the first one certified gets in.
			Other = certjid_test_cert:self_signed(certjid_test_cert:key(), #{common_name => <<"Other">>}),
			ok = file:write_file(Own, certjid_test_cert:pem([Other])),
			ok = Reload("the policy is reloaded"),
			{disconnected, <<"unknown_ca">>} = login(Config, Env),
			{ok, _} = file:copy(CaFile, Own),
			ok = Reload("the policy is reloaded"),
			In = login(Config, Env)
		end)
	end).
