%% What logins on certjid_test_xmpp need: certificates as files, policies, the sidecar, and how the
%% programs of test/clients are run. The clients among them are certjid_test_clients'.
-module(certjid_test_xmpp_env).

-export([init/1]).
-export([deciders/1]).
-export([decider/2]).
-export([command/2]).
-export([openssl/1]).
-export([client/2]).
-export([write_certificate/4]).
-export([policy_file/2]).
-export([tls/2]).
-export([start_sidecar/1]).
-export([with_sidecar/2]).
-export([with_decider/3]).
-export([with_sidecar/3]).
-export([serve/4]).
-export([run/3]).
-export([execute/1]).
-export([pkcs12/2]).
-export([pkcs12/3]).
-export([packages/0]).

-define(ALICE, #{common_name => <<"alice">>, xmpp_addrs => [<<"alice@localhost">>]}).

%% DNS:localhost, IP:127.0.0.1.
-define(SERVER_SAN, <<16#30, 17, 16#82, 9, "localhost", 16#87, 4, 127, 0, 0, 1>>).

-define(REVOKED, 1000).

%% For init_per_suite/1: adds `server', files for ssl; `clients', a map of certificate files for
%% the scripts; and `crl_file', the CRL that revokes one of these.
init(Config0) ->
	{ok, _} = application:ensure_all_started(ssl),
	Config = certjid_test_config:init(Config0),
	#{key := Key, issuer := Ca} = proplists:get_value(ca, Config),
	Issue = fun(Names, Options) -> certjid_test_config:issue(Config, Names, Options) end,
	Server = Issue(#{common_name => <<"localhost">>}, #{san => ?SERVER_SAN}),
	#{cert := CertFile, key := KeyFile} = write_certificate(Config, "server", Key, Server),
	EvilName = certjid_test_cert:subject(#{common_name => <<"Evil Root">>}),
	EvilCa = {EvilName, certjid_test_cert:key()},
	Several = [<<"alice@localhost">>, <<"bob@localhost">>],
	Clients = #{
		good => Issue(?ALICE, #{}),
		several => Issue(#{common_name => <<"alice">>, xmpp_addrs => Several}, #{}),
		cn_only => Issue(#{common_name => <<"alice">>}, #{}),
		expired => Issue(?ALICE, #{not_after => "20250601000000Z"}),
		revoked => Issue(?ALICE, #{serial => ?REVOKED}),
		bad => certjid_test_cert:make(Key, ?ALICE, #{issuer => EvilCa}),
		self_signed => certjid_test_cert:self_signed(Key, ?ALICE)
	},
	Files = maps:map(fun(Name, Der) ->
		write_certificate(Config, atom_to_list(Name), Key, Der)
	end, Clients),
	CrlFile = filename:join(proplists:get_value(files, Config), "crl.pem"),
	Crl = {'CertificateList', certjid_test_cert:crl(Ca, [?REVOKED]), not_encrypted},
	ok = file:write_file(CrlFile, public_key:pem_encode([Crl])),
	[
		{crl_file, CrlFile},
		{server, #{certfile => CertFile, keyfile => KeyFile}},
		{clients, Files#{none => #{}}}
		| Config
	].

%% For groups/0: the group `deciders', which has the cases with certjid in the node (`nif') and
%% beside it (`sidecar'). Its logins are mostly waiting, and so all are made side by side.
deciders(Cases) ->
	[
		{deciders, [parallel], [{group, nif}, {group, sidecar}]},
		{nif, [parallel], Cases},
		{sidecar, [parallel], Cases}
	].

%% For init_per_group/2: each of the two has files of its own.
decider(deciders, Config) ->
	Config;
decider(Decider, Config) ->
	Dir = filename:join(proplists:get_value(files, Config), Decider),
	ok = filelib:ensure_path(Dir),
	[{decider, Decider}, {files, Dir} | Config].

%% The files of one of the `clients'.
client(Config, Name) ->
	maps:get(Name, proplists:get_value(clients, Config)).

%% The files of a certificate, for the scripts.
write_certificate(Config, Name, Key, Der) ->
	File = filename:join(proplists:get_value(files, Config), Name),
	Pem = public_key:pem_encode([public_key:pem_entry_encode('ECPrivateKey', Key)]),
	ok = file:write_file(File ++ ".key", Pem),
	ok = file:write_file(File ++ ".crt", certjid_test_cert:pem([Der])),
	#{cert => File ++ ".crt", key => File ++ ".key"}.

%% A new file with a certificate and its key in PKCS#12.
pkcs12(Files, Password) ->
	pkcs12(Files, Password, []).

%% The same, with more options for openssl.
pkcs12(#{cert := Cert, key := Key}, Password, Options) ->
	Number = integer_to_list(erlang:unique_integer([positive])),
	File = filename:rootname(Cert) ++ Number ++ ".p12",
	_ = openssl([
		"pkcs12", "-export", "-in", Cert, "-inkey", Key, "-out", File, "-passout", "pass:" ++ Password
		| Options
	]),
	File.

openssl(Arguments) ->
	{0, Output} = command("openssl", Arguments),
	Output.

%% A mongooseim.toml that trusts the test CA and has its CRL. Options: `verify_mode' and
%% `disconnect_on_failure', and those of certjid_test_config:write/3.
policy_file(Config, Options) ->
	Dir = proplists:get_value(files, Config),
	#{file := CaFile} = proplists:get_value(ca, Config),
	Mode = atom_to_list(maps:get(verify_mode, Options, peer)),
	Name = "policy" ++ integer_to_list(erlang:unique_integer([positive])) ++ ".toml",
	Toml = certjid_test_config:write(Dir, Name, Options#{
		verify_mode => Mode, cacertfile => CaFile
	}),
	{ok, Text} = file:read_file(Toml),
	Disconnect = atom_to_binary(maps:get(disconnect_on_failure, Options, true)),
	Key = <<"  tls.verify_mode">>,
	Crl = unicode:characters_to_binary(proplists:get_value(crl_file, Config)),
	Lines = <<
		"  tls.disconnect_on_failure = ", Disconnect/binary, "\n",
		"  tls.crl_files = [\"", Crl/binary, "\"]\n", Key/binary
	>>,
	ok = file:write_file(Toml, binary:replace(Text, Key, Lines, [global])),
	Toml.

%% The same, for certjid_test_xmpp.
tls(Config, Options) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	maps:merge(
		(proplists:get_value(server, Config))#{cacertfile => CaFile},
		maps:with([verify_mode, disconnect_on_failure, session_tickets], Options)
	).

%% Runs certjid_test_xmpp for as long as Fun(Server) takes, with the `decider' of Config, nif or
%% sidecar. Options: those of policy_file/2 and tls/2, and `plain'.
serve(Config, Shape, Options, Fun) ->
	Toml = policy_file(Config, Options),
	with_decider(Config, Toml, fun(Decider) ->
		Server = certjid_test_xmpp:start((maps:with([plain], Options))#{
			shape => Shape, tls => tls(Config, Options), decider => Decider
		}),
		Answer = Fun(Server),
		ok = certjid_test_xmpp:stop(Server),
		Answer
	end).

%% Runs the sidecar with a policy, for as long as Fun(Client) takes.
with_sidecar(Toml, Fun) ->
	with_sidecar(Toml, [], Fun).

with_sidecar(Toml, Arguments, Fun) ->
	certjid_test_program:folder(fun(Folder) ->
		Socket = filename:join(Folder, "sock"),
		Sidecar = start_sidecar(#{folder => Folder, socket => Socket, toml => Toml}, Arguments),
		{ok, Client} = certjid_sidecar:start_link(#{socket => Socket}),
		try
			Fun(Client)
		after
			ok = gen_server:stop(Client),
			ok = certjid_test_program:stop(Sidecar)
		end
	end).

%% Starts the sidecar, with its log in sidecar.log of the folder; answers when it serves.
start_sidecar(Options) ->
	start_sidecar(Options, []).

start_sidecar(#{folder := Folder, socket := Socket, toml := Toml}, Arguments) ->
	Sidecar = certjid_test_program:start(
		certjid_test_program:certjid(),
		["serve", "--config", Toml, "--socket", Socket | Arguments],
		filename:join(Folder, "sidecar.log")
	),
	_ = certjid_test_program:wait_for("the sidecar", fun() ->
		case gen_tcp:connect({local, Socket}, 0, []) of
			{ok, Connection} -> gen_tcp:close(Connection);
			{error, _} -> false
		end
	end),
	Sidecar.

%% Runs Fun with the `decider' of certjid_test_xmpp that the group's Config names.
with_decider(Config, Toml, Fun) ->
	case proplists:get_value(decider, Config) of
		nif ->
			{ok, Policy} = certjid:load(Toml),
			Fun({nif, Policy});
		sidecar ->
			with_sidecar(Toml, fun(Client) -> Fun({sidecar, Client}) end)
	end.

%% Runs a script of test/clients, with an object of text, numbers and booleans, and decodes the
%% last line of its output; before come the log lines of its libraries. A script that fails, or
%% takes 90 seconds, fails the case.
run(Config, Script, Options) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	Object = json(Options#{ca => CaFile}),
	File = filename:join([certjid_test_cases:root(), "test/clients", Script]),
	execute(interpreter(Script) ++ [File, Object]).

%% Debian's packages are for Debian's Python alone.
interpreter("nbxmpp" ++ _) -> ["/usr/bin/python3", "-I"];
interpreter(Script) ->
	case filename:extension(Script) of
		".py" -> ["python3"];
		_ -> ["node"]
	end.

%% The same for any program and its arguments. Cases may do so side by side: the time counts from
%% when it is their turn.
execute(Command) ->
	Run = fun() -> command("timeout", ["90" | Command]) end,
	case certjid_test_turns:take(Run) of
		{0, Output} ->
			certjid_test_json:decode(lists:last(string:lexemes(Output, "\n")));
		{Status, Output} ->
			ct:fail("~p: ~b~n~ts", [Command, Status, Output])
	end.

json(Object) ->
	Member = fun({Key, Value}) -> ["\"", atom_to_list(Key), "\": ", json_value(Value)] end,
	Members = lists:join(", ", [Member(M) || M <- maps:to_list(Object)]),
	unicode:characters_to_list(["{", Members, "}"]).

json_value(Value) when is_integer(Value) -> integer_to_list(Value);
json_value(Value) when is_atom(Value) -> atom_to_list(Value);
json_value(Text) -> ["\"", Text, "\""].

%% The exit status and the output.
command(Program, Arguments) ->
	Port = open_port({spawn_executable, executable(Program)}, [
		{args, Arguments}, {env, [{"PYTHONPATH", packages()}]},
		binary, exit_status, stderr_to_stdout
	]),
	output(Port, <<>>).

executable(Program) ->
	case os:find_executable(Program) of
		false -> ct:fail("there is no ~ts", [Program]);
		File -> File
	end.

output(Port, Output) ->
	receive
		{Port, {data, Data}} -> output(Port, <<Output/binary, Data/binary>>);
		{Port, {exit_status, Status}} -> {Status, Output}
	end.

%% Where the clients are installed; Python looks for modules there.
packages() ->
	filename:join(certjid_test_cases:root(), "target/clients").
