%% What docs/quick-start.md, docs/prosody.md and docs/protocol.md tell to run and to write: run and
%% written as it stands there. What is replaced is said at each case.
-module(prosody_docs_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([quick_start/1]).
-export([prosody/1]).
-export([protocol_clients/1]).

all() ->
	[quick_start, prosody, protocol_clients].

init_per_suite(Config) ->
	prosody_SUITE:init_per_suite(Config).

end_per_suite(_Config) ->
	ok.

%% The fenced blocks of a page in a language, without their indentation.
blocks(Page, Language) ->
	{ok, Text} = file:read_file(filename:join([certjid_test_cases:root(), "docs", Page])),
	Pattern = ["^( *)```", Language, "\n(.*?)^ *```$"],
	{match, Found} = re:run(Text, Pattern, [global, multiline, dotall, {capture, all_but_first, binary}]),
	[
		re:replace(Block, ["^", Indentation], "", [global, multiline, {return, binary}])
		|| [Indentation, Block] <- Found
	].

replace(Text, Replacements) ->
	lists:foldl(fun({From, To}, Acc) ->
		binary:replace(Acc, list_to_binary(From), unicode:characters_to_binary(To), [global])
	end, iolist_to_binary(Text), Replacements).

%% The page's commands in one shell, with an own home. Replaced: the packages are asked for
%% instead of installed; cargo builds without optimization, as the tests do, into that home; the
%% port is a free one. Between the commands the shell waits for what a person would see.
quick_start(_Config) ->
	[Packages, Install, Copy, DevCert, Sidecar, Prosody, Login, Check] = blocks("quick-start.md", "sh"),
	Port = integer_to_list(certjid_test_program:free_port()),
	Debug = {"cargo install ", "cargo install --quiet --debug --root \"$HOME/.cargo\" "},
	certjid_test_program:folder(fun(Home) ->
		Script = [
			"set -e\nexport CARGO_HOME=\"${CARGO_HOME:-$HOME/.cargo}\" RUSTUP_HOME=\"${RUSTUP_HOME:-$HOME/.rustup}\"\n",
			"HOME=", Home, " PATH=", Home, "/.cargo/bin:$PATH\n"
			"trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n"
			"wait_for() { for _ in $(seq 400); do if \"$@\" 2>/dev/null; then return; fi; sleep 0.05; done; exit 9; }\n"
			"port_is_open() { (: </dev/tcp/127.0.0.1/", Port, "); }\n",
			replace(Packages, [{"sudo apt-get install -y", "dpkg-query -W"}]),
			replace(Install, [Debug]),
			Copy,
			"sed -i s/15222/", Port, "/ prosody.cfg.lua\n",
			DevCert,
			Sidecar,
			"wait_for test -S certjid.sock\n",
			Prosody,
			"wait_for port_is_open\n",
			replace(Login, [{"15222", Port}]),
			Check
		],
		File = filename:join(Home, "script"),
		ok = file:write_file(File, Script),
		%% In the clone, as the page says.
		Command = "cd \"$0\" && exec timeout 1200 bash \"$1\"",
		{Status, Output} = certjid_test_xmpp_env:command(
			"env", ["-u", "PYTHONPATH", "bash", "-c", Command, certjid_test_cases:root(), File]
		),
		ct:log("~ts", [Output]),
		[] = [
			{Wanted, Output}
			|| Wanted <- [
					"logged in as alice@localhost/",
					"allowed=true jid=\"alice@localhost\"",
					"REFUSED with invalid-authzid"
				],
				string:find(Output, Wanted) =:= nomatch
		],
		{ok, Log} = file:read_file(filename:join(Home, "certjid-try/prosody.log")),
		true = string:find(Log, "certjid: alice@localhost may log in (certjid_verification, xmppAddr") =/= nomatch,
		%% The last command is refused.
		1 = Status
	end).

%% The policy and Prosody's settings as the page writes them, and its commands. Replaced: the
%% folders, the domain, and there are lines for ports. The certificate is found where Prosody
%% looks for it, not named.
prosody(Config) ->
	[Policy, HostConfig] = blocks("prosody.md", "toml"),
	[PluginPaths, Tls, Host] = blocks("prosody.md", "lua"),
	[CheckConfig, Package, Install, Inspect] = blocks("prosody.md", "sh"),
	%% Those are tried with the package (test/package.sh), as docs/install.md has them for MongooseIM.
	Tried = [
		replace(Line, [{"certjid mongooseim", "certjid prosody"}])
		|| Block <- blocks("install.md", "sh"), Line <- binary:split(Block, <<"\n">>, [global, trim])
	],
	[] = binary:split(Package, <<"\n">>, [global, trim]) -- Tried,
	certjid_test_program:folder(fun(Folder) ->
		Replacements = [
			{"/etc/certjid", Folder}, {"/run/certjid/certjid.sock", Folder ++ "/sock"},
			{"/usr/local/lib/prosody", Folder ++ "/modules"}, {"example.org", "localhost"},
			{"users-ca.pem", "ca.pem"}, {" alice.pem", [" ", Folder, "/alice.pem"]}
		],
		Write = fun(Name, Text) ->
			ok = filelib:ensure_dir(filename:join(Folder, Name)),
			ok = file:write_file(filename:join(Folder, Name), replace(Text, Replacements))
		end,
		Sh = fun(Script) ->
			Path = filename:dirname(certjid_test_program:certjid()),
			Lines = ["set -e; PATH=", Path, ":$PATH\n", Script],
			{0, Output} = certjid_test_xmpp_env:command(
				"sh", ["-c", replace(["cd ", certjid_test_cases:root(), "\n", Lines], Replacements)]
			),
			Output
		end,
		_ = Sh(["certjid dev-cert --dir ", Folder, " --server localhost alice@localhost"]),
		_ = Sh(["mkdir ", Folder, "/certs; cp ", Folder, "/server.pem ", Folder, "/certs/localhost.crt; cp ",
			Folder, "/server.key ", Folder, "/certs/localhost.key"]),
		Write("mongooseim.toml", [Policy, HostConfig]),
		{match, _} = re:run(Sh(CheckConfig), "no faults"),
		_ = Sh(Install),
		Page = [PluginPaths, Tls, "VirtualHost \"localhost\"\n", Host],
		Files = #{cert => filename:join(Folder, "alice.pem"), key => filename:join(Folder, "alice.key")},
		Clients = #{good => Files, none => #{}},
		Ca = #{file => filename:join(Folder, "ca.pem")},
		Config1 = [{clients, Clients}, {ca, Ca} | Config],
		Configuration = fun(Env) -> [certjid_test_prosody:basics(Env), replace(Page, Replacements)] end,
		certjid_test_prosody:run_in(Folder, filename:join(Folder, "mongooseim.toml"), Configuration, fun(Env) ->
			[
				{{session_start, <<"alice@localhost">>}, allowed, allowed} =
					prosody_SUITE:login(raw, Config1, Env, #{cert => good, shape => Shape})
				|| Shape <- [starttls, direct_tls, websocket, bosh]
			],
			{disconnected, <<"no_peer_cert">>, not_asked} =
				prosody_SUITE:login(raw, Config1, Env, #{cert => none, shape => websocket})
		end),
		Shown = Sh(Inspect),
		{match, _} = re:run(Shown, "ALLOWED")
	end).

%% Both clients of the page against the real sidecar.
protocol_clients(Config) ->
	[Python] = blocks("protocol.md", "python"),
	[Lua] = blocks("protocol.md", "lua"),
	Toml = certjid_test_xmpp_env:policy_file(Config, #{}),
	certjid_test_program:folder(fun(Folder) ->
		Socket = filename:join(Folder, "sock"),
		Sidecar = certjid_test_xmpp_env:start_sidecar(#{folder => Folder, socket => Socket, toml => Toml}),
		try
			[
				begin
					File = filename:join(Folder, "client"),
					ok = file:write_file(File, Text),
					Ask = fun(Name, Host) ->
						#{cert := Cert} = certjid_test_xmpp_env:client(Config, Name),
						{Status, Output} =
							certjid_test_xmpp_env:command(Program, [File, Socket, Host, Cert]),
						{Status, hd(string:lexemes(Output, "\n"))}
					end,
					{0, <<"allowed: alice@localhost">>} = Ask(good, "localhost"),
					{1, <<"refused: not-authorized certificate 0 ", _/binary>>} = Ask(bad, "localhost"),
					{1, <<"refused: not-authorized ", _/binary>>} = Ask(good, "elsewhere"),
					{1, <<"refused: invalid-authzid ", _/binary>>} = Ask(several, "localhost"),
					%% "Twenty lines", as the page says.
					Lines = binary:split(Text, <<"\n">>, [global, trim_all]),
					true = length(Lines) =< 20
				end
				|| {Program, Text} <- [{"python3", Python}, {"lua5.4", Lua}]
			]
		after
			ok = certjid_test_program:stop(Sidecar)
		end
	end).
