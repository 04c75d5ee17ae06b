%% The rows of verdicts.jsonl through the NIF: files laid out in a folder, a login, and what is wrong
%% with the answer, if anything. What the fields mean: test/data/cases/README.md.
-module(certjid_test_verdicts).

-export([fault/2]).

%% `none', or what is not as wanted.
fault(Folder, #{<<"name">> := Name, <<"files">> := Files, <<"want">> := Want} = Row) ->
	Dir = filename:join(Folder, Name),
	ok = filelib:ensure_dir(filename:join(Dir, "x")),
	[
		ok = file:write_file(filename:join(Dir, File), content(Content))
		|| {File, Content} <- maps:to_list(Files)
	],
	judge(Want, answer(Dir, Row)).

content(#{<<"base64">> := Text}) -> base64:decode(Text);
content(Text) -> Text.

%% `{unusable, Messages}', or the answer of certjid:decide/3.
answer(Dir, #{<<"ask">> := #{<<"cert">> := File} = Ask, <<"now">> := Now} = Row) ->
	{ok, Cert} = file:read_file(filename:join(Dir, File)),
	Options = settings(maps:get(<<"settings">>, Row, [])),
	case certjid:load(filename:join(Dir, "mongooseim.toml"), Options) of
		{ok, Policy} ->
			case certjid:decide(Policy, request(Ask, Cert), Now) of
				{error, #{reason := <<"bad_request">>, message := Message}} ->
					{unusable, [<<File/binary, ": ", Message/binary>>]};
				Answer -> Answer
			end;
		{error, Errors} ->
			{unusable, [<<Path/binary, ": ", Message/binary>>
				|| #{path := Path, message := Message} <- Errors]}
	end.

settings([<<"--missing-crl">>, Value | Others]) ->
	(settings(Others))#{missing_crl => binary_to_existing_atom(Value)};
settings([<<"--stale-crl">>, Value | Others]) ->
	(settings(Others))#{stale_crl => binary_to_existing_atom(Value)};
settings([]) ->
	#{}.

request(#{<<"host">> := Host} = Ask, Cert) ->
	Optional = [
		{Key, Value}
		|| {Key, Name} <- [{authzid, <<"authzid">>}, {initial_response, <<"initial_response">>}],
			#{Name := Value} <- [Ask]
	],
	maps:merge(maps:from_list(Optional), #{
		listener => listener(maps:get(<<"listener">>, Ask, <<"c2s">>)), host => Host, chain => Cert
	}).

listener(<<"c2s">>) -> c2s;
listener(<<"http">>) -> http;
listener(Port) -> {port, binary_to_integer(Port)}.

judge(Want, Answer) ->
	Faults = [lacks(Want, Answer), verdict(Want, Answer)],
	hd([Fault || Fault <- Faults, Fault =/= none] ++ [none]).

lacks(#{<<"lacks">> := Words}, Answer) ->
	Said = lower(unicode:characters_to_binary(io_lib:format("~tp", [Answer]))),
	case [Word || Word <- Words, has(Said, Word)] of
		[] -> none;
		Found -> {has, Found, Answer}
	end;
lacks(_Want, _Answer) ->
	none.

verdict(Want, {unusable, Messages} = Answer) ->
	case Want of
		#{<<"unusable">> := true} -> missing(Want, Messages);
		#{<<"or_unusable">> := true} -> missing(Want, Messages);
		_ -> Answer
	end;
verdict(#{<<"unusable">> := true}, Answer) ->
	{usable, Answer};
verdict(#{<<"allowed">> := Allowed} = Want, {Tag, Map} = Answer) ->
	Keys = [{<<"jid">>, jid}, {<<"condition">>, condition}, {<<"reason">>, reason}],
	Others = [
		Name
		|| {Name, Key} <- Keys, #{Name := Value} <- [Want], maps:get(Key, Map, none) =/= Value
	],
	case (Tag =:= ok) =:= Allowed andalso Others of
		[] -> message(Want, lower(maps:get(message, Map, <<>>)), Answer);
		_ -> {other, Answer}
	end.

message(Want, Message, Answer) ->
	Lacking = [Word || Word <- maps:get(<<"message_mentions">>, Want, []), not has(Message, Word)],
	Having = [Word || Word <- maps:get(<<"message_lacks">>, Want, []), has(Message, Word)],
	case {Lacking, Having} of
		{[], []} -> none;
		_ -> {message, Answer}
	end.

%% One message has all of `mentions', and a number in the range of `lines'.
missing(Want, Messages) ->
	Words = maps:get(<<"mentions">>, Want, []),
	Fits = fun(Message) ->
		lists:all(fun(Word) -> has(Message, Word) end, Words) andalso in_range(Want, Message)
	end,
	case lists:any(Fits, [lower(Message) || Message <- Messages]) of
		true -> none;
		false -> {no_message, Messages}
	end.

in_range(#{<<"lines">> := [First, Last]}, Message) ->
	{match, Numbers} = re:run(Message, "\\b[0-9]{1,4}\\b", [global, {capture, first, binary}]),
	lists:any(fun([Number]) ->
		Line = binary_to_integer(Number),
		First =< Line andalso Line =< Last
	end, Numbers);
in_range(_Want, _Message) ->
	true.

lower(Text) -> string:lowercase(Text).

has(Text, Word) -> string:find(Text, Word) =/= nomatch.
