%% Logins through nginx and HAProxy, with the configurations of docs/proxy.md, to a server in
%% plain HTTP that asks the sidecar. What clients forge on the way, and past the proxy.
-module(proxy_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([nginx/1]).
-export([haproxy/1]).
-export([haproxy_rfc9440/1]).
-export([past_the_proxy/1]).
-export([off_by_default/1]).

-import(certjid_test_xmpp_env, [client/2]).

-define(ALICE, {session_start, <<"alice@localhost">>}).
-define(NGINX, #{proxy => nginx, certificate => <<"x-client-cert">>}).
-define(HAPROXY,
	#{proxy => haproxy, certificate => <<"x-client-cert">>, chain => <<"x-client-chain">>}).
-define(RFC9440, #{proxy => rfc9440, certificate => <<"client-cert">>}).

all() ->
	[{group, side_by_side}].

%% Each case has servers of its own.
groups() ->
	[{side_by_side, [parallel], [nginx, haproxy, haproxy_rfc9440, past_the_proxy, off_by_default]}].

init_per_suite(Config) ->
	ok = certjid_test_clients:install([strophejs]),
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

nginx(Config) ->
	serve(Config, ["http=nginx"], ?NGINX, fun(Server) ->
		through(fun nginx/3, "nginx", Config, Server, fun(Port) ->
			%% nginx answers 400 to the expired one: what it passes on are certificates of others.
			every_certificate(Config, Server, Port, {disconnected, nothing}),
			forged(Config, Server, Port, ["X-Client-Cert: ", escaped(alice(Config))]),
			not_offered(<<"unknown_ca">>, Config, Server, Port, intermediate(Config), "")
		end)
	end).

haproxy(Config) ->
	serve(Config, ["http=haproxy"], ?HAPROXY, fun(Server) ->
		through(fun haproxy/3, "haproxy", Config, Server, fun(Port) ->
			every_certificate(Config, Server, Port, {no_auth, {not_offered, <<"cert_expired">>}}),
			forged(Config, Server, Port, ["X-Client-Cert: ", base64:encode(alice(Config))]),
			Chain = ["X-Client-Chain: ", base64:encode(alice(Config))],
			forged(Config, Server, Port, Chain),
			#{<<"login">> := <<"alice@localhost/r">>} =
				raw_login(Config, Port, intermediate(Config), ""),
			#{decision := {ok, _}} = certjid_test_xmpp:report(Server)
		end)
	end).

haproxy_rfc9440(Config) ->
	serve(Config, ["http=rfc9440"], ?RFC9440, fun(Server) ->
		Configure = fun(Text, Dir, Ports) ->
			[_, Lines] = blocks("haproxy"),
			Set = "\thttp-request set-header X-Client-Cert .*\n\thttp-request set-header .*\n",
			haproxy(re:replace(Text, Set, Lines), Dir, Ports)
		end,
		through(Configure, "haproxy", Config, Server, fun(Port) ->
			every_certificate(Config, Server, Port, {no_auth, {not_offered, <<"cert_expired">>}}),
			Header = ["Client-Cert: :", base64:encode(alice(Config)), ":"],
			forged(Config, Server, Port, Header)
		end)
	end).

%% The proxy trusts none of the certificates, and passes them all on: certjid judges.
every_certificate(Config, Server, Port, Expired) ->
	[
		{Cert, Expected} = {Cert, login(Cert, Config, Server, Port)}
		|| {Cert, Expected} <- [
			{good, {?ALICE, {ok, <<"xmppAddr">>}}},
			{several, {?ALICE, {ok, <<"xmppAddr">>}}},
			{cn_only, {?ALICE, {ok, <<"common_name">>}}},
			{bad, {no_auth, {not_offered, <<"unknown_ca">>}}},
			{expired, Expired},
			{revoked, {no_auth, {not_offered, <<"revoked">>}}},
			{self_signed, {no_auth, {not_offered, <<"selfsigned_peer">>}}},
			{none, {no_auth, {not_offered, <<"no_peer_cert">>}}}
		]
	].

%% What the client sees, and the server, which is not asked where the client doesn't get to it.
login(Cert, Config, Server, Port) ->
	Options = #{cert => Cert, port => Port, shape => websocket},
	case certjid_test_clients:login(strophejs, Config, Options) of
		disconnected -> {disconnected, nothing};
		Seen -> {Seen, server(certjid_test_xmpp:report(Server))}
	end.

%% A client that writes the header itself is who its own certificate says, or nobody.
forged(Config, Server, Port, Header) ->
	[
		not_offered(Reason, Config, Server, Port, client(Config, Cert), Header)
		|| {Cert, Reason} <- [{none, <<"no_peer_cert">>}, {bad, <<"unknown_ca">>}]
	],
	#{<<"login">> := <<"alice@localhost/r">>} =
		raw_login(Config, Port, client(Config, cn_only), Header),
	#{decision := {ok, #{source := <<"common_name">>}}} = certjid_test_xmpp:report(Server).

not_offered(Reason, Config, Server, Port, Client, Header) ->
	#{<<"offered">> := [<<"PLAIN">>], <<"login">> := <<"not-authorized">>} =
		raw_login(Config, Port, Client, Header),
	#{offer := Reason} = certjid_test_xmpp:report(Server).

raw_login(Config, Port, Client, "") ->
	certjid_test_xmpp_env:run(Config, "raw_login.py", Client#{shape => "websocket", port => Port});
raw_login(Config, Port, Client, Header) ->
	raw_login(Config, Port, Client#{header => Header}, "").

server(#{decision := {ok, #{source := Source}}, jid := _}) -> {ok, Source};
server(#{decision := {error, #{reason := Reason}}}) -> Reason;
server(#{offer := Offer}) -> {not_offered, Offer};
server(Other) -> Other.

%% Whoever reaches the server without the proxy, or through one that does not replace the header.
past_the_proxy(Config) ->
	Alice = escaped(alice(Config)),
	Header = ["X-Client-Cert: ", Alice, "\r\n"],
	serve(Config, ["http=nginx"], ?NGINX, fun(Server) ->
		[
			{Headers, Reason} = {Headers, offered(Server, Headers)}
			|| {Headers, Reason} <- [
				%% What nothing but the address of the server keeps away.
				{Header, <<"offered">>},
				{[], <<"no_peer_cert">>},
				{["X-Client-Cert: \r\n"], <<"no_peer_cert">>},
				{[Header, Header], <<"forwarded_doubled">>},
				{[Header, "X-Client-Cert: \r\n"], <<"forwarded_doubled">>},
				{["X-Client-Cert: ", Alice, ", ", Alice, "\r\n"], <<"forwarded_doubled">>},
				{["X-Client-Cert: ", Alice, Alice, "\r\n"], <<"forwarded_doubled">>},
				{["X-Client-Cert: ", base64:encode(alice(Config)), "\r\n"],
					<<"forwarded_malformed">>}
			]
		]
	end).

%% A sidecar that was told nothing, or of another proxy.
off_by_default(Config) ->
	[
		serve(Config, Trusted, ?NGINX, fun(Server) ->
			Header = ["X-Client-Cert: ", escaped(alice(Config)), "\r\n"],
			<<"forwarded_not_trusted">> = offered(Server, Header)
		end)
		|| Trusted <- [[], ["c2s=nginx"], ["http=haproxy"]]
	].

%% Begins a stream in plain HTTP, and says what the sidecar made of it.
offered(#{port := Port} = Server, Headers) ->
	{ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]),
	Open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>",
	ok = gen_tcp:send(Socket, [
		"GET /ws-xmpp HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n"
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", Headers, "\r\n",
		%% A text frame whose mask changes nothing; and the one that closes.
		<<16#81, 1:1, (length(Open)):7, 0:32>>, Open, <<16#88, 16#80, 0:32>>
	]),
	#{offer := Offer} = certjid_test_xmpp:report(Server),
	ok = gen_tcp:close(Socket),
	Offer.

alice(Config) ->
	#{cert := File} = client(Config, good),
	{ok, Pem} = file:read_file(File),
	[{'Certificate', Der, not_encrypted}] = public_key:pem_decode(Pem),
	Der.

%% As nginx does.
escaped(Der) ->
	uri_string:quote(certjid_test_cert:pem([Der])).

%% A certificate of a CA that only its holder sends along.
intermediate(Config) ->
	#{issuer := Root, key := Key} = proplists:get_value(ca, Config),
	Names = #{common_name => <<"Intermediate">>},
	Ca = certjid_test_cert:make(Key, Names, #{issuer => Root, ca => true}),
	Issuer = {certjid_test_cert:subject(Names), Key},
	Leaf = certjid_test_cert:make(
		Key, #{xmpp_addrs => [<<"alice@localhost">>]}, #{issuer => Issuer}
	),
	Name = "intermediate" ++ integer_to_list(erlang:unique_integer([positive])),
	Files = certjid_test_xmpp_env:write_certificate(Config, Name, Key, Leaf),
	ok = file:write_file(maps:get(cert, Files), certjid_test_cert:pem([Leaf, Ca])),
	Files.

%% The server in plain HTTP, with a sidecar that trusts these proxies.
serve(Config, Trusted, Proxy, Fun) ->
	Toml = certjid_test_xmpp_env:policy_file(Config, #{
		disconnect_on_failure => false, sasl_external => ["certjid_verification"]
	}),
	Arguments = lists:append([["--trust-forwarded", Value] || Value <- Trusted]),
	certjid_test_xmpp_env:with_sidecar(Toml, Arguments, fun(Client) ->
		Server = certjid_test_xmpp:start(#{
			shape => http, tls => #{}, decider => {sidecar, Client}, proxy => Proxy
		}),
		Fun(Server),
		ok = certjid_test_xmpp:stop(Server)
	end).

%% The blocks of docs/proxy.md in a language.
blocks(Language) ->
	{ok, Text} = file:read_file(filename:join(certjid_test_cases:root(), "docs/proxy.md")),
	Pattern = ["(?s)```", Language, "\n(.*?)```"],
	{match, Blocks} = re:run(Text, Pattern, [global, {capture, [1], list}]),
	lists:append(Blocks).

%% Runs a proxy with its configuration of docs/proxy.md, for as long as Fun(Port) takes.
through(Configure, Name, Config, #{port := Server}, Fun) ->
	certjid_test_program:folder(fun(Dir) ->
		through(Configure, Name, Config, Server, Dir, Fun)
	end).

through(Configure, Name, Config, Server, Dir, Fun) ->
	Port = certjid_test_program:free_port(),
	#{certfile := Certificate, keyfile := Key} = proplists:get_value(server, Config),
	#{file := CaFile} = proplists:get_value(ca, Config),
	{ok, Both} = both(Certificate, Key),
	ok = file:write_file(filename:join(Dir, "both.pem"), Both),
	Text = lists:foldl(fun({From, To}, Text) ->
		[_, _] = string:split(Text, From),
		unicode:characters_to_list(string:replace(Text, From, To))
	end, hd(blocks(Name)), [
		{"127.0.0.1:5280", "127.0.0.1:" ++ integer_to_list(Server)},
		{"/etc/certjid/ca.pem", CaFile}
	]),
	{Program, Arguments} = Configure(Text, Dir, {Port, Certificate, Key}),
	Executable = os:find_executable(Program, "/usr/sbin:/usr/bin"),
	Executable =/= false orelse ct:fail("there is no ~ts", [Program]),
	Log = filename:join(Dir, "log"),
	Proxy = certjid_test_program:start(Executable, Arguments, Log),
	try
		ok = certjid_test_program:wait_for("the proxy", fun() ->
			case gen_tcp:connect({127, 0, 0, 1}, Port, []) of
				{ok, Socket} -> gen_tcp:close(Socket);
				{error, _} -> false
			end
		end),
		Fun(Port)
	after
		ok = certjid_test_program:stop(Proxy),
		{ok, Output} = file:read_file(Log),
		ct:log("~ts", [Output])
	end.

both(Certificate, Key) ->
	{ok, First} = file:read_file(Certificate),
	{ok, Second} = file:read_file(Key),
	{ok, [First, Second]}.

%% The program and its arguments, with what a system's own configuration has round the block.
nginx(Text, Dir, {Port, Certificate, Key}) ->
	Server = replace(Text, [
		{"listen 443", ["listen 127.0.0.1:", integer_to_list(Port)]},
		{"/etc/ssl/example.org.pem", Certificate}, {"/etc/ssl/example.org.key", Key}
	]),
	Temporary = [
		["\t", Kind, "_temp_path ", Dir, "/", Kind, ";\n"]
		|| Kind <- ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
	],
	File = filename:join(Dir, "nginx.conf"),
	ok = file:write_file(File, [
		"daemon off;\nmaster_process off;\npid ", Dir, "/pid;\nerror_log stderr;\n"
		"events {}\nhttp {\n\taccess_log off;\n", Temporary, Server, "}\n"
	]),
	{"nginx", ["-c", File]}.

haproxy(Text, Dir, {Port, _Certificate, _Key}) ->
	File = filename:join(Dir, "haproxy.cfg"),
	ok = file:write_file(File, replace(unicode:characters_to_list(Text), [
		{"bind :443", ["bind 127.0.0.1:", integer_to_list(Port)]},
		{"/etc/ssl/example.org.both.pem", filename:join(Dir, "both.pem")}
	])),
	{"haproxy", ["-db", "-f", File]}.

replace(Text, Replacements) ->
	lists:foldl(fun({From, To}, Rest) ->
		[Before, After] = string:split(Rest, From),
		lists:flatten([Before, To, After])
	end, Text, Replacements).
