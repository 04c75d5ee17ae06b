%% Programs that a test runs beside itself, each with its output in a file.
-module(certjid_test_program).

-export([start/3]).
-export([signal/2]).
-export([stop/1]).
-export([free_port/0]).
-export([wait_for/2]).
-export([folder/1]).
-export([certjid/0]).

%% Below those of net.ipv4.ip_local_port_range.
-define(FIRST_PORT, 10000).
-define(PORTS, 22000).

%% Log is the file for the output. The program ends with its owner too, as the shell's standard
%% input does.
start(File, Arguments, Log) ->
	filelib:is_regular(File) orelse ct:fail("there is no ~ts", [File]),
	Script = "exec 3<&0; \"$@\" >>\"$0\" 2>&1 </dev/null 3<&- & p=$!; echo $p; "
		"(read _ <&3; kill -CONT $p; kill $p) >/dev/null 2>&1 & exec 3<&-; wait $p",
	Port = open_port({spawn_executable, "/bin/sh"}, [
		{args, ["-c", Script, Log, File | Arguments]}, {line, 20}, exit_status
	]),
	receive {Port, {data, {eol, Pid}}} -> #{port => Port, pid => Pid} end.

%% Name as kill(1) has it.
signal(#{pid := Pid}, Name) ->
	_ = os:cmd("kill -" ++ Name ++ " " ++ Pid),
	ok.

%% Ends a program, also one that is stopped, has ended, or doesn't want to.
stop(#{port := Port} = Program) ->
	case erlang:port_info(Port) of
		undefined ->
			receive {Port, {exit_status, _}} -> ok after 0 -> ok end;
		_ ->
			ok = signal(Program, "CONT"),
			ok = signal(Program, "TERM"),
			receive
				{Port, {exit_status, _}} -> ok
			after 10000 ->
				ok = signal(Program, "KILL"),
				receive {Port, {exit_status, _}} -> ok end
			end
	end.

%% For a program that can't say which port it was given. No two calls give the same, and the kernel
%% gives it to no connection, and not for port 0, in the meantime.
free_port() ->
	Port = ?FIRST_PORT + (erlang:phash2(os:getpid()) + erlang:unique_integer([positive])) rem ?PORTS,
	case gen_tcp:listen(Port, [{ip, {127, 0, 0, 1}}, {reuseaddr, true}]) of
		{ok, Listen} -> ok = gen_tcp:close(Listen), Port;
		{error, eaddrinuse} -> free_port()
	end.

%% The first answer of Fun() that isn't false.
wait_for(What, Fun) ->
	wait_for(What, Fun, 400).

wait_for(What, _Fun, 0) ->
	ct:fail("waited for ~ts in vain", [What]);
wait_for(What, Fun, Times) ->
	case Fun() of
		false -> timer:sleep(50), wait_for(What, Fun, Times - 1);
		Answer -> Answer
	end.

%% Runs Fun(Folder) with a folder whose name is short, as the path of a socket must be.
folder(Fun) ->
	Folder = string:trim(os:cmd("mktemp -d /tmp/certjid.XXXXXX")),
	try Fun(Folder) after ok = file:del_dir_r(Folder) end.

certjid() ->
	case os:getenv("CERTJID_BIN") of
		false -> filename:join(certjid_test_cases:root(), "target/debug/certjid");
		File -> File
	end.
