%% certjid_verification as MongooseIM's callback, and callbacks of others under certjid:decide/2.
-module(plugin_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([verification/1]).
-export([verification_of_bad_credentials/1]).
-export([erlang_modules/1]).
-export([migration/1]).
-export([installation/1]).

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

all() ->
	[verification, verification_of_bad_credentials, erlang_modules, migration, installation].

init_per_suite(Config) ->
	certjid_test_config:init(Config).

end_per_suite(_Config) ->
	certjid_test_mongooseim:configure("etc/mongooseim.toml").

request(Der) ->
	#{listener => c2s, host => <<"localhost">>, chain => [Der]}.

%% XEP-0178 as written, over MongooseIM's credentials and over a map.
verification(Config) ->
	configure(Config),
	Rows = [
		%% xmppAddr fields, common name, authzid, answer
		{[<<"Alice@localhost">>], undefined, undefined, {ok, <<"alice">>}},
		{[<<"alice@localhost">>], undefined, <<"ALICE@localhost">>, {ok, <<"alice">>}},
		{[<<"alice@localhost">>], undefined, <<>>, {ok, <<"alice">>}},
		{[<<"alice@localhost">>], undefined, <<"bob@localhost">>, {error, <<"invalid-authzid">>}},
		{[<<"alice@localhost">>], undefined, <<"a b@localhost">>, {error, <<"invalid-authzid">>}},
		{[<<"alice@localhost">>], undefined, <<16#FF>>, {error, <<"invalid-authzid">>}},
		{[<<"a@localhost">>, <<"b@localhost">>], undefined, undefined, {error, <<"invalid-authzid">>}},
		{[<<"a@localhost">>, <<"b@localhost">>], undefined, <<"b@localhost">>, {ok, <<"b">>}},
		{[<<"a@localhost">>, <<"A@localhost">>], undefined, undefined, {ok, <<"a">>}},
		{[<<"a@fed1">>, <<"b@localhost">>], undefined, undefined, {ok, <<"b">>}},
		{[<<"a@fed1">>], <<"alice">>, undefined, {error, <<"not-authorized">>}},
		{[<<"a b@localhost">>, <<16#FF>>, <<"b@localhost">>], undefined, undefined, {ok, <<"b">>}},
		%% An xmppAddr that is no text is one: the common name does not count.
		{[<<16#FF>>], <<"alice">>, undefined, {error, <<"not-authorized">>}},
		{[<<>>], <<"alice">>, undefined, {error, <<"not-authorized">>}},
		{[], <<"Alice">>, undefined, {ok, <<"alice">>}},
		{[], <<"Alice">>, <<"alice@localhost">>, {ok, <<"alice">>}},
		{[], <<"alice">>, <<"bob@localhost">>, {error, <<"invalid-authzid">>}},
		{[], <<"Jane Doe">>, undefined, {error, <<"not-authorized">>}},
		{[], <<16#FF>>, undefined, {error, <<"not-authorized">>}},
		{[], <<>>, undefined, {error, <<"not-authorized">>}},
		{[], undefined, <<"alice@localhost">>, {error, <<"not-authorized">>}}
	],
	[
		{Row, Answer} = {Row, certjid_verification:verify_creds(Creds)}
		|| {Addresses, CommonName, Authzid, Answer} = Row <- Rows,
			Fields <- [fields(Config, Addresses, CommonName, Authzid)],
			Creds <- [Fields, mongoose_credentials:new(Fields)]
	],
	Affixed = fun(Addresses, CommonName, Authzid) ->
		Fields = fields(Config, Addresses, CommonName, Authzid),
		Creds = mongoose_credentials:new(Fields#{host_type => <<"affixed">>}),
		certjid_verification:verify_creds(Creds)
	end,
	{ok, <<"user_alice-test">>} = Affixed([], <<"Alice">>, undefined),
	{ok, <<"alice">>} = Affixed([<<"alice@localhost">>], undefined, undefined),
	{ok, <<"user_alice-test">>} = Affixed([], <<"alice">>, <<"user_alice-test@localhost">>),
	{error, <<"invalid-authzid">>} = Affixed([], <<"alice">>, <<"alice@localhost">>).

%% The node's own file: as certjid_test_config:policy/2 has it.
configure(Config) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	Dir = proplists:get_value(files, Config),
	File = certjid_test_config:write(Dir, "node.toml", #{cacertfile => CaFile}),
	ok = certjid_test_mongooseim:configure(File).

%% The names that MongooseIM reads in the certificate do not count beside the certificate.
fields(Config, Addresses, CommonName, Authzid) ->
	Names = #{common_name => CommonName, xmpp_addrs => Addresses},
	AuthId = [{auth_id, Authzid} || Authzid =/= undefined],
	maps:merge(maps:from_list(AuthId), #{
		lserver => <<"localhost">>,
		host_type => <<"localhost">>,
		der_cert => certjid_test_config:issue(Config, Names),
		common_name => <<"mallory">>,
		xmpp_addresses => [<<"mallory@localhost">>]
	}).

%% Never a crash: MongooseIM's session would die of it.
verification_of_bad_credentials(Config) ->
	configure(Config),
	Der = certjid_test_config:issue(Config, ?ALICE),
	Good = #{lserver => <<"localhost">>, host_type => <<"localhost">>, der_cert => Der},
	{ok, <<"alice">>} = certjid_verification:verify_creds(Good),
	[
		{error, <<"not-authorized">>} = certjid_verification:verify_creds(Creds)
		|| Creds <- [
			undefined, [], #{}, {creds, 1},
			mongoose_credentials:new(#{}),
			mongoose_credentials:new(not_a_map),
			Good#{lserver => localhost},
			Good#{lserver => <<16#FF>>},
			Good#{auth_id => alice},
			Good#{der_cert => undefined},
			Good#{der_cert => binary_to_list(Der)},
			Good#{der_cert => <<>>},
			Good#{der_cert => <<Der/binary, 0>>},
			Good#{der_cert => binary:copy(<<16#30>>, 100000)},
			maps:remove(der_cert, Good#{common_name => <<"alice">>})
		]
	].

erlang_modules(Config) ->
	Policy = certjid_test_config:policy(Config, #{
		sasl_external => ["standard", "certjid_test_module", "no_such_module"]
	}),
	Der = certjid_test_config:issue(Config, ?ALICE),
	Decide = fun(Authzid) ->
		case certjid:decide(Policy, (request(Der))#{authzid => Authzid}) of
			{ok, #{username := Name, source := Source, kind := Kind}} ->
				{<<"module">>, <<"certjid_test_module">>} = {Source, Kind},
				Name;
			{error, #{condition := Condition}} ->
				Condition
		end
	end,
	<<"map">> = Decide(<<"map@localhost">>),
	[
		<<"not-authorized">> = Decide(<<What/binary, "@localhost">>)
		|| What <- [
			<<"crash">>, <<"throw">>, <<"error">>, <<"unknown">>, <<"bytes">>, <<"space">>,
			<<"other">>
		]
	],
	Last = certjid_test_config:policy(Config, #{
		sasl_external => ["no_such_module", "certjid_test_module"]
	}),
	{error, #{condition := <<"invalid-authzid">>, trail := Trail}} =
		certjid:decide(Last, (request(Der))#{authzid => <<"error@localhost">>}),
	[<<"no_such_module">>, <<"certjid_test_module">>] =
		[What || #{what := What} <- Trail, binary:match(What, <<"module">>) =/= nomatch].


%% Each cell of the table in docs/migration.md, by certjid:decide/2; and by the callback, with the
%% credentials that MongooseIM makes of the same certificate.
migration(Config) ->
	configure(Config),
	[Head | Rows] = table("docs/migration.md"),
	Kinds = [
		[binary_to_list(Kind) || [Kind] <- matches(Column, "`([a-z_]+)`")]
		|| Column <- lists:nthtail(3, Head)
	],
	[["standard"] | _] = Kinds,
	["certjid_verification"] = lists:last(Kinds),
	true = length(Rows) > 10,
	[
		begin
			Der = certjid_test_config:issue(Config, #{
				common_name => case CommonName of <<>> -> null; _ -> CommonName end,
				xmpp_addrs => [Address || [Address] <- matches(Addresses, "([^, ]+)")]
			}),
			Answers = [answer(Config, List, Der, Authzid) || List <- Kinds],
			{Row, Answers} = {Row, Cells},
			{Row, Expected} = {Row, callback(Der, Authzid)}
		end
		|| [Addresses, CommonName, Authzid | Cells] = Row <- Rows, Expected <- [lists:last(Cells)]
	].

answer(Config, Kinds, Der, Authzid) ->
	Policy = certjid_test_config:policy(Config, #{sasl_external => Kinds}),
	case certjid:decide(Policy, (request(Der))#{authzid => Authzid}) of
		{ok, #{username := Name}} -> Name;
		{error, #{condition := Condition}} -> Condition
	end.

callback(Der, Authzid) ->
	Fields = #{lserver => <<"localhost">>, host_type => <<"localhost">>, der_cert => Der},
	Named = maps:merge(Fields, maps:from_list([{auth_id, Authzid} || Authzid =/= <<>>])),
	{_, Answer} = certjid_verification:verify_creds(mongoose_credentials:new(Named)),
	Answer.

%% The rows of the first table of a page, without the line below its head.
table(Page) ->
	Lines = string:split(page(Page), "\n", all),
	[Head, _ | Rows] = [Line || <<"|", Line/binary>> <- Lines],
	[
		[string:trim(Cell) || Cell <- lists:droplast(string:split(Line, "|", all))]
		|| Line <- [Head | Rows]
	].

page(Page) ->
	{ok, Text} = file:read_file(filename:join(certjid_test_cases:root(), Page)),
	Text.

matches(Text, Pattern) ->
	case re:run(Text, Pattern, [global, {capture, all_but_first, binary}]) of
		{match, Groups} -> Groups;
		nomatch -> []
	end.

%% The commands of docs/mongooseim.md, in a folder of the test's own.
installation(Config) ->
	Text = page("docs/mongooseim.md"),
	Dir = filename:join(proplists:get_value(files, Config), "opt"),
	Block = fun(Language) ->
		[
			unicode:characters_to_list(string:replace(Commands, "/opt/certjid", Dir, all))
			|| [Commands] <- matches(Text, ["(?s)```", Language, "\n(.*?)```"])
		]
	end,
	[Install, Try] = Block("sh"),
	Sh = fun(Folder, Commands) ->
		Script = ["cd '", Folder, "'\n", Commands],
		certjid_test_xmpp_env:command("sh", ["-e", "-c", lists:flatten(Script)])
	end,
	{0, _} = Sh(certjid_test_cases:root(), Install),
	_ = certjid_test_config:policy(Config, #{}),
	Files = proplists:get_value(files, Config),
	Pem = certjid_test_cert:pem([certjid_test_config:issue(Config, ?ALICE)]),
	ok = file:write_file(filename:join(Files, "alice.crt"), Pem),
	{0, Output} = Sh(Files, Try),
	{match, _} = re:run(Output, "certjid_policy_loaded"),
	true = lists:member(<<"{ok,<<\"alice\">>}">>, string:lexemes(Output, "\n")),
	%% The same through vm.args, without ERL_LIBS.
	[Arguments] = Block("vm.args"),
	File = filename:join(Dir, "vm.args"),
	ok = file:write_file(File, Arguments),
	ByPath = string:replace(Try, ["ERL_LIBS=", Dir, "/lib erl"], ["erl -args_file '", File, "'"]),
	{0, Same} = Sh(Files, ByPath),
	true = lists:member(<<"{ok,<<\"alice\">>}">>, string:lexemes(Same, "\n")),
	[[<<"certjid_verification">>]] = matches(Text, "sasl_external = \\[\"([a-z_]+)\"\\]").
