%% What each verify_mode does, for every kind of client certificate and on every listener:
%% docs/verify-modes.md has the table, and this suite measures each of its cells, where certjid
%% decides in the node (NIF) and beside it (sidecar).
-module(matrix_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([complete/1]).
-export([starttls/1]).
-export([direct_tls/1]).
-export([websocket/1]).
-export([bosh/1]).
-export([resumption/1]).
-export([resumed_chain/1]).
-export([tickets/1]).
-export([late_refusal/1]).
-export([openssl_defaults/1]).
-export([extended_key_usage/1]).

-import(certjid_test_xmpp_env, [client/2]).

-define(VERSIONS, ["1.2", "1.3"]).

all() ->
	[complete, {group, deciders}].

groups() ->
	Cases = [
		starttls, direct_tls, websocket, bosh, resumption, resumed_chain, tickets, late_refusal,
		openssl_defaults, extended_key_usage
	],
	certjid_test_xmpp_env:deciders(Cases).

init_per_suite(Config) ->
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(Group, Config) ->
	certjid_test_xmpp_env:decider(Group, Config).

end_per_group(_Decider, _Config) ->
	ok.

%% The table's rows, each a list of cells.
table() ->
	{ok, Text} = file:read_file(filename:join(certjid_test_cases:root(), "docs/verify-modes.md")),
	[
		[cell(Cell) || Cell <- lists:droplast(tl(binary:split(Line, <<"|">>, [global])))]
		|| <<"| `", _/binary>> = Line <- binary:split(Text, <<"\n">>, [global]),
			length(binary:matches(Line, <<"|">>)) =:= 8
	].

cell(Text) ->
	string:trim(binary:replace(Text, <<"`">>, <<>>, [global])).

%% The table has every combination once.
complete(_Config) ->
	Wanted = [
		[Mode, Disconnect, Certificate]
		|| Mode <- [<<"peer">>, <<"selfsigned_peer">>, <<"none">>],
			Disconnect <- [<<"true">>, <<"false">>],
			Certificate <- [<<"none">>, <<"self-signed">>, <<"bad">>, <<"good">>]
	],
	Wanted = [lists:sublist(Row, 3) || Row <- table()],
	ok.

starttls(Config) -> rows(Config, starttls).
direct_tls(Config) -> rows(Config, direct_tls).
websocket(Config) -> rows(Config, websocket).
bosh(Config) -> rows(Config, bosh).

rows(Config, Shape) ->
	Table = table(),
	24 = length(Table),
	Measured = [measure(Config, Shape, Row) || Row <- Table],
	[] = [{Row, Is} || {Row, Is} <- lists:zip(Table, Measured), Row =/= Is].

measure(Config, Shape, [Mode, Disconnect, Certificate | _]) ->
	Options = #{
		verify_mode => binary_to_existing_atom(Mode),
		disconnect_on_failure => binary_to_existing_atom(Disconnect)
	},
	Client = client(Config, case Certificate of
		<<"self-signed">> -> self_signed;
		_ -> binary_to_existing_atom(Certificate)
	end),
	[{Tls12, Login}, {Tls13, Login}] = serve(Config, Shape, Options, fun(Try) ->
		[words(Version, Try(Client#{tls => Version})) || Version <- ?VERSIONS]
	end),
	[Mode, Disconnect, Certificate, Tls12, Tls13 | Login].

%% A login as the table's cells say it. The client and the server agree on what happened.
words(Version, {Seen, #{tls := {error, {tls_alert, {Alert, _}}}} = Report}) ->
	3 = map_size(Report#{shape => any}),
	#{<<"handshake">> := Handshake, <<"offered">> := [], <<"login">> := null} = Seen,
	Name = atom_to_binary(Alert),
	%% TLS 1.3: the client may be writing when the alert comes.
	true = Handshake =:= Name orelse {Version, Handshake} =:= {"1.3", <<"closed">>},
	{<<"refused: ", Name/binary>>, [<<"no connection">>, <<"no connection">>]};
words(_Version, {Seen, #{tls := ok, offer := Offer, decision := Decision}}) ->
	#{<<"handshake">> := <<"ok">>, <<"offered">> := Offered, <<"login">> := Login} = Seen,
	External = lists:member(<<"EXTERNAL">>, Offered),
	External = Offer =:= <<"offered">>,
	{<<"connected">>, case Decision of
		{ok, #{jid := Jid}} when External ->
			[Jid, _] = binary:split(Login, <<"/">>),
			[<<"yes">>, Jid];
		{error, #{condition := Login, reason := Reason}} ->
			Reason = Offer,
			[<<"no: ", Reason/binary>>, Login]
	end}.

%% Runs Fun(Try) with a server; Try(Options) logs in and gives both sides' views.
serve(Config, Shape, Options, Fun) ->
	Toml = certjid_test_xmpp_env:policy_file(Config, Options),
	certjid_test_xmpp_env:with_decider(Config, Toml, fun(Decider) ->
		serve(Config, Shape, Options, Decider, Fun)
	end).

serve(Config, Shape, Options, Decider, Fun) ->
	Server = certjid_test_xmpp:start(#{
		shape => case Shape of websocket -> https; bosh -> https; _ -> Shape end,
		tls => certjid_test_xmpp_env:tls(Config, Options),
		ssl => maps:get(ssl, Options, []),
		decider => Decider
	}),
	#{port := Port} = Server,
	Answer = Fun(fun(ClientOptions) ->
		Seen = certjid_test_xmpp_env:run(Config, "raw_login.py", maps:merge(#{
			shape => atom_to_list(Shape), port => Port, response => "="
		}, ClientOptions)),
		Reports = [certjid_test_xmpp:report(Server) || _ <- [first | [
			second || is_map_key(resume, ClientOptions)
		]]],
		{Seen, lists:last(Reports)}
	end),
	ok = certjid_test_xmpp:stop(Server),
	Answer.

%% TLS 1.2 sessions: they are not resumed. Where a server does so all the same, the certificate
%% is judged again on the resumed connection.
resumption(Config) ->
	Expected = [
		{good, {<<"connected">>, [<<"yes">>, <<"alice@localhost">>]}},
		{bad, {<<"connected">>, [<<"no: unknown_ca">>, <<"not-authorized">>]}},
		{self_signed, {<<"connected">>, [<<"no: selfsigned_peer">>, <<"not-authorized">>]}},
		{expired, {<<"connected">>, [<<"no: cert_expired">>, <<"not-authorized">>]}},
		{none, {<<"connected">>, [<<"no: no_peer_cert">>, <<"not-authorized">>]}}
	],
	[
		serve(Config, Shape, #{disconnect_on_failure => false, ssl => Ssl}, fun(Try) ->
			[] = [
				{Shape, Name, Seen, Report}
				|| {Name, Words} <- Expected,
					{Seen, Report} <- [Try((client(Config, Name))#{tls => "1.2", resume => true})],
					{Resumes, Words} =/= {maps:get(<<"resumed">>, Seen), words("1.2", {Seen, Report})}
			]
		end)
		|| Shape <- [starttls, direct_tls, websocket],
			{Ssl, Resumes} <- [{[], false}, {[{reuse_sessions, true}], true}]
	].

%% Intermediates are not remembered with a session: what needs them is refused.
resumed_chain(Config) ->
	#{issuer := Issuer, key := Key} = proplists:get_value(ca, Config),
	CaNames = #{common_name => <<"Intermediate">>},
	CaKey = certjid_test_cert:key(),
	Intermediate = certjid_test_cert:make(CaKey, CaNames, #{issuer => Issuer, ca => true}),
	Leaf = certjid_test_cert:make(Key, #{xmpp_addrs => [<<"alice@localhost">>]}, #{
		issuer => {certjid_test_cert:subject(CaNames), CaKey}
	}),
	#{cert := File} = Client0 = certjid_test_xmpp_env:write_certificate(Config, "chain", Key, Leaf),
	ok = file:write_file(File, certjid_test_cert:pem([Leaf, Intermediate])),
	Client = Client0#{tls => "1.2"},
	Resume = Client#{resume => true},
	Yes = {<<"connected">>, [<<"yes">>, <<"alice@localhost">>]},
	serve(Config, direct_tls, #{disconnect_on_failure => false}, fun(Try) ->
		Yes = words("1.2", Try(Client)),
		Yes = words("1.2", Try(Resume))
	end),
	Resumes = #{disconnect_on_failure => false, ssl => [{reuse_sessions, true}]},
	serve(Config, direct_tls, Resumes, fun(Try) ->
		Yes = words("1.2", Try(Client)),
		{<<"connected">>, [<<"no: unknown_ca">>, <<"not-authorized">>]} = words("1.2", Try(Resume))
	end).

%% TLS 1.3 with stateless tickets: no certificate is remembered, whatever it was. OTP 25 can't
%% issue tickets on a socket that became TLS, as with STARTTLS: the handshake crashes.
tickets(Config) ->
	Options = #{disconnect_on_failure => false, session_tickets => stateless},
	Words = {<<"connected">>, [<<"no: no_peer_cert">>, <<"not-authorized">>]},
	[
		serve(Config, Shape, Options, fun(Try) ->
			[] = [
				{Shape, Name, Seen, Report}
				|| Name <- [good, bad, self_signed, expired, none],
					{Seen, Report} <- [Try((client(Config, Name))#{tls => "1.3", resume => true})],
					{true, Words} =/= {maps:get(<<"resumed">>, Seen), words("1.3", {Seen, Report})}
			]
		end)
		|| Shape <- [direct_tls, websocket]
	].

%% R21: with TLS 1.3 and no certificate openssl believes that it is connected, and then is cut
%% off. The server knows why, and who it was.
late_refusal(Config) ->
	Toml = certjid_test_xmpp_env:policy_file(Config, #{}),
	certjid_test_xmpp_env:with_decider(Config, Toml, fun(Decider) -> late_refusal(Config, Decider) end).

late_refusal(Config, Decider) ->
	Server = certjid_test_xmpp:start(#{
		shape => direct_tls, tls => certjid_test_xmpp_env:tls(Config, #{}), decider => Decider
	}),
	#{port := Port} = Server,
	Address = "127.0.0.1:" ++ integer_to_list(Port),
	{_, Output} = certjid_test_xmpp_env:command("openssl", [
		"s_client", "-tls1_3", "-connect", Address
	]),
	{_, _} = binary:match(Output, <<"SSL handshake has read">>),
	{_, _} = binary:match(Output, <<"alert number 116">>),
	#{
		peer := {{127, 0, 0, 1}, ClientPort},
		tls := {error, {tls_alert, {certificate_required, Text}}}
	} = certjid_test_xmpp:report(Server),
	true = ClientPort > 0,
	true = length(lists:flatten(Text)) > 0,
	ok = certjid_test_xmpp:stop(Server).

%% R13: `openssl req -x509' makes a CA certificate by default; selfsigned_peer accepts it.
openssl_defaults(Config) ->
	Make = fun(Name, More) ->
		File = filename:join(proplists:get_value(files, Config), Name),
		_ = certjid_test_xmpp_env:openssl([
			"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=alice",
			"-keyout", File ++ ".key", "-out", File ++ ".crt" | More
		]),
		Text = certjid_test_xmpp_env:openssl(["x509", "-in", File ++ ".crt", "-noout", "-text"]),
		{_, _} = binary:match(Text, <<"CA:TRUE">>),
		#{cert => File ++ ".crt", key => File ++ ".key"}
	end,
	Address = "subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@localhost",
	Clients = [Make("defaults", []), Make("defaults_xmpp", ["-addext", Address])],
	[
		serve(Config, Shape, #{
			verify_mode => selfsigned_peer,
			disconnect_on_failure => Disconnect,
			sasl_external => ["standard", "common_name"]
		}, fun(Try) ->
			Accepted = {<<"connected">>, [<<"yes">>, <<"alice@localhost">>]},
			[Accepted = words(V, Try(Client#{tls => V})) || V <- ?VERSIONS, Client <- Clients]
		end)
		|| Shape <- [starttls, direct_tls], Disconnect <- [true, false]
	].

%% R17: only clientAuth, or no extended key usage, makes a client's certificate.
extended_key_usage(Config) ->
	Dir = proplists:get_value(files, Config),
	#{issuer := {_, CaKey}, file := CaFile} = proplists:get_value(ca, Config),
	CaKeyFile = filename:join(Dir, "eku_ca.key"),
	ok = file:write_file(CaKeyFile, public_key:pem_encode([
		public_key:pem_entry_encode('ECPrivateKey', CaKey)
	])),
	Make = fun(Name, Usage) ->
		#{key := Key} = client(Config, good),
		File = filename:join(Dir, "eku_" ++ Name),
		Extensions = ["subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@localhost\n",
			["extendedKeyUsage=" ++ Usage ++ "\n" || Usage =/= ""]],
		ok = file:write_file(File ++ ".ext", Extensions),
		_ = certjid_test_xmpp_env:openssl(["req", "-new", "-key", Key, "-subj", "/CN=alice",
			"-out", File ++ ".csr"]),
		_ = certjid_test_xmpp_env:openssl(["x509", "-req", "-in", File ++ ".csr",
			"-CA", CaFile, "-CAkey", CaKeyFile, "-CAcreateserial",
			"-extfile", File ++ ".ext", "-out", File ++ ".crt"]),
		#{cert => File ++ ".crt", key => Key}
	end,
	Yes = [<<"yes">>, <<"alice@localhost">>],
	No = [<<"no: invalid_ext_key_usage">>, <<"not-authorized">>],
	Rows = [
		{"absent", "", Yes}, {"client", "clientAuth", Yes}, {"server", "serverAuth", No},
		{"any", "anyExtendedKeyUsage", No}, {"empty", "DER:3000", No}
	],
	serve(Config, starttls, #{disconnect_on_failure => false}, fun(Try) ->
		[] = [
			{Name, Version, Answer}
			|| {Name, Usage, Expected} <- Rows,
				Client <- [Make(Name, Usage)],
				Version <- ?VERSIONS,
				Answer <- [words(Version, Try(Client#{tls => Version}))],
				Answer =/= {<<"connected">>, Expected}
		]
	end).
