%% MongooseIM's measured answers (test/data/cases) and the differences that are on purpose
%% (differences.tsv there, explained in docs/compatibility.md), as native/core/tests/cases reads
%% them.
-module(certjid_test_cases).

-export([root/0]).
-export([path/1]).
-export([rows/1]).
-export([differences/1]).
-export([jids/0]).
-export([decisions/0]).

%% The folder of the project.
root() ->
	find_root(filename:dirname(proplists:get_value(source, ?MODULE:module_info(compile)))).

path(Name) ->
	filename:join([root(), "test/data/cases", Name]).

%% rebar3 may compile a copy of the tests, below _build.
find_root(Dir) ->
	case filelib:is_file(filename:join(Dir, "test/data/cases/decisions.jsonl")) of
		true -> Dir;
		false when Dir =/= "/" -> find_root(filename:dirname(Dir))
	end.

rows(Name) ->
	certjid_test_json:lines(path(Name)).

%% The differences of one table: {Row, Field} to certjid's answer.
differences(Table) ->
	maps:from_list([
		{{Row, Field}, Answer}
		|| [T, Row, Field, Answer, _Reason] <- tsv("differences.tsv"), T =:= Table
	]).

tsv(Name) ->
	{ok, Text} = file:read_file(path(Name)),
	[
		binary:split(Line, <<"\t">>, [global])
		|| <<First, _/binary>> = Line <- binary:split(Text, <<"\n">>, [global]), First =/= $#
	].

%% {Name, Input, error | {Local, Domain, Resource}}. Rows that tell but the length are made anew.
jids() ->
	[_Heading | Rows] = tsv("jids.tsv"),
	[
		{Name, jid_input(Name, Input), case Local of
			<<"error">> -> error;
			<<"(", _/binary>> -> any;
			_ -> {unescape(Local), unescape(Domain), unescape(Resource)}
		end}
		|| [Name, Input, Local, Domain, Resource | _] <- Rows
	].

jid_input(Name, Input) ->
	case binary:match(Input, <<" bytes)">>) of
		nomatch -> unescape(Input);
		_ -> long_jid(Name, Input)
	end.

long_jid(Name, Length) ->
	Jid = fun(Local, Domain, Resource) ->
		iolist_to_binary([
			lists:duplicate(Local, $a), $@, lists:duplicate(Domain, $b),
			[$/ || Resource > 0], lists:duplicate(Resource, $c)
		])
	end,
	Input = case Name of
		<<"local_1023">> -> Jid(1023, 9, 0);
		<<"local_1024">> -> Jid(1024, 9, 0);
		<<"domain_1023">> -> Jid(1, 1023, 0);
		<<"domain_1024">> -> Jid(1, 1024, 0);
		<<"res_1023">> -> Jid(1, 1, 1023);
		<<"res_1024">> -> Jid(1, 1, 1024);
		<<"total_3070">> -> Jid(1023, 1022, 1023);
		<<"total_3071">> -> Jid(1023, 1023, 1023);
		%% A soft hyphen of two bytes goes, so that 1023 would be left.
		<<"shrinks_to_1023">> -> <<16#AD/utf8, (Jid(1023, 9, 0))/binary>>
	end,
	Length = iolist_to_binary(io_lib:format("(~b bytes)", [byte_size(Input)])),
	Input.

%% Undoes the escapes of the file: \xNN and \\.
unescape(<<"\\x", Hex:2/binary, Rest/binary>>) ->
	<<(binary_to_integer(Hex, 16)), (unescape(Rest))/binary>>;
unescape(<<"\\\\", Rest/binary>>) ->
	<<$\\, (unescape(Rest))/binary>>;
unescape(<<Byte, Rest/binary>>) ->
	<<Byte, (unescape(Rest))/binary>>;
unescape(<<>>) ->
	<<>>.

%% The 6,000 decisions, each with the expected answer: {ok, Local} or the condition. A crash of
%% MongooseIM's is a refusal here, and so is a user name that it refuses afterwards.
decisions() ->
	#{{<<"empty-common-name">>, <<"ok">>} := EmptyName} = Named = differences(<<"decisions">>),
	1 = map_size(Named),
	[decision(Row, EmptyName) || Row <- rows("decisions.jsonl")].

decision(Row, EmptyName) ->
	#{
		<<"sasl_external">> := Kinds,
		<<"prefix">> := Prefix,
		<<"suffix">> := Suffix,
		<<"server">> := Host,
		<<"xmpp_addrs">> := Addresses,
		<<"common_name">> := CommonName
	} = Row,
	#{
		row => Row,
		kinds => Kinds,
		prefix => text(Prefix),
		suffix => text(Suffix),
		host => Host,
		xmpp_addrs => Addresses,
		common_name => CommonName,
		authzid => authzid(Row),
		expected => case Row of
			#{<<"common_name">> := <<>>, <<"ok">> := <<"user_-test">>} -> EmptyName;
			_ -> expected(Row)
		end
	}.

text(null) -> <<>>;
text(Text) -> Text.

%% The file has one authzid that is not UTF-8, a byte FF, which JSON writes as U+00FF.
authzid(#{<<"authzid">> := <<16#FF/utf8, "@localhost">>}) -> <<16#FF, "@localhost">>;
authzid(#{<<"authzid">> := Authzid}) -> Authzid.

expected(#{<<"error">> := <<"<crash>">>, <<"sasl_external">> := Kinds} = Row) ->
	#{<<"xmpp_addrs">> := Addresses} = Row,
	hd(lists:flatmap(fun(Kind) -> crash(Kind, Addresses, authzid(Row)) end, Kinds));
expected(#{<<"error">> := Condition}) ->
	Condition;
expected(#{<<"local">> := Local}) when Local =:= null; Local =:= <<>> ->
	<<"not-authorized">>;
expected(#{<<"local">> := Local}) ->
	{ok, Local}.

%% The condition where MongooseIM crashes: the first kind that reads something malformed is at
%% fault.
crash(Kind, _Addresses, Authzid)
		when Authzid =/= <<>>, (Kind =:= <<"auth_id">> orelse Kind =:= <<"common_name">>) ->
	[<<"invalid-authzid">> || is_malformed(Authzid)];
crash(<<"standard">>, [Only], <<>>) ->
	[<<"not-authorized">> || is_malformed(Only)];
crash(<<"standard">>, [_, _ | _] = Addresses, Authzid) ->
	[<<"invalid-authzid">> || is_malformed(Authzid), lists:member(Authzid, Addresses)];
crash(_Kind, _Addresses, _Authzid) ->
	[].

is_malformed(Jid) ->
	element(1, certjid_nif:jid(Jid)) =:= error.
