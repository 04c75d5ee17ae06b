%% docs/examples/tls_server.erl, as it stands there, with real clients.
-module(example_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([logins/1]).
-export([is_short/1]).

-define(ALICE, {session_start, <<"alice@localhost">>}).

all() ->
	[logins, is_short].

init_per_suite(Config0) ->
	ok = certjid_test_clients:install([slixmpp, libstrophe, xmpp_client]),
	Config = certjid_test_xmpp_env:init(Config0),
	{ok, tls_server, Beam} = compile:file(source(), [binary, report, warnings_as_errors]),
	{module, tls_server} = code:load_binary(tls_server, source(), Beam),
	Config.

end_per_suite(_Config) ->
	true = code:delete(tls_server),
	_ = code:purge(tls_server),
	ok.

source() ->
	filename:join(certjid_test_cases:root(), "docs/examples/tls_server.erl").

logins(Config) ->
	{ok, Pid, Port} = tls_server:start(policy_file(Config), 0),
	Monitor = monitor(process, Pid),
	Login = fun({Client, Options}) ->
		certjid_test_clients:login(Client, Config, Options#{shape => direct_tls, port => Port})
	end,
	try
		[
			{Try, Expected} = {Try, Login(Try)}
			|| {Try, Expected} <- [
				{{slixmpp, #{cert => good}}, ?ALICE},
				{{libstrophe, #{cert => good}}, ?ALICE},
				{{xmpp_client, #{cert => good}}, ?ALICE},
				{{slixmpp, #{cert => several}}, {failed_auth, <<"invalid-authzid">>}},
				{{libstrophe, #{cert => several}}, ?ALICE},
				{{slixmpp, #{cert => several, authzid => "bob@localhost"}},
					{session_start, <<"bob@localhost">>}},
				{{slixmpp, #{cert => cn_only}}, {failed_auth, <<"not-authorized">>}},
				{{slixmpp, #{cert => bad}}, no_auth},
				{{slixmpp, #{cert => expired}}, no_auth},
				{{slixmpp, #{cert => revoked}}, no_auth},
				{{slixmpp, #{cert => self_signed}}, no_auth},
				{{slixmpp, #{cert => none}}, no_auth}
			]
		]
	after
		exit(Pid, kill),
		receive {'DOWN', Monitor, process, Pid, _} -> ok end
	end.

%% With the server's own certificate, which certjid_test_xmpp has from elsewhere.
policy_file(Config) ->
	#{certfile := Certificate, keyfile := Key} = proplists:get_value(server, Config),
	Toml = certjid_test_xmpp_env:policy_file(Config, #{disconnect_on_failure => false}),
	{ok, Text} = file:read_file(Toml),
	Mode = <<"  tls.verify_mode">>,
	Lines = iolist_to_binary([
		"  tls.certfile = \"", Certificate, "\"\n  tls.keyfile = \"", Key, "\"\n", Mode
	]),
	ok = file:write_file(Toml, binary:replace(Text, Mode, Lines, [global])),
	Toml.

is_short(_Config) ->
	{ok, Text} = file:read_file(source()),
	true = length(binary:matches(Text, <<"\n">>)) < 100.
