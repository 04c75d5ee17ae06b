%% Clients that others wrote against the XMPP server of the tests, with every kind of certificate:
%% the outcome that the client sees, and the reason that the server has from certjid. What
%% certjid decides is in stream_SUITE at greater length, with slixmpp.
-module(clients_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([slixmpp/1]).
-export([libstrophe/1]).
-export([xmpp_client/1]).
-export([strophejs/1]).
-export([nbxmpp/1]).
-export([poezio/1]).
-export([authzid/1]).
-export([pkcs12/1]).
-export([disconnecting/1]).
-export([no_mechanism/1]).

-define(ALICE, {session_start, <<"alice@localhost">>}).

all() ->
	[{group, deciders}].

groups() ->
	Cases = certjid_test_clients:all() ++ [authzid, pkcs12, disconnecting, no_mechanism],
	certjid_test_xmpp_env:deciders(Cases).

init_per_suite(Config) ->
	ok = certjid_test_clients:install(certjid_test_clients:all()),
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(Group, Config) ->
	certjid_test_xmpp_env:decider(Group, Config).

end_per_group(_Decider, _Config) ->
	ok.

slixmpp(Config) -> every_certificate(slixmpp, Config).
libstrophe(Config) -> every_certificate(libstrophe, Config).
xmpp_client(Config) -> every_certificate(xmpp_client, Config).
strophejs(Config) -> every_certificate(strophejs, Config).
nbxmpp(Config) -> every_certificate(nbxmpp, Config).
poezio(Config) -> every_certificate(poezio, Config).

%% The certificates of one, several and no xmppAddr under MongooseIM's own kind and under
%% certjid_verification; those that fail under either.
every_certificate(Client, Config) ->
	Options = #{disconnect_on_failure => false},
	compare(Options#{sasl_external => ["standard"]}, Client, [
		{good, standard(certjid_test_clients:sends(Client, 1))},
		{several, several(certjid_test_clients:sends(Client, 2))},
		{cn_only, {{failed_auth, <<"not-authorized">>}, <<"no_xmpp_addr">>}},
		{bad, {no_auth, {not_offered, <<"unknown_ca">>}}},
		{expired, {no_auth, {not_offered, <<"cert_expired">>}}},
		{revoked, {no_auth, {not_offered, <<"revoked">>}}},
		{self_signed, {no_auth, {not_offered, <<"selfsigned_peer">>}}},
		{none, {no_auth, {not_offered, <<"no_peer_cert">>}}}
	], Config),
	compare(Options#{sasl_external => ["certjid_verification"]}, Client, [
		{good, {?ALICE, {ok, <<"xmppAddr">>}}},
		{several, several(certjid_test_clients:sends(Client, 2))},
		{cn_only, {?ALICE, {ok, <<"common_name">>}}},
		{bad, {no_auth, {not_offered, <<"unknown_ca">>}}}
	], Config).

%% The authzid that equals the only xmppAddr, with which Gajim can't log in to MongooseIM.
standard(none) -> {?ALICE, {ok, <<"xmppAddr">>}};
standard(jid) -> {{failed_auth, <<"invalid-authzid">>}, <<"authzid_equals_only_xmpp_addr">>}.

several(none) -> {{failed_auth, <<"invalid-authzid">>}, <<"authzid_required">>};
several(jid) -> {?ALICE, {ok, <<"xmppAddr">>}}.

compare(Options, Client, AllRows, Config) ->
	%% Without a certificate poezio waits for somebody to type a password.
	Rows = [Row || {Cert, _} = Row <- AllRows, Client =/= poezio orelse Cert =/= none],
	[
		[] = [
			{Client, Shape, Cert, Answer, Expected}
			|| {{Cert, Expected}, Answer} <- lists:zip(Rows, logins(Options, Client, Shape, [
					#{cert => Cert} || {Cert, _} <- Rows
				], Config)),
				Answer =/= Expected
		]
		|| Shape <- certjid_test_clients:shapes(Client)
	],
	ok.

%% The client's outcome, and the server's reason or the name's source, of each login.
logins(Options, Client, Shape, Logins, Config) ->
	Served = case Shape of websocket -> https; _ -> Shape end,
	certjid_test_xmpp_env:serve(Config, Served, Options, fun(#{port := Port} = Server) ->
		[
			begin
				Seen = certjid_test_clients:login(Client, Config, Login#{port => Port, shape => Shape}),
				{Seen, server(certjid_test_xmpp:report(Server))}
			end
			|| Login <- Logins
		]
	end).

server(#{tls := {error, {tls_alert, {Alert, _}}}}) -> Alert;
server(#{decision := {ok, #{source := Source}}, jid := _}) -> {ok, Source};
server(#{decision := {error, #{reason := Reason}}}) -> Reason;
server(#{offer := Offer}) -> {not_offered, Offer};
server(Other) -> Other.

%% The clients that can be told what to send.
authzid(Config) ->
	[
		[
			{{session_start, <<"bob@localhost">>}, {ok, <<"xmppAddr">>}},
			{{failed_auth, <<"not-authorized">>}, <<"authzid_not_listed">>},
			{{failed_auth, <<"invalid-authzid">>}, <<"authzid_equals_only_xmpp_addr">>}
		] = logins(#{}, Client, starttls, [
			#{cert => several, authzid => "bob@localhost"},
			#{cert => several, authzid => "carol@localhost"},
			#{cert => good, authzid => "alice@localhost"}
		], Config)
		|| Client <- [slixmpp, xmpp_client]
	].

%% nbxmpp has it in each of its logins, and poezio takes none.
pkcs12(Config) ->
	Options = #{sasl_external => ["certjid_verification"]},
	[
		[{?ALICE, {ok, <<"xmppAddr">>}}] =
			logins(Options, Client, hd(certjid_test_clients:shapes(Client)), [
				#{cert => good, p12 => true}
			], Config)
		|| Client <- certjid_test_clients:all() -- [nbxmpp, poezio]
	].

%% disconnect_on_failure = true: each client sees TLS fail, and none hangs.
disconnecting(Config) ->
	Options = #{sasl_external => ["certjid_verification"]},
	[
		compare(Options, Client, [
			{bad, {disconnected, unknown_ca}},
			{expired, {disconnected, certificate_expired}},
			{none, {disconnected, certificate_required}},
			{good, {?ALICE, {ok, <<"xmppAddr">>}}}
		], Config)
		|| Client <- certjid_test_clients:all()
	].

%% A server that has nothing but EXTERNAL, and offers no mechanism at all where that can't succeed.
no_mechanism(Config) ->
	[
		compare(#{disconnect_on_failure => false, plain => false}, Client, [
			{bad, {no_auth, {not_offered, <<"unknown_ca">>}}},
			{several, several(certjid_test_clients:sends(Client, 2))}
		], Config)
		|| Client <- certjid_test_clients:all()
	].
