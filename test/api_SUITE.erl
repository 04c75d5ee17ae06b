%% Policies and decisions by certjid.erl, less the tables of cases_SUITE.
-module(api_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([load_errors/1]).
-export([chains/1]).
-export([revocation/1]).
-export([decide/1]).
-export([decide_refuses/1]).
-export([decide_explains/1]).
-export([decide_bad_requests/1]).
-export([decide_concurrently/1]).
-export([initial_responses/1]).
-export([offers/1]).

-include_lib("stdlib/include/assert.hrl").

%% The time at which chains.jsonl is judged: 2026-12-01T00:00:00Z.
-define(CHAINS_NOW, 1796083200).

-define(EXPIRED, #{not_after => "20250601000000Z"}).
-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

all() ->
	[
		load_errors, chains, revocation, decide, decide_refuses, decide_explains, decide_bad_requests,
		decide_concurrently, initial_responses, offers
	].

init_per_suite(Config) ->
	certjid_test_config:init(Config).

end_per_suite(_Config) ->
	ok.

request(Der) ->
	#{listener => c2s, host => <<"localhost">>, chain => [Der]}.

load_errors(Config) ->
	Dir = proplists:get_value(files, Config),
	File = filename:join(Dir, "broken.toml"),
	ok = file:write_file(File, "[auth]\n  sasl_external = \"standard\"\n  methods = [\"pkix\"]\n"),
	{error, [_, _ | _] = Errors} = certjid:load(File),
	[
		#{file := <<_, _/binary>>, line := _, path := _, message := <<_, _/binary>>} = Error
		|| Error <- Errors
	],
	[2] = [Line || #{path := <<"auth.sasl_external">>, line := Line} <- Errors],
	{error, [#{message := _}]} = certjid:load("/no/such/file.toml"),
	{error, [_ | _]} = certjid:load(list_to_binary(Dir)),
	[
		?assertError(badarg, certjid:load(Path))
		|| Path <- [mongooseim, 1, [a], #{}]
	].

%% CRLs by openssl: the reason is OTP's, and load/2 says what becomes of what no list tells.
revocation(Config) ->
	#{file := CaFile, issuer := {_, CaKey}} = proplists:get_value(ca, Config),
	Dir = filename:join(proplists:get_value(files, Config), "crl"),
	ok = filelib:ensure_dir(filename:join(Dir, "x")),
	Key = public_key:pem_encode([public_key:pem_entry_encode('ECPrivateKey', CaKey)]),
	Alice = certjid_test_config:issue(Config, ?ALICE),
	Bob = certjid_test_config:issue(Config, ?ALICE),
	[
		ok = file:write_file(filename:join(Dir, Name), Content)
		|| {Name, Content} <- [
			{"ca.key", Key}, {"alice.pem", certjid_test_cert:pem([Alice])}, {"db", ""}, {"number", "01"},
			{"ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=db\ncrlnumber=number\ndefault_md=sha256\n"
				"private_key=ca.key\ncertificate=" ++ CaFile ++ "\ncrl_extensions=e\n[e]\n"}
		]
	],
	Openssl = fun(Arguments) ->
		Command = "cd '" ++ Dir ++ "' && openssl ca -config ca.cnf " ++ Arguments ++ " 2>&1; echo $?",
		"0" = lists:last(string:lexemes(os:cmd(Command), "\n"))
	end,
	Openssl("-revoke alice.pem -crl_reason keyCompromise"),
	Openssl("-gencrl -crlhours 1 -out ca.crl"),
	Toml = certjid_test_config:write(Dir, "mongooseim.toml", #{cacertfile => CaFile}),
	{ok, Text} = file:read_file(Toml),
	CaLine = list_to_binary(["  tls.cacertfile = \"", CaFile, "\"\n"]),
	CrlLine = list_to_binary(["  tls.crl_files = [\"", filename:join(Dir, "ca.crl"), "\"]\n"]),
	ok = file:write_file(Toml, binary:replace(Text, CaLine, <<CaLine/binary, CrlLine/binary>>, [global])),
	Judge = fun(Options, Der, Now) ->
		{ok, Policy} = certjid:load(Toml, Options),
		certjid:verify_chain(Policy, c2s, [Der], Now)
	end,
	Now = os:system_time(second),
	Later = Now + 2 * 3600,
	Stale = {bad_cert, revocation_status_undetermined},
	Revoked = {bad_cert, {revoked, keyCompromise}},
	%% What a list that is out of date names is revoked all the same.
	[ok, Revoked, Stale, Revoked] =
		[Judge(#{}, Der, At) || At <- [Now, Later], Der <- [Bob, Alice]],
	[ok, Revoked] = [Judge(#{stale_crl => allow}, Der, Later) || Der <- [Bob, Alice]],
	ok = Judge(#{missing_crl => refuse}, Bob, Now),
	[
		?assertError(badarg, certjid:load(Toml, Options))
		|| Options <- [#{missing_crls => refuse}, #{stale_crl => true}, []]
	],
	ok.

%% The chains of chains.jsonl in both modes, with OTP's reasons.
chains(Config) ->
	Dir = proplists:get_value(files, Config),
	Rows = certjid_test_cases:rows("chains.jsonl"),
	[] = [
		{Name, Mode, Verdict, Wanted}
		|| Mode <- ["peer", "selfsigned_peer"],
			Policy <- [chain_policy(Dir, Mode)],
			#{<<"name">> := Name, <<"chain">> := Pems, <<"want">> := Wants} <- Rows,
			Verdict <- [verdict(certjid:verify_chain(Policy, c2s, ders(Pems), ?CHAINS_NOW))],
			Wanted <- [binary:split(maps:get(list_to_binary(Mode), Wants), <<"|">>, [global])],
			not lists:member(Verdict, Wanted)
	],
	Policy = chain_policy(Dir, "peer"),
	{bad_cert, no_peer_cert} = certjid:verify_chain(Policy, http, []),
	{bad_cert, _} = certjid:verify_chain(Policy, {port, 5222}, [<<"x">>]),
	[
		?assertError(badarg, certjid:verify_chain(Policy, Listener, Ders))
		|| {Listener, Ders} <- [{s2s, []}, {c2s, [<<"x">> | a]}, {c2s, [a]}, {c2s, a}]
	],
	ct:comment("~b chains in 2 modes", [length(Rows)]).

chain_policy(Dir, Mode) ->
	CaFile = certjid_test_cases:path("chains-ca.pem"),
	Options = #{verify_mode => Mode, cacertfile => CaFile},
	{ok, Policy} = certjid:load(certjid_test_config:write(Dir, "chains.toml", Options)),
	Policy.

verdict(ok) -> <<"ok">>;
verdict({bad_cert, Reason}) -> atom_to_binary(Reason).

ders(Pems) ->
	[Der || Pem <- Pems, {'Certificate', Der, not_encrypted} <- public_key:pem_decode(Pem)].

decide(Config) ->
	Policy = certjid_test_config:policy(Config, #{sasl_external => ["standard", "common_name"]}),
	Der = certjid_test_config:issue(Config, ?ALICE),
	Expected = #{
		username => <<"alice">>,
		jid => <<"alice@localhost">>,
		method => <<"pki">>,
		source => <<"xmppAddr">>,
		kind => <<"standard">>
	},
	[
		begin
			{ok, #{trail := [#{what := _, outcome := _, message := _} | _]} = Allowed} =
				certjid:decide(Policy, maps:merge(#{listener => c2s, host => <<"localhost">>}, Fields)),
			Expected = maps:remove(trail, Allowed)
		end
		|| Fields <- [
			#{chain => [Der]},
			#{chain => certjid_test_cert:pem([Der])},
			#{cert => Der},
			#{cert => public_key:pkix_decode_cert(Der, otp)},
			#{chain => [Der], listener => http},
			#{chain => [Der], listener => {port, 5222}},
			#{chain => [Der], listener => <<"c2s">>},
			#{chain => [Der], host => <<"LOCALHOST">>},
			#{chain => [Der], authzid => <<>>},
			#{chain => [Der], authzid => undefined, host_type => undefined, verified => true}
		]
	],
	ok.

decide_refuses(Config) ->
	Policy = certjid_test_config:policy(Config, #{sasl_external => ["standard", "common_name"]}),
	Der = certjid_test_config:issue(Config, ?ALICE),
	Refused = fun(Fields) ->
		{error, #{condition := Condition, reason := Reason, disconnect := Disconnect}} =
			certjid:decide(Policy, maps:merge(request(Der), Fields)),
		{Condition, Reason, Disconnect}
	end,
	{<<"not-authorized">>, <<"cert_expired">>, true} =
		Refused(#{chain => [certjid_test_config:issue(Config, ?ALICE, ?EXPIRED)]}),
	{<<"not-authorized">>, _, true} =
		Refused(#{chain => [certjid_test_cert:self_signed(certjid_test_cert:key(), ?ALICE)]}),
	{<<"not-authorized">>, _, _} = Refused(#{chain => []}),
	{<<"not-authorized">>, _, _} = Refused(#{verified => false}),
	{<<"not-authorized">>, _, _} = Refused(#{host => <<"other.example">>}),
	{<<"invalid-authzid">>, _, false} = Refused(#{authzid => <<"bob@localhost">>}),
	{<<"not-authorized">>, _, _} = Refused(#{chain => [<<16#30, 0>>]}),
	{<<"not-authorized">>, _, _} = Refused(#{chain => lists:duplicate(1000, Der)}),
	{<<"not-authorized">>, _, _} = Refused(#{chain => [<<16#30, 16#84, 1048576:32, 0:8388608>>]}).

%% R1, R4, R8, R12 and R24 of the users' reports.
decide_explains(Config) ->
	Decide = fun(Kinds, Der, Authzid) ->
		Policy = certjid_test_config:policy(Config, #{sasl_external => Kinds}),
		certjid:decide(Policy, (request(Der))#{authzid => Authzid})
	end,
	Bob = certjid_test_config:issue(Config, #{xmpp_addrs => [<<"bob@localhost">>]}),
	{error, #{condition := <<"invalid-authzid">>, message := R1}} =
		Decide(["standard"], Bob, <<"bob@localhost">>),
	{_, _} = binary:match(R1, <<"certjid_verification">>),
	{ok, #{username := <<"bob">>}} = Decide(["certjid_verification"], Bob, <<"Bob@localhost">>),
	{ok, #{username := <<"mike">>, source := <<"authzid">>}} =
		Decide(["standard", "auth_id"], Bob, <<"mike@localhost">>),
	{error, #{condition := <<"invalid-authzid">>}} =
		Decide(["certjid_verification"], Bob, <<"mike@localhost">>),
	Jane = certjid_test_config:issue(Config, #{common_name => <<"Jane Doe">>}),
	{error, #{condition := <<"not-authorized">>, reason := <<"invalid_username">>, message := R4}} =
		Decide(["common_name"], Jane, <<>>),
	{_, _} = binary:match(R4, <<"not a valid local part">>),
	Nul = certjid_test_config:issue(Config, #{
		common_name => <<"alice", 0, "x">>,
		xmpp_addrs => [<<"alice@localhost", 0>>]
	}),
	{ok, #{common_name := undefined, xmpp_addrs := [], skipped := [_, _]}} = certjid:identity(Nul),
	{error, #{condition := <<"invalid-authzid">>}} = Decide(["common_name"], Nul, <<>>),
	%% MongooseIM crashes on the xmppAddr: no other name is looked at.
	{error, #{condition := <<"not-authorized">>, reason := <<"malformed_xmpp_addr">>}} =
		Decide(["standard", "common_name"], Nul, <<>>).

decide_bad_requests(Config) ->
	Policy = certjid_test_config:policy(Config, #{}),
	Request = request(certjid_test_config:issue(Config, ?ALICE)),
	[
		?assertError(badarg, certjid:decide(Policy, Bad))
		|| Bad <- [
			#{}, [], alice,
			maps:remove(host, Request),
			maps:remove(listener, Request),
			Request#{autzid => <<"alice@localhost">>},
			Request#{host := "localhost"},
			Request#{listener := s2s},
			Request#{listener := {port, 65536}},
			Request#{chain := [a]},
			Request#{chain := [<<"x">> | a]},
			Request#{chain := a},
			Request#{cert => <<>>},
			Request#{authzid => "alice"},
			Request#{authzid => <<>>, initial_response => <<>>},
			Request#{verified => yes}
		]
	],
	?assertError(badarg, certjid:decide(make_ref(), Request)),
	[
		{error, #{condition := <<"not-authorized">>, message := <<_, _/binary>>}} =
			certjid:decide(Policy, Bad)
		|| Bad <- [
			Request#{host := <<16#FF>>},
			Request#{host_type => <<16#FF>>},
			Request#{host := <<>>},
			Request#{host := binary:copy(<<"a">>, 1048576)},
			Request#{listener := <<"s2s">>},
			Request#{listener := {port, 1}},
			Request#{chain := <<"no PEM">>},
			(maps:remove(chain, Request))#{cert => {'Certificate', a, b, c}}
		]
	].

%% A policy serves many processes at once, and dies with the last of them.
decide_concurrently(Config) ->
	Policy = certjid_test_config:policy(Config, #{}),
	Request = request(certjid_test_config:issue(Config, ?ALICE)),
	Workers = [
		spawn_monitor(fun() ->
			[{ok, _} = certjid:decide(Policy, Request) || _ <- lists:seq(1, 50)]
		end)
		|| _ <- lists:seq(1, 20)
	],
	[receive {'DOWN', Ref, process, Pid, Reason} -> normal = Reason end || {Pid, Ref} <- Workers].

initial_responses(Config) ->
	Policy = certjid_test_config:policy(Config, #{sasl_external => ["certjid_verification"]}),
	Request = request(certjid_test_config:issue(Config, ?ALICE)),
	Decide = fun(Text) ->
		case certjid:decide(Policy, Request#{initial_response => Text}) of
			{ok, #{username := Name}} -> Name;
			{error, #{condition := Condition}} -> Condition
		end
	end,
	[<<"alice">> = Decide(Text) || Text <- [<<>>, <<"=">>, base64:encode(<<"alice@localhost">>)]],
	<<"invalid-authzid">> = Decide(base64:encode(<<"bob@localhost">>)),
	<<"incorrect-encoding">> = Decide(<<"YQ">>),
	<<"alice">> = Decide(<<16#FF>>).

%% R3: EXTERNAL is not offered, and why.
offers(Config) ->
	Policy = certjid_test_config:policy(Config, #{}),
	Der = certjid_test_config:issue(Config, ?ALICE),
	#{external := true, reason := <<"offered">>} = certjid:offer(Policy, request(Der)),
	[<<"EXTERNAL">>] = certjid:mechanisms(Policy, request(Der)),
	Expired = certjid_test_config:issue(Config, ?ALICE, ?EXPIRED),
	[
		begin
			#{external := false, reason := <<_, _/binary>>, message := <<_, _/binary>>} =
				certjid:offer(Policy, Request),
			[] = certjid:mechanisms(Policy, Request)
		end
		|| Request <- [
			request(Expired),
			(request(Der))#{chain := []},
			(request(Der))#{chain := <<"no PEM">>},
			(request(Der))#{verified => false},
			(request(Der))#{host := <<16#FF>>}
		]
	],
	#{external := true} = certjid:offer(Policy, request(Expired), 1740000000),
	true = is_list(certjid:warnings(Policy)).

