%% certjid_verification as MongooseIM's callback, and callbacks of others under certjid:decide/2.
-module(plugin_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([verification/1]).
-export([verification_of_bad_credentials/1]).
-export([erlang_modules/1]).

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

all() ->
	[verification, verification_of_bad_credentials, erlang_modules].

init_per_suite(Config) ->
	certjid_test_config:init(Config).

end_per_suite(_Config) ->
	ok.

request(Der) ->
	#{listener => c2s, host => <<"localhost">>, chain => [Der]}.

%% XEP-0178 as written, over MongooseIM's credentials and over a map.
verification(_Config) ->
	Rows = [
		%% xmppAddr fields, common name, authzid, host type, answer
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
			Fields <- [fields(Addresses, CommonName, Authzid)],
			Creds <- [Fields, mongoose_credentials:new(Fields)]
	],
	Affixed = fun(Fields) ->
		Creds = maps:merge(Fields, #{lserver => <<"localhost">>, host_type => <<"affixed">>}),
		certjid_verification:verify_creds(mongoose_credentials:new(Creds))
	end,
	{ok, <<"user_alice-test">>} = Affixed(#{common_name => <<"Alice">>}),
	{ok, <<"alice">>} = Affixed(#{xmpp_addresses => [<<"alice@localhost">>]}),
	{ok, <<"user_alice-test">>} =
		Affixed(#{common_name => <<"alice">>, auth_id => <<"user_alice-test@localhost">>}),
	{error, <<"invalid-authzid">>} =
		Affixed(#{common_name => <<"alice">>, auth_id => <<"alice@localhost">>}).

fields(Addresses, CommonName, Authzid) ->
	Fields = #{common_name => CommonName, auth_id => Authzid},
	maps:merge(maps:filter(fun(_, Value) -> Value =/= undefined end, Fields), #{
		lserver => <<"localhost">>,
		host_type => <<"localhost">>,
		xmpp_addresses => Addresses
	}).

%% Never a crash: MongooseIM's session would die of it.
verification_of_bad_credentials(_Config) ->
	[
		{error, <<"not-authorized">>} = certjid_verification:verify_creds(Creds)
		|| Creds <- [
			undefined, [], #{}, {creds, 1},
			mongoose_credentials:new(#{}),
			mongoose_credentials:new(not_a_map),
			#{lserver => localhost},
			#{lserver => <<16#FF>>},
			#{lserver => <<"localhost">>, xmpp_addresses => alice},
			#{lserver => <<"localhost">>, xmpp_addresses => [alice]},
			#{lserver => <<"localhost">>, common_name => "alice"},
			#{lserver => <<"localhost">>, common_name => <<"alice">>, auth_id => alice}
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

