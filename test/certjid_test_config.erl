%% What suites begin with: a folder for their files, a CA, certificates that it issues, and a
%% mongooseim.toml.
-module(certjid_test_config).

-export([init/1]).
-export([files/1]).
-export([issue/2]).
-export([issue/3]).
-export([policy/2]).
-export([write/3]).

%% For init_per_suite/1: adds `files', a folder, and `ca'.
init(Config0) ->
	Config = files(Config0),
	[{ca, ca(proplists:get_value(files, Config))} | Config].

%% Suites share one priv_dir and the node, whose ssl keeps files in memory by their name: no name
%% comes twice. None is removed before the node ends either: when ssl:clear_pem_cache/0 is called
%% while a connection has a CA file that is gone, ssl_manager of OTP 25 exits.
files(Config) ->
	Number = integer_to_list(erlang:unique_integer([positive])),
	Files = filename:join(proplists:get_value(priv_dir, Config), Number),
	ok = file:make_dir(Files),
	[{files, Files} | Config].

%% A certificate that the test CA issues (see certjid_test_cert:make/3).
issue(Config, Names) ->
	issue(Config, Names, #{}).

issue(Config, Names, Options) ->
	#{issuer := Issuer, key := Key} = proplists:get_value(ca, Config),
	certjid_test_cert:make(Key, Names, Options#{issuer => Issuer}).

%% A policy that trusts the test CA.
policy(Config, Options) ->
	#{file := CaFile} = proplists:get_value(ca, Config),
	Dir = proplists:get_value(files, Config),
	{ok, Policy} = certjid:load(write(Dir, "mongooseim.toml", Options#{cacertfile => CaFile})),
	Policy.

%% Options: `hosts' and `host_types'; `verify_mode' and `cacertfile' of the c2s and the http
%% listener; `server', a map of its certfile and keyfile; `sasl_external'; and `more' text.
write(Dir, Name, #{cacertfile := CaFile} = Options) ->
	Tls = [
		"  tls.verify_mode = \"", maps:get(verify_mode, Options, "peer"), "\"\n"
		"  tls.cacertfile = \"", CaFile, "\"\n"
		| [
			["  tls.certfile = \"", CertFile, "\"\n  tls.keyfile = \"", KeyFile, "\"\n"]
			|| #{server := #{certfile := CertFile, keyfile := KeyFile}} <- [Options]
		]
	],
	Hosts = quote(hosts, Options, ["localhost", "fed1"]),
	Kinds = quote(sasl_external, Options, ["standard"]),
	File = filename:join(Dir, Name),
	ok = file:write_file(File, [
		"[general]\n"
		"  default_server_domain = ", hd(Hosts), "\n"
		"  hosts = [", lists:join(", ", Hosts), "]\n"
		"  host_types = [", lists:join(", ", quote(host_types, Options, [])), "]\n\n"
		"[[listen.c2s]]\n"
		"  port = 5222\n",
		Tls,
		"\n[[listen.http]]\n"
		"  port = 5285\n",
		Tls,
		"\n  [[listen.http.handlers.mongoose_websocket_handler]]\n"
		"    host = \"_\"\n"
		"    path = \"/ws-xmpp\"\n"
		"\n[auth]\n"
		"  methods = [\"pki\"]\n"
		"  sasl_mechanisms = [\"external\"]\n"
		"  sasl_external = [", lists:join(", ", Kinds), "]\n",
		"  [auth.pki]\n\n",
		maps:get(more, Options, "")
	]),
	File.

quote(Key, Options, Default) ->
	[["\"", Text, "\""] || Text <- maps:get(Key, Options, Default)].

%% A root CA, its file, and a key for the certificates that it issues.
ca(Dir) ->
	Names = #{common_name => <<"Test Root">>},
	Key = certjid_test_cert:key(),
	Issuer = {certjid_test_cert:subject(Names), Key},
	Der = certjid_test_cert:make(Key, Names, #{issuer => Issuer, ca => true}),
	File = filename:join(Dir, "ca.pem"),
	ok = file:write_file(File, certjid_test_cert:pem([Der])),
	#{issuer => Issuer, file => File, key => certjid_test_cert:key()}.
