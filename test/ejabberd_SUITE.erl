%% Logins by certificate on Debian's ejabberd with mod_certjid, the NIF in its node: what the
%% client sees, and the reason in ejabberd's log. Set up by the lines of docs/ejabberd.md, whose
%% commands are run here.
-module(ejabberd_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([clients/1]).
-export([raw/1]).
-export([common_name/1]).
-export([self_signed/1]).
-export([intermediates/1]).
-export([without_module/1]).
-export([other_user/1]).
-export([reload/1]).
-export([original/1]).
-export([commands/1]).
-export([missing/1]).

-import(certjid_test_ejabberd, [der/1, raw_login/3, server/1]).
-import(certjid_test_xmpp_env, [client/2]).

-define(ALICE, <<"alice@localhost">>).
-define(BOB, <<"bob@localhost">>).
-define(VICTIM, <<"victim@localhost">>).

all() ->
	[{group, side_by_side}].

%% Each group has an ejabberd of its own.
groups() ->
	[
		{side_by_side, [parallel], [{group, veto}, {group, takeover}, missing]},
		{veto, [], [clients, raw, commands, intermediates, without_module, other_user, reload]},
		{takeover, [], [clients, raw, common_name, self_signed, original]}
	].

%% ejabberd offers no EXTERNAL over WebSocket, which is all that strophe.js has.
drivers(veto) -> certjid_test_clients:all() -- [strophejs];
drivers(takeover) -> [slixmpp].

%% Those that can be told which to send.
is_told(Client) -> lists:member(Client, [slixmpp, xmpp_client]).

init_per_suite(Config) ->
	ok = certjid_test_clients:install(drivers(veto)),
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(side_by_side, Config) ->
	Config;
init_per_group(Group, Config) ->
	Server = certjid_test_ejabberd:start(Config, #{module => certjid_test_ejabberd:module(Group)}),
	[{server, Server}, {mode, Group} | Config].

end_per_group(side_by_side, _Config) ->
	ok;
end_per_group(_Group, Config) ->
	certjid_test_ejabberd:stop(server(Config)).

%% Certificate and the number of its xmppAddr fields; authzid, `any' where it does not count; what
%% the client sees; and what certjid says in the log. Without takeover, ejabberd's own refusals
%% come first, of which it makes `not-authorized' where certjid has a better condition.
rows(Mode) ->
	Own = fun(Veto, Takeover) -> maps:get(Mode, #{veto => Veto, takeover => Takeover}) end,
	In = fun(Jid) -> {session_start, Jid} end,
	Mismatch = Own({failed_auth, <<"not-authorized">>}, {failed_auth, <<"invalid-authzid">>}),
	[
		{good, 1, none, In(?ALICE), "alice@localhost logs in: xmppAddr"},
		{good, 1, ?ALICE, In(?ALICE), "alice@localhost logs in: xmppAddr"},
		{good, 1, ?BOB, Mismatch, "(authzid_mismatch)"},
		{several, 2, none, Mismatch, "(authzid_required)"},
		{several, 2, ?ALICE, In(?ALICE), "alice@localhost logs in: xmppAddr"},
		{several, 2, ?BOB, In(?BOB), "bob@localhost logs in: xmppAddr"},
		{several, 2, ?VICTIM, Mismatch, "(authzid_mismatch)"},
		{cn_only, 0, none, Own({failed_auth, <<"not-authorized">>}, In(?ALICE)),
			Own("it would be alice@localhost", "alice@localhost logs in: common_name")},
		{cn_only, 0, ?ALICE, In(?ALICE), "alice@localhost logs in: common_name"},
		%% ejabberd alone lets it in as the victim: see without_module/1.
		{cn_only, 0, ?VICTIM, {failed_auth, <<"invalid-authzid">>}, "(authzid_mismatch)"},
		{bad, 1, any, no_auth, "(unknown_ca)"},
		{expired, 1, any, no_auth, "(cert_expired)"},
		{revoked, 1, any, no_auth, "(revoked)"},
		{self_signed, 1, any, no_auth, "(selfsigned_peer)"},
		%% At this loglevel, clients with passwords are not worth a line.
		{none, 1, any, no_auth, nothing}
	].

clients(Config) ->
	Mode = proplists:get_value(mode, Config),
	[] = [
		{Client, Shape, Row, Answer}
		|| Client <- drivers(Mode),
			{Cert, Count, Authzid, Expected, Said} = Row <- rows(Mode),
			Told <- told(Authzid, certjid_test_clients:sends(Client, Count), is_told(Client)),
			Shape <- [starttls | [direct_tls || Cert =:= cn_only]],
			lists:member(Shape, certjid_test_clients:shapes(Client)),
			%% poezio asks its user for a password then.
			{Client, Cert} =/= {poezio, none},
			Answer <- [login(Config, Client, Told#{cert => Cert, shape => Shape}, Said)],
			Answer =/= {Expected, logged}
	].

%% The options by which a client sends this authzid; none where it can't.
told(any, _Sends, _IsTold) -> [#{}];
told(none, none, _IsTold) -> [#{}];
told(?ALICE, jid, _IsTold) -> [#{}];
told(Authzid, none, true) -> [#{authzid => Authzid}];
told(_Authzid, _Sends, _IsTold) -> [].

%% A login by a client, and whether the log then has Said with the certificate's fingerprint.
login(Config, Client, #{cert := Cert, shape := Shape} = Options, Said) ->
	#{port := Port, direct_port := DirectPort} = Server = server(Config),
	Mark = byte_size(certjid_test_ejabberd:log(Server)),
	Outcome = certjid_test_clients:login(Client, Config, Options#{
		port => case Shape of direct_tls -> DirectPort; starttls -> Port end
	}),
	{Outcome, logged(Server, Mark, client(Config, Cert), Said)}.

logged(Server, Mark, _Files, nothing) ->
	case re:run(certjid_test_ejabberd:log(Server, Mark), "certjid: localhost: ") of
		nomatch -> logged;
		_ -> unexpected
	end;
logged(Server, Mark, Files, Said) ->
	case seen(Server, Mark, [Said, fingerprint(Files)], 200) of
		ok -> logged;
		Lines -> Lines
	end.

%% Whether a line of the log after Mark has a text; it is written some time after the event.
seen(Server, Mark, Text) ->
	seen(Server, Mark, [Text], 200).

seen(Server, Mark, Texts, Times) ->
	Lines = binary:split(certjid_test_ejabberd:log(Server, Mark), <<"\n">>, [global]),
	Has = fun(Line) -> lists:all(fun(Text) -> binary:match(Line, iolist_to_binary(Text)) =/= nomatch end, Texts) end,
	case lists:any(Has, Lines) of
		true -> ok;
		false when Times > 0 -> timer:sleep(50), seen(Server, Mark, Texts, Times - 1);
		false -> Lines
	end.

fingerprint(#{cert := File}) ->
	{ok, Pem} = file:read_file(File),
	{ok, #{fingerprint := Fingerprint}} = certjid:identity(Pem),
	Fingerprint.

%% The literal texts of <auth/>, and EXTERNAL that is tried without having been offered.
raw(Config) ->
	B64 = fun(Text) -> base64:encode(Text) end,
	[] = [
		{Cert, Response, Seen}
		|| {Cert, Response, Answer, Offered} <- [
				{good, null, <<"alice@localhost">>, true},
				{good, "=", <<"alice@localhost">>, true},
				{good, B64("ALICE@LOCALHOST"), <<"alice@localhost">>, true},
				{good, B64("alice@localhost/r"), <<"alice@localhost">>, true},
				{good, B64("alice@example.org"), refused, true},
				{good, B64("@@"), <<"invalid-authzid">>, true},
				{good, "YWJ", <<"malformed-request">>, true},
				{cn_only, B64(<<"alice", 0, "@localhost">>), <<"invalid-authzid">>, true},
				{cn_only, B64("VICTIM@localhost/r"), <<"invalid-authzid">>, true},
				{bad, B64("alice@localhost"), <<"not-authorized">>, false},
				{revoked, "=", <<"not-authorized">>, false},
				{none, B64("alice@localhost"), <<"not-authorized">>, false}
			],
			Seen <- [raw_login(Config, Cert, Response)],
			not fits(Seen, Answer, Offered)
	].

fits({Login, Mechanisms}, Answer, Offered) ->
	%% The other mechanisms are ejabberd's.
	lists:member(<<"PLAIN">>, Mechanisms) andalso lists:member(<<"EXTERNAL">>, Mechanisms) =:= Offered
		andalso case Answer of
			refused -> lists:member(Login, [<<"not-authorized">>, <<"invalid-authzid">>]);
			_ -> string:lowercase(hd(binary:split(Login, <<"/">>))) =:= Answer
		end.

%% The commands of the documentation that read the log.
commands(Config) ->
	Server = server(Config),
	Run = fun(Text) ->
		certjid_test_ejabberd:run(Server, certjid_test_ejabberd:block("sh", Text))
	end,
	{<<"not-authorized">>, _} = raw_login(Config, bad, "="),
	{<<"invalid-authzid">>, _} = raw_login(Config, cn_only, base64:encode(?VICTIM)),
	%% ejabberd's own line, for those that count failed logins; it comes last.
	ok = seen(Server, 0,
		"Failed c2s EXTERNAL authentication for victim@localhost from 127.0.0.1: Refused by certjid"),
	{0, Loaded} = Run("the policy"),
	{match, _} = re:run(Loaded, "mongooseim.toml is loaded"),
	{0, Refused} = Run("refused|not offered"),
	{match, _} = re:run(Refused, "authzid_mismatch"),
	{match, _} = re:run(Refused, "unknown_ca").

%% The policy's other kinds; ejabberd knows no common name.
common_name(Config) ->
	with_policy(Config, [{"certjid_verification", "common_name"}], fun() ->
		{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, cn_only, "="),
		{<<"not-authorized">>, _} = raw_login(Config, self_signed, "=")
	end).

%% What ejabberd's TLS says does not bind certjid in its place.
self_signed(Config) ->
	with_policy(Config, [{"\"peer\"", "\"selfsigned_peer\""}], fun() ->
		{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, self_signed, "="),
		{<<"not-authorized">>, _} = raw_login(Config, bad, "=")
	end).

%% ejabberd hands over the leaf alone: the intermediates are the operator's.
intermediates(Config) ->
	Server = #{dir := Dir} = server(Config),
	#{key := Key, issuer := Root} = proplists:get_value(ca, Config),
	Names = #{common_name => <<"Intermediate">>},
	Intermediate = certjid_test_cert:make(Key, Names, #{issuer => Root, ca => true}),
	Leaf = certjid_test_cert:make(Key, #{xmpp_addrs => [?ALICE]},
		#{issuer => {certjid_test_cert:subject(Names), Key}}),
	Files = #{cert := File} = certjid_test_xmpp_env:write_certificate(Config, "below", Key, Leaf),
	Pem = certjid_test_cert:pem([Intermediate]),
	ok = file:write_file(File, [certjid_test_cert:pem([Leaf]), Pem]),
	ok = file:write_file(filename:join(Dir, "intermediates.pem"), Pem),
	{<<"not-authorized">>, _} = raw_login(Config, Files, "="),
	ok = certjid_test_ejabberd:configure(Server,
		"    intermediates: /etc/ejabberd/intermediates.pem\n"),
	ok = certjid_test_ejabberd:reload(Server),
	[{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, Cert, "=") || Cert <- [Files, good]],
	{<<"not-authorized">>, _} = raw_login(Config, bad, "="),
	ok = certjid_test_ejabberd:configure(Server, ""),
	ok = certjid_test_ejabberd:reload(Server).

%% What ejabberd does alone, by which it is seen that the module does something; it is taken out
%% and put back in the running node.
without_module(Config) ->
	Server = server(Config),
	Login = fun() -> raw_login(Config, cn_only, base64:encode(?VICTIM)) end,
	ok = certjid_test_ejabberd:configure(Server, without),
	ok = certjid_test_ejabberd:reload(Server),
	{<<"victim@localhost/", _/binary>>, _} = Login(),
	ok = certjid_test_ejabberd:configure(Server, ""),
	ok = certjid_test_ejabberd:reload(Server),
	{<<"invalid-authzid">>, _} = Login().

%% ejabberd and certjid let in, but not the same user.
other_user(Config) ->
	Server = server(Config),
	Mark = byte_size(certjid_test_ejabberd:log(Server)),
	with_policy(Config, [{"certjid_verification", "certjid_test_ejabberd"}], fun() ->
		{<<"not-authorized">>, _} = raw_login(Config, good, "="),
		ok = seen(Server, Mark, "(other_user): ejabberd takes the client for <<\"alice\">>, certjid for somebody")
	end).

%% Changes the policy for as long as Fun() takes.
with_policy(Config, Changes, Fun) ->
	Server = server(Config),
	Text = certjid_test_ejabberd:block("toml", "[general]"),
	Changed = lists:foldl(fun({Old, New}, Acc) -> string:replace(Acc, Old, New) end, Text, Changes),
	try
		ok = certjid_test_ejabberd:write(Server, "mongooseim.toml", Changed),
		ok = certjid_test_ejabberd:reload(Server),
		Fun()
	after
		ok = certjid_test_ejabberd:write(Server, "mongooseim.toml", Text),
		ok = certjid_test_ejabberd:reload(Server)
	end.

%% While somebody logs in all the time, each login is decided by the one policy or the other.
reload(Config) ->
	Login = fun() ->
		{Answer, _} = raw_login(Config, good, base64:encode(?ALICE)),
		hd(binary:split(Answer, <<"/">>))
	end,
	Self = self(),
	Looper = spawn_link(fun() -> Self ! {self(), loop(Login, #{})} end),
	[
		with_policy(Config, [{"certjid_verification", "standard"}], fun() ->
			<<"invalid-authzid">> = Login()
		end)
		|| _ <- [1, 2]
	],
	?ALICE = Login(),
	Mark = byte_size(certjid_test_ejabberd:log(server(Config))),
	with_policy(Config, [{"[general]", "[general"}], fun() ->
		?ALICE = Login(),
		ok = seen(server(Config), Mark, "mongooseim.toml:1: "),
		ok = seen(server(Config), Mark, "can't be used: the old one stays")
	end),
	Looper ! stop,
	receive
		{Looper, Answers} ->
			ct:log("logins under reloads: ~p", [Answers]),
			[<<"alice@localhost">>, <<"invalid-authzid">>] = maps:keys(Answers)
	end.

loop(Login, Answers) ->
	receive
		stop -> Answers
	after 0 ->
		loop(Login, maps:update_with(Login(), fun(N) -> N + 1 end, 1, Answers))
	end.

%% All but the clients' logins is the original's, which comes back.
original(Config) ->
	Server = server(Config),
	Call = fun(Function, Args) ->
		certjid_test_ejabberd:rpc(Server, xmpp_stream_pkix, Function, Args)
	end,
	IsReplaced = fun() -> proplists:is_defined(certjid, Call(module_info, [attributes])) end,
	true = IsReplaced(),
	Cert = public_key:pkix_decode_cert(der(client(Config, good)), otp),
	{'not-authorized', <<"Certificate host name mismatch">>} = Call(format_error, [hostname_mismatch]),
	[<<"alice">>] = Call(get_cert_domains, [Cert]),
	ok = certjid_test_ejabberd:configure(Server, ""),
	ok = certjid_test_ejabberd:reload(Server),
	false = IsReplaced(),
	{<<"not-authorized">>, _} = raw_login(Config, cn_only, "="),
	ok = certjid_test_ejabberd:configure(Server, certjid_test_ejabberd:module(takeover)),
	ok = certjid_test_ejabberd:reload(Server),
	true = IsReplaced(),
	{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, cn_only, "=").

%% Without the NIF, and without a policy: nobody gets in by certificate, and ejabberd runs.
missing(Config0) ->
	Server = certjid_test_ejabberd:start(Config0, #{}),
	Config = [{server, Server} | Config0],
	In = fun(Dir, Name) -> filename:join(Dir, Name) end,
	WithoutNif = certjid_test_ejabberd:restart(Server, fun(Dir) ->
		file:rename(In(Dir, "certjid/priv/certjid_nif.so"), In(Dir, "certjid/nif"))
	end),
	{<<"temporary-auth-failure">>, Offered} = raw_login(Config, good, "="),
	true = lists:member(<<"PLAIN">>, Offered),
	ok = seen(Server, 0, "certjid_nif.so can't be loaded"),
	WithoutPolicy = certjid_test_ejabberd:restart(WithoutNif, fun(Dir) ->
		ok = file:rename(In(Dir, "certjid/nif"), In(Dir, "certjid/priv/certjid_nif.so")),
		file:rename(In(Dir, "mongooseim.toml"), In(Dir, "elsewhere.toml"))
	end),
	{<<"temporary-auth-failure">>, _} = raw_login(Config, good, "="),
	ok = seen(Server, 0, "mongooseim.toml can't be used: logins by certificate are refused"),
	ok = seen(Server, 0, "temporary-auth-failure (unavailable)"),
	with_policy([{server, WithoutPolicy} | Config], [], fun() ->
		{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, good, "=")
	end),
	certjid_test_ejabberd:stop(WithoutPolicy).
