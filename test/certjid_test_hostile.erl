%% What hostile_SUITE throws at certjid: mutated bytes, and terms of all kinds in all places.
-module(certjid_test_hostile).

-export([mutate/2]).
-export([term/0]).
-export([spoil/1]).
-export([in_parallel/2]).
-export([rss/0]).

%% A copy with a few bytes changed, cut out, put in, or taken from another.
mutate(Bytes, Others) ->
	lists:foldl(fun(_, Changed) ->
		change(rand:uniform(6), Changed, pick(Others))
	end, Bytes, lists:seq(1, rand:uniform(3))).

change(Kind, Bytes, Other) ->
	At = rand:uniform(byte_size(Bytes) + 1) - 1,
	<<Before:At/binary, After/binary>> = Bytes,
	Length = min(byte_size(After), rand:uniform(16)),
	<<Piece:Length/binary, Rest/binary>> = After,
	case {Kind, After} of
		{1, <<Byte, Tail/binary>>} ->
			<<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), Tail/binary>>;
		{2, <<_, Tail/binary>>} ->
			<<Before/binary, (pick([0, 1, 16#30, 16#7f, 16#80, 16#ff])), Tail/binary>>;
		{3, _} -> <<Before/binary, Rest/binary>>;
		{4, _} -> <<Before/binary, (rand:bytes(rand:uniform(8)))/binary, After/binary>>;
		{5, _} -> <<Before/binary, Piece/binary, After/binary>>;
		{_, _} ->
			Taken = binary:part(Other, 0, min(byte_size(Other), Length)),
			<<Before/binary, Taken/binary, Rest/binary>>
	end.

%% A term of any type.
term() ->
	term(3).

term(0) ->
	pick([
		undefined, absent, '', allow, true, 0, -1, 65536, 1 bsl 70, -(1 bsl 2000), 1.5, [], {}, #{},
		<<>>, <<0>>, <<1:3>>, <<255, 254>>, <<"c2s">>, <<"localhost">>, <<0:560000>>,
		"text", [255 | 256], self(), make_ref(), fun term/0, fun erlang:self/0
	]);
term(Depth) ->
	Inner = fun() -> term(Depth - 1) end,
	case rand:uniform(8) of
		1 -> [Inner() || _ <- lists:seq(1, rand:uniform(4))];
		2 -> [Inner() | Inner()];
		3 -> {pick([name, port, decoded, initial_response, ok, error]), Inner()};
		4 -> list_to_tuple([Inner() || _ <- lists:seq(1, rand:uniform(4))]);
		5 -> #{Inner() => Inner(), pick([host, chain, listener]) => Inner()};
		6 -> lists:duplicate(2000, pick([<<"a">>, self(), {}, "a", 1]));
		_ -> term(0)
	end.

%% The same term, with one part of it replaced by a term of any type.
spoil(Map) when map_size(Map) > 0 ->
	case rand:uniform(4) of
		1 -> term();
		2 -> maps:remove(pick(maps:keys(Map)), Map);
		_ ->
			Key = pick(maps:keys(Map)),
			Map#{Key := spoil(maps:get(Key, Map))}
	end;
spoil([First | Rest]) ->
	pick([term(), [spoil(First) | Rest], [First | term()]]);
spoil(Tuple) when tuple_size(Tuple) > 0 ->
	Position = rand:uniform(tuple_size(Tuple)),
	pick([term(), setelement(Position, Tuple, spoil(element(Position, Tuple)))]);
spoil(_Other) ->
	term().

pick(List) ->
	lists:nth(rand:uniform(length(List)), List).

%% Calls the function so often in all, in four processes for each scheduler. The processes must
%% end well.
in_parallel(Count, Function) ->
	Workers = 4 * erlang:system_info(schedulers_online),
	Running = [
		spawn_monitor(fun() -> repeat(Count div Workers, Function) end)
		|| _ <- lists:seq(1, Workers)
	],
	[
		receive {'DOWN', Monitor, process, Pid, Reason} -> normal = Reason end
		|| {Pid, Monitor} <- Running
	],
	ok.

repeat(0, _Function) ->
	ok;
repeat(Count, Function) ->
	Function(),
	repeat(Count - 1, Function).

%% The resident memory of the node, in KiB.
rss() ->
	{ok, Status} = file:read_file("/proc/self/status"),
	{match, [Kib]} = re:run(Status, "VmRSS:\\s*(\\d+)", [{capture, all_but_first, list}]),
	list_to_integer(Kib).
