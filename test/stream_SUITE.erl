%% Whole logins by a real client, slixmpp, on the XMPP server of the tests: certjid decides in
%% the node (NIF) and beside it (sidecar). What the client sees and what the server knows.
-module(stream_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([logins/1]).
-export([common_name/1]).
-export([self_signed/1]).
-export([disconnecting/1]).
-export([pkcs12/1]).
-export([http/1]).

-import(certjid_test_xmpp_env, [client/2]).

all() ->
	[{group, deciders}].

groups() ->
	Cases = [logins, common_name, self_signed, disconnecting, pkcs12, http],
	certjid_test_xmpp_env:deciders(Cases).

init_per_suite(Config) ->
	ok = certjid_test_clients:install([slixmpp]),
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(Group, Config) ->
	certjid_test_xmpp_env:decider(Group, Config).

end_per_group(_Decider, _Config) ->
	ok.

%% Runs Fun(Login) with a server; Login(Script, Options) answers with the client's outcome and
%% the server's report.
serve(Config, Shape, Options, Fun) ->
	certjid_test_xmpp_env:serve(Config, Shape, Options, fun(#{port := Port} = Server) ->
		Fun(fun(Script, ClientOptions) ->
			Seen = certjid_test_xmpp_env:run(Config, Script, ClientOptions#{port => Port}),
			{Seen, certjid_test_xmpp:report(Server)}
		end)
	end).

%% slixmpp's login in a few words: the outcome, and the server's decision or why EXTERNAL wasn't
%% offered or why TLS failed.
slixmpp(Login, Shape, Client) ->
	{Seen, Report} = Login("slixmpp_login.py", maps:merge(#{
		jid => "alice@localhost", direct_tls => Shape =:= direct_tls
	}, Client)),
	#{peer := {{127, 0, 0, 1}, _}} = Report,
	{client(Seen), server(Report)}.

client(#{<<"outcome">> := <<"session_start">>, <<"jid">> := Jid}) ->
	hd(binary:split(Jid, <<"/">>));
client(#{<<"outcome">> := <<"failed_auth">>, <<"condition">> := Condition}) ->
	Condition;
client(#{<<"outcome">> := Outcome}) ->
	Outcome.

server(#{tls := {error, {tls_alert, {Alert, _}}}}) -> Alert;
server(#{decision := {ok, #{kind := Kind}}, jid := _}) -> {ok, Kind};
server(#{decision := {error, #{reason := Reason}}}) -> Reason;
server(#{offer := Offer}) -> {not_offered, Offer};
server(Other) -> Other.

%% disconnect_on_failure = false: the stream is there, with or without EXTERNAL.
logins(Config) ->
	Rows = [
		{good, #{}, {<<"alice@localhost">>, {ok, <<"standard">>}}},
		{good, #{authzid => "alice@localhost"},
			{<<"invalid-authzid">>, <<"authzid_equals_only_xmpp_addr">>}},
		{several, #{}, {<<"invalid-authzid">>, <<"authzid_required">>}},
		{several, #{authzid => "alice@localhost"}, {<<"alice@localhost">>, {ok, <<"standard">>}}},
		{several, #{authzid => "bob@localhost"}, {<<"bob@localhost">>, {ok, <<"standard">>}}},
		{several, #{authzid => "carol@localhost"}, {<<"not-authorized">>, any}},
		{cn_only, #{}, {<<"not-authorized">>, <<"no_xmpp_addr">>}},
		{bad, #{}, {<<"no_auth">>, {not_offered, <<"unknown_ca">>}}},
		{self_signed, #{}, {<<"no_auth">>, {not_offered, <<"selfsigned_peer">>}}},
		{expired, #{}, {<<"no_auth">>, {not_offered, <<"cert_expired">>}}},
		{revoked, #{}, {<<"no_auth">>, {not_offered, <<"revoked">>}}},
		{none, #{}, {<<"no_auth">>, {not_offered, <<"no_peer_cert">>}}}
	],
	[
		serve(Config, Shape, #{disconnect_on_failure => false}, fun(Login) ->
			[] = [
				{Shape, Name, More, Answer, Expected}
				|| {Name, More, Expected} <- Rows,
					Answer <- [slixmpp(Login, Shape, maps:merge(client(Config, Name), More))],
					not matches(Answer, Expected)
			]
		end)
		|| Shape <- [starttls, direct_tls]
	].

matches({Client, _}, {Client, any}) -> true;
matches(Answer, Expected) -> Answer =:= Expected.

common_name(Config) ->
	[
		serve(Config, Shape, #{sasl_external => ["standard", "common_name"]}, fun(Login) ->
			{<<"alice@localhost">>, {ok, <<"common_name">>}} =
				slixmpp(Login, Shape, client(Config, cn_only)),
			{<<"alice@localhost">>, {ok, <<"standard">>}} =
				slixmpp(Login, Shape, client(Config, good))
		end)
		|| Shape <- [starttls, direct_tls]
	].

self_signed(Config) ->
	[
		serve(Config, Shape, #{verify_mode => selfsigned_peer}, fun(Login) ->
			{<<"alice@localhost">>, {ok, <<"standard">>}} =
				slixmpp(Login, Shape, client(Config, self_signed)),
			{<<"disconnected">>, unknown_ca} = slixmpp(Login, Shape, client(Config, bad))
		end)
		|| Shape <- [starttls, direct_tls]
	].

%% disconnect_on_failure = true: TLS itself fails, and the server knows why and whose it was.
disconnecting(Config) ->
	[
		serve(Config, Shape, #{}, fun(Login) ->
			[] = [
				{Shape, Name, Answer}
				|| {Name, Alert} <- [
						{bad, unknown_ca}, {self_signed, bad_certificate},
						{expired, certificate_expired}, {none, certificate_required}
					],
					Answer <- [slixmpp(Login, Shape, client(Config, Name))],
					Answer =/= {<<"disconnected">>, Alert}
			],
			{<<"alice@localhost">>, {ok, <<"standard">>}} =
				slixmpp(Login, Shape, client(Config, good))
		end)
		|| Shape <- [starttls, direct_tls]
	].

%% A PKCS#12 file with a password, as certificate authorities hand them out.
pkcs12(Config) ->
	File = certjid_test_xmpp_env:pkcs12(client(Config, good), "secret"),
	serve(Config, starttls, #{}, fun(Login) ->
		{<<"alice@localhost">>, {ok, <<"standard">>}} =
			slixmpp(Login, starttls, #{p12 => File, password => "secret"})
	end).

%% WebSocket and BOSH, which slixmpp doesn't do; with the literal texts of <auth/>.
http(Config) ->
	Mechanisms = [<<"EXTERNAL">>, <<"PLAIN">>],
	B64 = fun(Text) -> base64:encode(Text) end,
	serve(Config, https, #{disconnect_on_failure => false}, fun(Login) ->
		[] = [
			{Shape, Name, Response, Seen, Report}
			|| {Name, Response, Jid, Offered, Reason} <- [
					{good, null, <<"alice@localhost/r">>, Mechanisms, {ok, <<"standard">>}},
					{good, "=", <<"alice@localhost/r">>, Mechanisms, {ok, <<"standard">>}},
					{several, B64("bob@localhost"), <<"bob@localhost/r">>, Mechanisms, {ok, <<"standard">>}},
					{several, "=", <<"invalid-authzid">>, Mechanisms, <<"authzid_required">>},
					{bad, "=", <<"not-authorized">>, [<<"PLAIN">>], <<"unknown_ca">>},
					{self_signed, null, <<"not-authorized">>, [<<"PLAIN">>], <<"selfsigned_peer">>},
					{expired, "=", <<"not-authorized">>, [<<"PLAIN">>], <<"cert_expired">>},
					{none, "=", <<"not-authorized">>, [<<"PLAIN">>], <<"no_peer_cert">>}
				],
				Shape <- ["websocket", "bosh"],
				{Seen, Report} <- [Login("raw_login.py", (client(Config, Name))#{
					shape => Shape, response => Response
				})],
				{Jid, Offered, Reason} =/= {
					maps:get(<<"login">>, Seen), maps:get(<<"offered">>, Seen), server(Report)
				}
		]
	end).
