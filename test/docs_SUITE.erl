%% Each block of docs/erlang.md, as it stands there. Replaced: names of files, the domain, the
%% address of the repository; at each case is said how a block is run.
-module(docs_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([dependency/1]).
-export([library_elsewhere/1]).
-export([node/1]).
-export([mongooseim/1]).
-export([sidecar/1]).
-export([tests/1]).

all() ->
	[dependency, library_elsewhere, node, mongooseim, sidecar, tests].

init_per_suite(Config0) ->
	Config = certjid_test_config:files(Config0),
	Folder = proplists:get_value(files, Config),
	Make = ["dev-cert", "--dir", Folder, "--server", "localhost", "alice@localhost"],
	{0, _} = certjid_test_xmpp_env:command(certjid_test_program:certjid(), Make),
	_ = certjid_test_config:write(Folder, "mongooseim.toml", #{
		cacertfile => filename:join(Folder, "ca.pem"),
		server => #{
			certfile => filename:join(Folder, "server.pem"),
			keyfile => filename:join(Folder, "server.key")
		}
	}),
	{ok, _} = application:ensure_all_started(ssl),
	Config.

end_per_suite(_Config) ->
	ok.

%% The blocks of a language, in the page's order.
blocks(Language) ->
	blocks("docs/erlang.md", Language).

blocks(Page, Language) ->
	{ok, Text} = file:read_file(filename:join(certjid_test_cases:root(), Page)),
	{match, Found} = re:run(Text, ["(?s)```", Language, "\n(.*?)```"], [
		global, {capture, all_but_first, binary}
	]),
	[Block || [Block] <- Found].

%% The page's block with the files of the test's own folder.
adapted(Block, Config) ->
	Files = ["mongooseim.toml", "server.pem", "server.key", "ca.pem"],
	Folder = proplists:get_value(files, Config),
	replace(Block, [
		{"client.crt", "alice.pem"}, {"example.org", "localhost"}, {"alice.pem", Folder ++ "/alice.pem"}
		| [{"\"" ++ File, "\"" ++ filename:join(Folder, File)} || File <- Files]
	]).

replace(Text, Replacements) ->
	lists:foldl(fun({From, To}, Acc) ->
		unicode:characters_to_list(string:replace(Acc, From, To, all))
	end, unicode:characters_to_list(Text), Replacements).

%% The values of the expressions of a block, and all bindings after them.
evaluate(Text, Bindings) ->
	{ok, Tokens, _} = erl_scan:string(Text),
	{ok, Expressions} = erl_parse:parse_exprs(Tokens),
	lists:mapfoldl(fun(Expression, Known) ->
		{value, Value, New} = erl_eval:expr(Expression, Known),
		{Value, New}
	end, Bindings, Expressions).

bound(Name, Bindings) ->
	{value, Value} = erl_eval:binding(Name, Bindings),
	Value.

alice(Config) ->
	{ok, Pem} = file:read_file(filename:join(proplists:get_value(files, Config), "alice.pem")),
	[{'Certificate', Der, _} | _] = public_key:pem_decode(Pem),
	#{listener => c2s, host => <<"localhost">>, chain => [Der]}.

%% rebar.config of a project. The repository is one with what rebar3 needs of this one; instead of
%% building the library it copies the one that the suites load.
dependency(Config) ->
	[Block | _] = blocks("erlang"),
	Folder = filename:join(proplists:get_value(files, Config), "project"),
	Sh = fun(Lines) ->
		Script = ["set -e; folder=", Folder, "; root=", certjid_test_cases:root(), "\n" | Lines],
		{0, Output} = certjid_test_xmpp_env:command("sh", ["-c", lists:flatten(Script)]),
		Output
	end,
	_ = Sh([
		"mkdir -p $folder/certjid.git/rel $folder/src; cd $folder/certjid.git\n"
		"cp -r $root/erlang $root/rebar.config .\n"
		"printf 'mkdir -p priv; cp %s/priv/certjid_nif.so priv/\\n' $root >rel/build-nif.sh\n"
		"git init -q -b main .; git add .\n"
		"git -c user.name=test -c user.email=test@localhost commit -qm certjid\n"
	]),
	Url = {"https://example.org/certjid.git", "file://" ++ Folder ++ "/certjid.git"},
	ok = file:write_file(filename:join(Folder, "rebar.config"), replace(Block, [Url])),
	ok = file:write_file(filename:join(Folder, "src/project.app.src"),
		"{application, project, [{vsn, \"1\"}, {applications, [kernel, stdlib, certjid]}]}.\n"),
	Output = Sh([
		"cd $folder; rebar3 compile >compile.log 2>&1 || { cat compile.log; exit 1; }\n"
		"ERL_LIBS=_build/default/lib erl -noshell -eval '"
		"{ok, _} = application:ensure_all_started(project), "
		"{error, [_]} = certjid:load(\"none.toml\"), io:format(\"loaded\"), halt().'\n"
	]),
	<<"loaded">> = Output.

%% CERTJID_SKIP_NIF without the library: nothing is built, and the build says what is missing.
library_elsewhere(Config) ->
	Folder = filename:join(proplists:get_value(files, Config), "elsewhere"),
	Build = fun() ->
		certjid_test_xmpp_env:command("sh", ["-c", "CERTJID_SKIP_NIF=1 sh \"$0\"/rel/build-nif.sh", Folder])
	end,
	Script = filename:join(Folder, "rel/build-nif.sh"),
	ok = filelib:ensure_dir(Script),
	{ok, _} = file:copy(filename:join(certjid_test_cases:root(), "rel/build-nif.sh"), Script),
	{1, Output} = Build(),
	{match, _} = re:run(Output, "elsewhere/priv/certjid_nif.so is missing"),
	Library = filename:join(Folder, "priv/certjid_nif.so"),
	ok = filelib:ensure_dir(Library),
	ok = file:write_file(Library, ""),
	{0, <<>>} = Build().

%% The policy, the chain of a real TLS connection, the decision, and a certificate's names.
node(Config) ->
	[_, Load, Decide, Chain, Options, Read | _] =
		[adapted(Block, Config) || Block <- blocks("erlang")],
	{[{ok, _}], Loaded} = evaluate(Load, erl_eval:new_bindings()),
	Bindings = erl_eval:add_binding('Host', <<"localhost">>, Loaded),
	{ok, Listen} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, binary, {active, false}]),
	{ok, Port} = inet:port(Listen),
	Folder = proplists:get_value(files, Config),
	Client = spawn_link(fun() ->
		{ok, Socket} = ssl:connect({127, 0, 0, 1}, Port, [
			{certfile, Folder ++ "/alice.pem"}, {keyfile, Folder ++ "/alice.key"}, {verify, verify_none}
		]),
		receive stop -> ssl:close(Socket) end
	end),
	{ok, TcpSocket} = gen_tcp:accept(Listen),
	{[_, {ok, #{jid := <<"alice@localhost">>}}], Connected} =
		evaluate(Chain, erl_eval:add_binding('TcpSocket', TcpSocket, Bindings)),
	#{chain := [_] = Certificates, verified := true} = bound('Peer', Connected),
	Asked = lists:foldl(fun({Name, Value}, Known) -> erl_eval:add_binding(Name, Value, Known) end,
		Bindings, [{'Text', <<"=">>}, {'Chain', Certificates}]),
	{[{ok, #{jid := <<"alice@localhost">>}}], _} = evaluate(Decide, Asked),
	{[[_ | _]], _} = evaluate(Options, erl_eval:new_bindings()),
	Client ! stop,
	ok = gen_tcp:close(Listen),
	%% As typed into a shell: without its prompts.
	Typed = re:replace(Read, "^[0-9]+> ", "", [global, multiline, {return, list}]),
	Lines = string:lexemes(Typed, "\n"),
	{_, Shown} = lists:mapfoldl(fun(Line, Known) -> evaluate(Line, Known) end, erl_eval:new_bindings(), Lines),
	[<<"alice@localhost">>] = bound('Addresses', Shown).

%% The page's section [auth] lets in who always sends the JID, which the default does not.
mongooseim(Config) ->
	[Auth] = blocks("docs/mongooseim.md", "toml"),
	Folder = proplists:get_value(files, Config),
	Request = (alice(Config))#{authzid => <<"alice@localhost">>},
	Default = filename:join(Folder, "mongooseim.toml"),
	{ok, Standard} = certjid:load(Default),
	{error, #{reason := <<"authzid_equals_only_xmpp_addr">>}} = certjid:decide(Standard, Request),
	{ok, Text} = file:read_file(Default),
	[Others, _] = binary:split(Text, <<"[auth]\n">>),
	File = filename:join(Folder, "page.toml"),
	ok = file:write_file(File, [Others, Auth, "  [auth.pki]\n"]),
	{ok, Policy} = certjid:load(File),
	{ok, #{jid := <<"alice@localhost">>}} = certjid:decide(Policy, Request).

%% The supervisor's function in a module, and the calls by the name that it gives the client.
sidecar(Config) ->
	[Supervisor, Calls] = lists:nthtail(6, [adapted(Block, Config) || Block <- blocks("erlang")]),
	certjid_test_program:folder(fun(Folder) ->
		Socket = filename:join(Folder, "sock"),
		load_supervisor(Folder, replace(Supervisor, [{"/run/certjid/certjid.sock", Socket}])),
		Sidecar = certjid_test_xmpp_env:start_sidecar(#{
			folder => Folder, socket => Socket,
			toml => filename:join(proplists:get_value(files, Config), "mongooseim.toml")
		}),
		try
			{ok, Pid} = supervisor:start_link(page_supervisor, []),
			Bindings = erl_eval:add_binding('Request', alice(Config), erl_eval:new_bindings()),
			Evaluate = fun() ->
				{Answers, _} = evaluate(Calls, Bindings),
				Answers
			end,
			[Allowed, Allowed, [<<"EXTERNAL">>], {ok, #{allowed := 2}}] = Evaluate(),
			{ok, #{jid := <<"alice@localhost">>}} = Allowed,
			ok = certjid_test_program:stop(Sidecar),
			[Away, Away, [], Away] = Evaluate(),
			{error, unavailable} = Away,
			ok = gen_server:stop(Pid)
		after
			ok = certjid_test_program:stop(Sidecar)
		end
	end).

load_supervisor(Folder, Function) ->
	Source = filename:join(Folder, "page_supervisor.erl"),
	ok = file:write_file(Source, ["-module(page_supervisor).\n-export([init/1]).\n", Function]),
	{ok, page_supervisor, Beam} = compile:file(Source, [binary, report, warnings_as_errors]),
	{module, page_supervisor} = code:load_binary(page_supervisor, Source, Beam),
	ok.

%% The page's commands are there: the target, and the suite that it names.
tests(_Config) ->
	[Block] = blocks("sh"),
	Root = certjid_test_cases:root(),
	["make test", "rebar3 ct --suite " ++ Suite] = string:lexemes(binary_to_list(Block), "\n"),
	true = filelib:is_regular(filename:join(Root, Suite ++ ".erl")),
	{0, _} = certjid_test_xmpp_env:command("make", ["-C", Root, "--dry-run", "test"]).
