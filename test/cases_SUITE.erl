%% MongooseIM's measured answers through the NIF. A difference that differences.tsv doesn't name
%% fails the test, and so does a named one that is none.
-module(cases_SUITE).

-export([all/0]).
-export([decisions/1]).
-export([identity/1]).
-export([jids/1]).
-export([verdicts/1]).

all() ->
	[decisions, identity, jids, verdicts].

decisions(_Config) ->
	Decisions = certjid_test_cases:decisions(),
	6000 = length(Decisions),
	[] = [
		{Row, Answer}
		|| #{row := Row, expected := Expected} = Decision <- Decisions,
			Answer <- [decide(Decision)],
			Answer =/= Expected
	],
	ct:comment("6000 rows").

decide(Decision) ->
	Fields = maps:with([kinds, prefix, suffix, host, xmpp_addrs, authzid], Decision),
	CommonName = case Decision of
		#{common_name := null} -> undefined;
		#{common_name := Text} -> Text
	end,
	case certjid_nif:sasl_decide(Fields#{common_name => CommonName}) of
		{ok, #{username := Local, trail := [_ | _]}} -> {ok, Local};
		{error, #{condition := Condition, trail := [_ | _], message := <<_, _/binary>>}} -> Condition
	end.

identity(_Config) ->
	Differences = certjid_test_cases:differences(<<"identity">>),
	Rows = certjid_test_cases:rows("identity.jsonl"),
	84 = length(Rows),
	Differing = [
		{{Name, Field}, Ours}
		|| #{<<"name">> := Name} = Row <- Rows,
			Theirs <- [measured(Row)],
			{Field, Ours} <- identity_answers(Name),
			Ours =/= maps:get(Field, Theirs)
	],
	Named = [{Key, certjid_test_json:decode(Answer)} || {Key, Answer} <- maps:to_list(Differences)],
	[] = lists:sort(Differing) -- Named,
	[] = lists:sort(Named) -- Differing,
	ct:comment("84 certificates, ~b differences", [length(Named)]).

identity_answers(Name) ->
	File = certjid_test_cases:path(<<"identity/", Name/binary, ".der">>),
	{ok, Der} = file:read_file(File),
	%% The functions in the place of cert_utils say the same; they take PEM too.
	check_cert_utils(Der, certjid:identity(Der)),
	case certjid_nif:identity(Der) of
		{ok, #{common_name := CommonName, xmpp_addrs := Addresses} = Map} ->
			#{not_before := NotBefore, not_after := NotAfter} = Map,
			[
				{<<"decode">>, <<"ok">>},
				{<<"common_name">>, null(CommonName)},
				{<<"xmpp_addrs">>, Addresses},
				{<<"validity">>, [NotBefore, NotAfter]}
			];
		{error, Message} when is_binary(Message) ->
			[{<<"decode">>, <<"refused">>}]
	end.

check_cert_utils(Der, {ok, #{common_name := CommonName, xmpp_addrs := Addresses}}) ->
	Expected = case CommonName of undefined -> error; _ -> CommonName end,
	Expected = certjid:get_common_name(Der),
	%% One that is not text is empty.
	NotEmpty = fun(Texts) -> [Text || Text <- Texts, Text =/= <<>>] end,
	true = NotEmpty(Addresses) =:= NotEmpty(certjid:get_xmpp_addresses(Der)),
	{_, _} = certjid:get_validity(Der),
	true = is_list(certjid:get_cert_domains(Der));
check_cert_utils(Der, {error, _}) ->
	error = certjid:get_common_name(Der),
	[] = certjid:get_xmpp_addresses(Der),
	error = certjid:get_validity(Der).

null(undefined) -> null;
null(Text) -> Text.

%% The row in the shape of the answers; bytes that are not UTF-8 as hexadecimal digits.
measured(#{<<"decode">> := Decode, <<"common_name">> := CommonName} = Row) ->
	#{<<"xmpp_addrs">> := Addresses, <<"validity">> := Validity} = Row,
	#{
		<<"decode">> => case Decode of <<"ok">> -> Decode; _ -> <<"refused">> end,
		<<"common_name">> => text(CommonName),
		<<"xmpp_addrs">> => [text(Address) || Address <- Addresses],
		<<"validity">> => Validity
	}.

text(null) -> null;
text(#{<<"utf8">> := null, <<"hex">> := Hex}) -> Hex;
text(#{<<"utf8">> := Text}) -> Text.

jids(_Config) ->
	Jids = certjid_test_cases:jids(),
	115 = length(Jids),
	[] = [
		{Name, Answer}
		|| {Name, Input, Expected} <- Jids,
			Answer <- [certjid_nif:jid(Input)],
			not is_expected(Answer, Expected)
	],
	ct:comment("115 rows").

is_expected({error, Message}, error) -> is_binary(Message);
is_expected({ok, _}, any) -> true;
is_expected({ok, Jid}, Expected) -> Jid =:= Expected;
is_expected(_Answer, _Expected) -> false.

%% Whole situations. Those with a service are the sidecar's and the command line's to try.
verdicts(Config0) ->
	Config = certjid_test_config:files(Config0),
	Folder = proplists:get_value(files, Config),
	Rows = [Row || Row <- certjid_test_cases:rows("verdicts.jsonl"), not is_map_key(<<"service">>, Row)],
	true = length(Rows) > 200,
	[] = [
		{Name, Fault}
		|| #{<<"name">> := Name} = Row <- Rows,
			Fault <- [certjid_test_verdicts:fault(Folder, Row)],
			Fault =/= none
	],
	ct:comment("~b rows", [length(Rows)]).
