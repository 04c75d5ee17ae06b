%% Debian's Prosody with mod_auth_certjid and the sidecar, on free ports of 127.0.0.1.
-module(certjid_test_prosody).

-export([init/1]).
-export([run/3]).
-export([run_in/4]).
-export([basics/1]).
-export([prosodyctl/2]).
-export([mark/1]).
-export([reasons/1]).
-export([sidecar_says/2]).

%% DNS:localhost, DNS:fed1, IP:127.0.0.1.
-define(SAN, <<16#30, 23, 16#82, 9, "localhost", 16#82, 4, "fed1", 16#87, 4, 127, 0, 0, 1>>).

%% For init_per_suite/1, after certjid_test_xmpp_env:init/1: a server certificate for both hosts.
init(Config) ->
	#{key := Key} = proplists:get_value(ca, Config),
	Der = certjid_test_config:issue(Config, #{common_name => <<"localhost">>}, #{san => ?SAN}),
	[{prosody, certjid_test_xmpp_env:write_certificate(Config, "prosody", Key, Der)} | Config].

%% Runs Fun(Env) with both. Options: those of certjid_test_xmpp_env:policy_file/2, and `lines' for
%% Prosody's virtual host localhost; or `toml', a policy instead.
run(Config, Options, Fun) ->
	certjid_test_program:folder(fun(Folder) ->
		Toml = case Options of
			#{toml := File} -> File;
			_ -> certjid_test_xmpp_env:policy_file(Config, Options)
		end,
		run_in(Folder, Toml, fun(Env) ->
			configuration(Env, proplists:get_value(prosody, Config), maps:get(lines, Options, ""))
		end, Fun)
	end).

%% The same in a folder, with Prosody's configuration from Configuration(Env). Env has `ports', of
%% the shapes of connections, and the programs `sidecar' and `prosody'. Whatever happens, Prosody
%% must not trace back.
run_in(Folder, Toml, Configuration, Fun) ->
	[StartTls, DirectTls, Https] = [certjid_test_program:free_port() || _ <- [1, 2, 3]],
	Env = #{
		folder => Folder,
		socket => filename:join(Folder, "sock"),
		toml => Toml,
		ports => #{starttls => StartTls, direct_tls => DirectTls, websocket => Https, bosh => Https}
	},
	ok = file:write_file(config_file(Env), Configuration(Env)),
	Sidecar = certjid_test_xmpp_env:start_sidecar(Env),
	try
		Prosody = certjid_test_program:start(
			"/usr/bin/prosody", ["-F", "--config", config_file(Env)],
			filename:join(Folder, "prosody.out")
		),
		try
			_ = [wait_for_port(Port) || Port <- [StartTls, DirectTls, Https]],
			Answer = Fun(Env#{sidecar => Sidecar, prosody => Prosody}),
			nomatch = re:run(prosody_log(Env), "traceback", [caseless]),
			Answer
		after
			ok = certjid_test_program:stop(Prosody),
			ct:log("~ts", [prosody_log(Env)])
		end
	after
		ok = certjid_test_program:stop(Sidecar)
	end.

wait_for_port(Port) ->
	certjid_test_program:wait_for("Prosody", fun() ->
		case gen_tcp:connect({127, 0, 0, 1}, Port, []) of
			{ok, Connection} -> gen_tcp:close(Connection);
			{error, _} -> false
		end
	end).

%% The exit status and the output.
prosodyctl(Env, Arguments) ->
	certjid_test_xmpp_env:command("prosodyctl", ["--config", config_file(Env) | Arguments]).

config_file(#{folder := Folder}) ->
	filename:join(Folder, "prosody.cfg.lua").

configuration(#{socket := Socket} = Env, #{cert := Certificate, key := Key}, Lines) ->
	[
		basics(Env),
		"plugin_paths = { \"", filename:join(certjid_test_cases:root(), "rel/prosody"), "\" }\n"
		"local tls = { certificate = \"", Certificate, "\", key = \"", Key, "\", verify = \"peer\" }\n"
		"c2s_ssl = tls\n"
		"c2s_direct_tls_ssl = tls\n"
		"https_ssl = tls\n"
		"authentication = \"certjid\"\n"
		"certjid_socket = \"", Socket, "\"\n"
		"VirtualHost \"localhost\"\n", Lines,
		"VirtualHost \"fed1\"\n"
	].

%% What has nothing to do with certjid: folders, ports and modules.
basics(#{folder := Folder, ports := Ports}) ->
	#{starttls := StartTls, direct_tls := DirectTls, websocket := Https} = Ports,
	Number = fun erlang:integer_to_list/1,
	[
		"run_as_root = true\n"
		"data_path = \"", Folder, "\"\n"
		"modules_enabled = { \"roster\", \"saslauth\", \"tls\", \"posix\", \"websocket\", \"bosh\", "
		"\"admin_shell\" }\n"
		"modules_disabled = { \"s2s\" }\n"
		"log = { info = \"", Folder, "/prosody.log\" }\n"
		"c2s_interfaces = { \"127.0.0.1\" }\n"
		"c2s_ports = { ", Number(StartTls), " }\n"
		"c2s_direct_tls_interfaces = { \"127.0.0.1\" }\n"
		"c2s_direct_tls_ports = { ", Number(DirectTls), " }\n"
		"http_ports = {}\n"
		"https_interfaces = { \"127.0.0.1\" }\n"
		"https_ports = { ", Number(Https), " }\n"
		"http_paths = { websocket = \"/ws-xmpp\", bosh = \"/http-bind\" }\n"
	].

%% For reasons/1: the end of both logs as they are now.
mark(Env) ->
	Env#{mark => {byte_size(prosody_log(Env)), byte_size(sidecar_log(Env))}}.

%% What the logs say since the mark: Prosody's reason for one login, `allowed' or a text; and the
%% sidecar's, `allowed', its code, or `not_asked'.
reasons(#{mark := {Prosody, Sidecar}} = Env) ->
	{
		certjid_test_program:wait_for("a line in Prosody's log", fun() ->
			prosody_reason(tail(prosody_log(Env), Prosody))
		end),
		sidecar_reason(Env, Sidecar, 5)
	}.

%% The sidecar's line may come after the reply.
sidecar_reason(Env, From, Times) ->
	case sidecar_reason(tail(sidecar_log(Env), From)) of
		not_asked when Times > 0 ->
			timer:sleep(40),
			sidecar_reason(Env, From, Times - 1);
		Reason ->
			Reason
	end.

%% Whether the sidecar's log has the text since the mark.
sidecar_says(#{mark := {_, Sidecar}} = Env, Text) ->
	string:find(tail(sidecar_log(Env), Sidecar), Text) =/= nomatch.

prosody_reason(Log) ->
	Patterns = [
		"certjid: EXTERNAL is not offered \\((\\w+)\\)",
		"certjid: refused with [a-z-]+ \\((\\w+)\\)",
		"certjid: refused with [a-z-]+: (.*)",
		"certjid: no decision: the sidecar at [^:]+: (.*)",
		"certjid: the sidecar refuses the question \\((\\w+)\\)"
	],
	case re:run(Log, "certjid: \\S+ may log in") of
		{match, _} ->
			allowed;
		nomatch ->
			Found = [
				Reason
				|| Pattern <- Patterns,
					{match, [Reason]} <- [re:run(Log, Pattern, [{capture, all_but_first, binary}])]
			],
			case Found of
				[Reason | _] -> Reason;
				[] -> false
			end
	end.

sidecar_reason(Log) ->
	case re:run(Log, " login .* allowed=(?:(true)|false .*reason=\"(\\w+)\")", [{capture, all_but_first, binary}]) of
		{match, [<<"true">>]} -> allowed;
		{match, [<<>>, Reason]} -> Reason;
		nomatch -> not_asked
	end.

tail(Log, From) ->
	binary:part(Log, From, byte_size(Log) - From).

prosody_log(#{folder := Folder}) -> log(Folder, "prosody.log").

sidecar_log(#{folder := Folder}) -> log(Folder, "sidecar.log").

log(Folder, Name) ->
	{ok, Text} = file:read_file(filename:join(Folder, Name)),
	Text.
