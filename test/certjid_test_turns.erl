%% Cases that run side by side take turns with what needs the processor: a client that waits for it
%% too long would give up.
-module(certjid_test_turns).

-export([take/1]).

%% How many are at it at the same time, in the whole node.
-define(PLACES, 6).

%% Runs the function when there is a place.
take(Fun) ->
	Keeper = keeper(),
	Turn = monitor(process, Keeper),
	Keeper ! {take, self(), Turn},
	receive {Turn, go} -> ok end,
	try
		Fun()
	after
		Keeper ! {leave, Turn},
		demonitor(Turn, [flush])
	end.

%% The process that knows who is at it; the first to come starts it, and it lives on with the node.
keeper() ->
	case whereis(?MODULE) of
		undefined ->
			Keeper = spawn(fun() -> receive registered -> keep([], queue:new()) end end),
			try register(?MODULE, Keeper) of
				true -> Keeper ! registered, Keeper
			catch
				error:badarg -> exit(Keeper, kill), keeper()
			end;
		Keeper ->
			Keeper
	end.

%% Inside are the turns with a monitor each, as a process may end without leaving.
keep(Inside, Waiting) ->
	case queue:out(Waiting) of
		{{value, {Pid, Turn}}, Left} when length(Inside) < ?PLACES ->
			Pid ! {Turn, go},
			keep([{Turn, monitor(process, Pid)} | Inside], Left);
		_ ->
			receive
				{take, Pid, Turn} ->
					keep(Inside, queue:in({Pid, Turn}, Waiting));
				{leave, Turn} ->
					{value, {Turn, Monitor}, Others} = lists:keytake(Turn, 1, Inside),
					demonitor(Monitor, [flush]),
					keep(Others, Waiting);
				{'DOWN', Monitor, process, _, _} ->
					keep(lists:keydelete(Monitor, 2, Inside), Waiting)
			end
	end.
