%% Debian's Prosody asks the sidecar: whole logins by real clients, over every transport, with
%% every kind of certificate. Of each the client's outcome is asserted, and the reason in the logs
%% of Prosody and of the sidecar.
-module(prosody_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([login/3]).
-export([login/4]).
-export([logins/1]).
-export([bosh/1]).
-export([texts/1]).
-export([virtual_hosts/1]).
-export([self_signed/1]).
-export([passwords/1]).
-export([users/1]).
-export([listener/1]).

-import(certjid_test_xmpp_env, [client/2]).

-define(ALICE, {session_start, <<"alice@localhost">>}).

all() ->
	[{group, side_by_side}].

%% Each case has a Prosody and a sidecar of its own, and so has each client.
groups() ->
	Clients = [Client || {Client, _, _} <- clients()],
	[
		{side_by_side, [parallel], [{group, Client} || Client <- Clients] ++ [
			bosh, texts, virtual_hosts, self_signed, passwords, users, listener
		]}
		| [{Client, [], [logins]} || Client <- Clients]
	].

init_per_suite(Config) ->
	ok = certjid_test_clients:install(certjid_test_clients:all()),
	certjid_test_prosody:init(certjid_test_xmpp_env:init(Config)).

end_per_suite(_Config) ->
	ok.

init_per_group(Group, Config) ->
	[{client, Group} | Config].

end_per_group(_Group, _Config) ->
	ok.

%% A client, its shapes, and whether it can be told which authorization identity to send.
clients() ->
	[
		{slixmpp, [starttls, direct_tls], true},
		{raw, [websocket], true},
		{libstrophe, [starttls], false},
		{xmpp_client, [direct_tls], true},
		{strophejs, [websocket], false},
		{nbxmpp, [starttls], false},
		{poezio, [starttls], false}
	].

%% What a client sends that isn't told, with a certificate.
sends(raw, _Name) -> none;
sends(Client, Name) ->
	Count = case Name of
		several -> 2;
		cn_only -> 0;
		_ -> 1
	end,
	case certjid_test_clients:sends(Client, Count) of
		none -> none;
		jid -> "alice@localhost"
	end.

%% The outcome that the client sees.
login(raw, Config, #{cert := Name, shape := Shape} = Options) ->
	Response = case Options of
		#{authzid := Authzid} -> base64:encode(Authzid);
		_ -> maps:get(response, Options, "=")
	end,
	Seen = certjid_test_xmpp_env:run(Config, "raw_login.py", (client(Config, Name))#{
		shape => atom_to_list(Shape), port => maps:get(port, Options), response => Response
	}),
	case Seen of
		%% The stream is closed, or the mechanism is refused.
		#{<<"offered">> := []} -> disconnected;
		#{<<"login">> := Login} -> raw_outcome(binary:split(Login, <<"/">>))
	end;
login(slixmpp, Config, #{sasl_password := _, cert := Name, shape := Shape} = Options) ->
	More = maps:with([port, jid, sasl_password], Options),
	outcome(certjid_test_xmpp_env:run(Config, "slixmpp_login.py", maps:merge(
		#{jid => <<"alice@localhost">>, direct_tls => Shape =:= direct_tls},
		maps:merge(client(Config, Name), More)
	)));
login(Client, Config, Options) ->
	certjid_test_clients:login(Client, Config, Options).

raw_outcome([Jid, _Resource]) -> {session_start, Jid};
raw_outcome([Condition]) -> {failed_auth, Condition}.

outcome(#{<<"outcome">> := <<"session_start">>, <<"jid">> := Jid}) ->
	{session_start, hd(binary:split(Jid, <<"/">>))};
outcome(#{<<"outcome">> := <<"failed_auth">>, <<"condition">> := Condition}) ->
	{failed_auth, Condition};
outcome(#{<<"outcome">> := Outcome}) ->
	binary_to_atom(Outcome).

%% A login, and why: {Outcome, ProsodysReason, SidecarsReason}.
login(Client, Config, #{ports := Ports} = Env, #{shape := Shape} = Options) ->
	Marked = certjid_test_prosody:mark(Env),
	%% Prosody closes a stream without a mechanism; some clients have then found out that there is
	%% none.
	Outcome = case login(Client, Config, Options#{port => maps:get(Shape, Ports)}) of
		no_auth -> disconnected;
		Seen -> Seen
	end,
	{Prosody, Sidecar} = certjid_test_prosody:reasons(Marked),
	{Outcome, Prosody, Sidecar}.

compare(Client, Config, Env, Rows) ->
	[] = [
		{Client, Options, Seen, Expected}
		|| {Options, Expected} <- Rows,
			Seen <- [login(Client, Config, Env, Options)],
			Seen =/= Expected
	].

%% A client with every shape and certificate; without and with an authorization identity.
logins(Config) ->
	{Client, Shapes, CanBeTold} = lists:keyfind(proplists:get_value(client, Config), 1, clients()),
	Certificates = [good, several, cn_only, bad, self_signed, expired, revoked, none],
	Told = [
		{good, "alice@localhost"}, {several, "alice@localhost"},
		{several, "bob@localhost"}, {several, "carol@localhost"}
	],
	certjid_test_prosody:run(Config, #{}, fun(Env) ->
		[
			compare(Client, Config, Env,
				[
					{#{cert => Name, shape => Shape}, expected(Name, sends(Client, Name))}
					%% poezio asks its user for a password then.
					|| Name <- Certificates, {Client, Name} =/= {poezio, none}
				] ++ [
					{#{cert => Name, shape => Shape, authzid => Authzid}, expected(Name, Authzid)}
					|| CanBeTold, {Name, Authzid} <- Told
				])
			|| Shape <- Shapes
		]
	end).

%% What `standard' makes of a certificate and an authorization identity. A stream without any
%% mechanism is closed by Prosody.
expected(good, none) ->
	{?ALICE, allowed, allowed};
expected(several, none) ->
	refused(<<"invalid-authzid">>, <<"authzid_required">>);
expected(good, "alice@localhost") ->
	refused(<<"invalid-authzid">>, <<"authzid_equals_only_xmpp_addr">>);
expected(several, "carol@localhost") ->
	refused(<<"not-authorized">>, <<"authzid_not_listed">>);
expected(several, Authzid) ->
	{{session_start, list_to_binary(Authzid)}, allowed, allowed};
expected(cn_only, _) ->
	refused(<<"not-authorized">>, <<"no_xmpp_addr">>);
expected(bad, _) ->
	not_offered(<<"unknown_ca">>);
expected(self_signed, _) ->
	not_offered(<<"selfsigned_peer">>);
expected(expired, _) ->
	not_offered(<<"cert_expired">>);
expected(revoked, _) ->
	not_offered(<<"revoked">>);
expected(none, _) ->
	not_offered(<<"no_peer_cert">>).

refused(Condition, Reason) -> {{failed_auth, Condition}, Reason, Reason}.

not_offered(Reason) -> {disconnected, Reason, not_asked}.

%% Over BOSH, EXTERNAL is offered to every client that sent a certificate, and then refused.
bosh(Config) ->
	certjid_test_prosody:run(Config, #{}, fun(Env) ->
		compare(raw, Config, Env, [
			{#{cert => Name, shape => bosh}, Expected}
			|| {Name, Expected} <- [
				{good, expected(good, none)},
				{several, expected(several, none)},
				{bad, refused(<<"not-authorized">>, <<"unknown_ca">>)},
				{expired, refused(<<"not-authorized">>, <<"cert_expired">>)},
				{revoked, refused(<<"not-authorized">>, <<"revoked">>)},
				{none, not_offered(<<"no_peer_cert">>)}
			]
		])
	end).

%% The literal texts of <auth/>: the sidecar judges what is on the wire.
texts(Config) ->
	Encoded = base64:encode("bob@localhost"),
	Malformed = <<"malformed_base64">>,
	Rows = [
		{good, null, expected(good, none)},
		{good, "=", expected(good, none)},
		{several, Encoded, expected(several, "bob@localhost")},
		{good, "YQ", refused(<<"incorrect-encoding">>, Malformed)},
		{good, "!!!!", {{failed_auth, <<"incorrect-encoding">>},
			<<"the text of <auth/> is not base64">>, not_asked}},
		{good, "<x/>", {{failed_auth, <<"malformed-request">>},
			<<"<auth/> contains elements">>, not_asked}},
		%% Not UTF-8, and NUL.
		{several, base64:encode(<<255, 254>>), expected(several, "carol@localhost")},
		{several, base64:encode(<<0>>), expected(several, "carol@localhost")}
	],
	certjid_test_prosody:run(Config, #{}, fun(Env) ->
		compare(raw, Config, Env, [
			{#{cert => Name, shape => Shape, response => Text}, Expected}
			|| Shape <- [starttls, direct_tls, websocket, bosh], {Name, Text, Expected} <- Rows
		])
	end).

%% The hosts of one Prosody, each with its own sasl_external.
virtual_hosts(Config) ->
	Policy = #{
		sasl_external => ["standard"],
		more => "[[host_config]]\n  host = \"fed1\"\n\n  [host_config.auth]\n"
			"    methods = [\"pki\"]\n    sasl_mechanisms = [\"external\"]\n"
			"    sasl_external = [\"common_name\"]\n    [host_config.auth.pki]\n"
	},
	Fed1 = #{jid => <<"alice@fed1">>},
	certjid_test_prosody:run(Config, Policy, fun(Env) ->
		[
			compare(slixmpp, Config, Env, [
				{#{cert => cn_only, shape => Shape}, expected(cn_only, none)},
				{Fed1#{cert => cn_only, shape => Shape},
					{{session_start, <<"alice@fed1">>}, allowed, allowed}},
				{#{cert => good, shape => Shape}, expected(good, none)},
				{Fed1#{cert => bad, shape => Shape}, expected(bad, none)}
			])
			|| Shape <- [starttls, direct_tls]
		]
	end).

%% The policy alone says who is trusted: Prosody's own verification has no say.
self_signed(Config) ->
	certjid_test_prosody:run(Config, #{verify_mode => selfsigned_peer}, fun(Env) ->
		[
			compare(Client, Config, Env, [
				{#{cert => self_signed, shape => Shape}, {?ALICE, allowed, allowed}},
				{#{cert => bad, shape => Shape}, expected(bad, none)}
			])
			|| {Client, Shape} <- [{slixmpp, starttls}, {slixmpp, direct_tls}, {raw, websocket}]
		]
	end).

%% A certificate or a password, on one host.
passwords(Config) ->
	Lines = "certjid_passwords = \"internal_hashed\"\n",
	certjid_test_prosody:run(Config, #{lines => Lines}, fun(Env) ->
		{0, _} = certjid_test_prosody:prosodyctl(Env, ["register", "carol", "localhost", "secret"]),
		#{ports := #{starttls := Port}} = Env,
		Carol = #{cert => none, shape => starttls, port => Port, jid => <<"carol@localhost">>},
		{session_start, <<"carol@localhost">>} =
			login(slixmpp, Config, Carol#{sasl_password => <<"secret">>}),
		{failed_auth, <<"not-authorized">>} =
			login(slixmpp, Config, Carol#{sasl_password => <<"wrong">>}),
		%% With an untrusted certificate she has still her password.
		{session_start, <<"carol@localhost">>} =
			login(slixmpp, Config, Carol#{cert => bad, sasl_password => <<"secret">>}),
		no_auth = login(slixmpp, Config, Carol),
		compare(slixmpp, Config, Env, [{#{cert => good, shape => starttls}, expected(good, none)}]),
		%% Both kinds of users exist for Prosody.
		{0, Users} = certjid_test_prosody:prosodyctl(Env, ["shell", "user", "list", "localhost"]),
		{match, _} = re:run(Users, "alice@localhost"),
		{match, _} = re:run(Users, "carol@localhost"),
		{0, _} = certjid_test_prosody:prosodyctl(Env, ["deluser", "carol@localhost"]),
		{0, _} = certjid_test_prosody:prosodyctl(Env, ["deluser", "alice@localhost"]),
		{failed_auth, <<"not-authorized">>} =
			login(slixmpp, Config, Carol#{sasl_password => <<"secret">>})
	end).

%% Who has logged in exists for Prosody; nobody has a password.
users(Config) ->
	certjid_test_prosody:run(Config, #{}, fun(Env) ->
		Delete = fun() -> certjid_test_prosody:prosodyctl(Env, ["deluser", "alice@localhost"]) end,
		{1, Unknown} = Delete(),
		{match, _} = re:run(Unknown, "does not exist"),
		compare(slixmpp, Config, Env, [{#{cert => good, shape => starttls}, expected(good, none)}]),
		{0, _} = Delete(),
		{1, _} = Delete(),
		%% Deleting is not revoking.
		compare(slixmpp, Config, Env, [{#{cert => good, shape => starttls}, expected(good, none)}]),
		{1, Refused} = certjid_test_prosody:prosodyctl(Env, ["register", "x", "localhost", "y"]),
		{match, _} = re:run(Refused, "log in by certificate")
	end).

%% The listener of the policy, which Prosody may name by its port.
listener(Config) ->
	Names = fun(Lines) ->
		certjid_test_prosody:run(Config, #{lines => Lines}, fun(Env) ->
			[
				begin
					Marked = certjid_test_prosody:mark(Env),
					compare(raw, Config, Env, [{#{cert => good, shape => Shape}, expected(good, none)}]),
					[Name] = [
						Name
						|| Name <- ["c2s", "http", "5285"],
							certjid_test_prosody:sidecar_says(Marked, " listener=\"" ++ Name ++ "\"")
					],
					Name
				end
				|| Shape <- [starttls, direct_tls, websocket, bosh]
			]
		end)
	end,
	["c2s", "c2s", "http", "http"] = Names(""),
	["http", "http", "http", "http"] = Names("certjid_listener = \"http\"\n"),
	["5285", "5285", "5285", "5285"] = Names("certjid_listener = 5285\n").
