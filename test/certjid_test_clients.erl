%% XMPP clients that others wrote, for logins by certificate: each behind a small program in
%% test/clients. For any server on 127.0.0.1 whose certificate is for `localhost'.
%%
%% ```
%% init_per_suite(Config) ->
%%     ok = certjid_test_clients:install(certjid_test_clients:all()),
%%     certjid_test_xmpp_env:init(Config).                     % makes the certificates
%%
%% {session_start, <<"alice@localhost">>} =
%%     certjid_test_clients:login(slixmpp, Config, #{port => Port, shape => starttls, cert => good}).
%% '''
%%
%% Options of login/3:
%% `port';
%% `shape', one of shapes/1 of the client: starttls, direct_tls or websocket (over TLS);
%% `cert', a name in certjid_test_xmpp_env's `clients': good, several, cn_only, bad, expired,
%%     revoked, self_signed, none;
%% `p12', true for a PKCS#12 file instead of PEM files (nbxmpp always has one, poezio never);
%% `jid', the JID that the client is given, <<"alice@localhost">> by default;
%% `authzid', for slixmpp and xmpp_client, which have a setting or a place for it;
%% `path', of the WebSocket, "/ws-xmpp" by default.
-module(certjid_test_clients).

-export([all/0]).
-export([shapes/1]).
-export([sends/2]).
-export([install/1]).
-export([login/3]).

-define(PASSWORD, "secret").

all() -> [slixmpp, libstrophe, xmpp_client, strophejs, nbxmpp, poezio].

shapes(strophejs) -> [websocket];
shapes(poezio) -> [starttls];
shapes(_Client) -> [starttls, direct_tls].

%% The authorization identity of a client that is not told to send one, with a certificate of that
%% many xmppAddr fields: `none' (`=', or no text at all) or `jid', the client's own bare JID.
sends(libstrophe, Count) when Count > 1 -> jid;
sends(libstrophe, _) -> none;
sends(slixmpp, _) -> none;
sends(xmpp_client, _) -> none;
sends(poezio, _) -> none;
sends(strophejs, _) -> jid;
sends(nbxmpp, _) -> jid.

%% {session_start, BareJid}, {failed_auth, Condition}, no_auth (EXTERNAL is not offered) or
%% disconnected.
login(Client, Config, #{cert := Name, shape := Shape} = Options) ->
	true = lists:member(Shape, shapes(Client)),
	true = lists:member(Client, [slixmpp, xmpp_client]) orelse not is_map_key(authzid, Options),
	Files = files(Client, certjid_test_xmpp_env:client(Config, Name), Options),
	More = maps:with([port, authzid, path], Options),
	Jid = maps:get(jid, Options, <<"alice@localhost">>),
	outcome(run(Client, Config, maps:merge(More#{jid => Jid, shape => Shape}, Files))).

files(_Client, None, _Options) when None =:= #{} ->
	#{};
files(Client, Files, Options) ->
	case maps:get(p12, Options, Client =:= nbxmpp) of
		true ->
			Made = certjid_test_xmpp_env:pkcs12(Files, ?PASSWORD, pkcs12_options(Client)),
			#{p12 => Made, password => ?PASSWORD};
		false ->
			Files
	end.

%% GnuTLS is asked without the password first, and takes what comes out for an unreadable file
%% where its padding happens to be right: of the files whose certificate is encrypted, one in 200.
pkcs12_options(nbxmpp) -> ["-certpbe", "NONE"];
pkcs12_options(_Client) -> [].

outcome(#{<<"outcome">> := <<"session_start">>, <<"jid">> := Jid}) ->
	{session_start, hd(binary:split(Jid, <<"/">>))};
outcome(#{<<"outcome">> := <<"failed_auth">>, <<"condition">> := Condition}) ->
	{failed_auth, Condition};
outcome(#{<<"outcome">> := <<"no_auth">>}) ->
	no_auth;
outcome(#{<<"outcome">> := <<"disconnected">>}) ->
	disconnected.

run(libstrophe, Config, #{jid := Jid, port := Port, shape := Shape} = Options) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	certjid_test_xmpp_env:execute([
		libstrophe_program(), binary_to_list(Jid), integer_to_list(Port), atom_to_list(Shape), CaFile,
		maps:get(p12, Options, maps:get(cert, Options, "")), maps:get(key, Options, ""),
		maps:get(password, Options, "")
	]);
run(Client, Config, #{shape := Shape} = Options) ->
	certjid_test_xmpp_env:run(Config, script(Client), maps:merge(maps:remove(shape, Options), #{
		direct_tls => Shape =:= direct_tls, packages => node_packages()
	})).

script(slixmpp) -> "slixmpp_login.py";
script(poezio) -> "poezio_login.py";
script(nbxmpp) -> "nbxmpp_login.py";
script(xmpp_client) -> "xmpp_client_login.mjs";
script(strophejs) -> "strophejs_login.cjs".

%% Makes the clients ready, below target/clients. One that can't be had fails the suite.
install(Clients) ->
	ok = filelib:ensure_path(certjid_test_xmpp_env:packages()),
	lists:foreach(fun ensure/1, Clients).

%% Of an older version of the packages, nothing is kept.
ensure(slixmpp) ->
	Target = certjid_test_xmpp_env:packages(),
	Wanted = [filename:join(Target, Name) || Name <- ["slixmpp-1.17.0.dist-info", "cryptography"]],
	lists:all(fun filelib:is_dir/1, Wanted) orelse
		must("python3", [
			"-m", "pip", "install", "--quiet", "--upgrade", "--target", Target,
			"slixmpp==1.17.0", "cryptography"
		]);
ensure(poezio) ->
	must("/usr/bin/python3", ["-I", "-c", "import poezio"]);
ensure(nbxmpp) ->
	must("/usr/bin/python3", ["-I", "-c", "import nbxmpp.client"]);
ensure(libstrophe) ->
	Source = filename:join(certjid_test_cases:root(), "test/clients/libstrophe_login.c"),
	%% Another run of the tests may use the one that is there.
	New = libstrophe_program() ++ os:getpid(),
	ok = must("gcc", ["-Wall", "-Wextra", "-Werror", "-o", New, Source, "-lstrophe"]),
	file:rename(New, libstrophe_program());
ensure(Node) when Node =:= xmpp_client; Node =:= strophejs ->
	Source = filename:join(certjid_test_cases:root(), "test/clients/node"),
	Target = node_packages(),
	Installed = filename:join(Target, "installed.json"),
	{ok, Lock} = file:read_file(filename:join(Source, "package-lock.json")),
	file:read_file(Installed) =:= {ok, Lock} orelse begin
		ok = filelib:ensure_path(Target),
		_ = [
			{ok, _} = file:copy(filename:join(Source, Name), filename:join(Target, Name))
			|| Name <- ["package.json", "package-lock.json"]
		],
		must("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", Target]),
		ok = file:write_file(Installed, Lock)
	end.

must(Program, Arguments) ->
	case certjid_test_xmpp_env:command(Program, Arguments) of
		{0, _} -> ok;
		{Status, Output} -> ct:fail("~ts ~p: ~b~n~ts", [Program, Arguments, Status, Output])
	end.

libstrophe_program() ->
	filename:join(certjid_test_xmpp_env:packages(), "libstrophe_login").

node_packages() ->
	filename:join(certjid_test_xmpp_env:packages(), "node").
