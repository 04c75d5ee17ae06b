%% A node as MongooseIM is one, as far as certjid_verification can tell: its credentials and
%% configuration (mongoose_credentials, mongoose_config), and its four ways to a certificate over
%% OTP's ssl with `disconnect_on_failure = false', each with its fault: what verification finds goes
%% to the process that has made the options. Over STARTTLS that is the session; over direct TLS,
%% WebSocket and BOSH it is the one that listens, so that nobody ever asks it. A resumed session of
%% TLS 1.2 is not verified at all.
%%
%% What travels inside of TLS is a line: `AUTH authzid\n', and `ok USER\n' or a condition.
-module(certjid_test_mongooseim).

-export([configure/1]).
-export([start/2]).
-export([stop/1]).
-export([login/3]).
-export([session/3]).

-include_lib("public_key/include/public_key.hrl").

-define(TIMEOUT, 5000).

%% The node's configuration file from now on.
configure(File) ->
	ok = application:set_env(mongooseim, config, File),
	case whereis(certjid_node_policy) of
		undefined ->
			ok;
		Pid ->
			Monitor = monitor(process, Pid),
			true = exit(Pid, kill),
			receive {'DOWN', Monitor, process, Pid, _} -> ok end
	end.

%% Transport: starttls, direct_tls, websocket or bosh; Tls: options of ssl, and `verify_mode'.
start(Transport, Tls) ->
	Self = self(),
	Pid = spawn_link(fun() ->
		{Listen, Port} = listen(Transport, Tls),
		Sessions = ets:new(sessions, [public]),
		Self ! {self(), Port},
		accept(Listen, Transport, Tls, Sessions)
	end),
	receive {Pid, Port} -> #{pid => Pid, port => Port, transport => Transport} end.

stop(#{pid := Pid}) ->
	true = unlink(Pid),
	true = exit(Pid, kill),
	ok.

listen(starttls, _Tls) ->
	{ok, Listen} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {packet, line}]),
	{ok, Port} = inet:port(Listen),
	{Listen, Port};
listen(_Transport, Tls) ->
	Address = [binary, {active, false}, {ip, {127, 0, 0, 1}}, {packet, line}],
	{ok, Listen} = ssl:listen(0, Address ++ options(Tls)),
	{ok, {_, Port}} = ssl:sockname(Listen),
	{Listen, Port}.

accept(Listen, starttls, Tls, Sessions) ->
	{ok, Socket} = gen_tcp:accept(Listen),
	Pid = spawn(fun() -> receive go -> starttls(Socket, Tls) end end),
	ok = gen_tcp:controlling_process(Socket, Pid),
	Pid ! go,
	accept(Listen, starttls, Tls, Sessions);
accept(Listen, Transport, Tls, Sessions) ->
	{ok, Accepted} = ssl:transport_accept(Listen),
	Pid = spawn(fun() ->
		receive go -> ok end,
		case ssl:handshake(Accepted, ?TIMEOUT) of
			{ok, Socket} -> serve(Transport, Socket, Sessions);
			{error, _} -> ok
		end
	end),
	ok = ssl:controlling_process(Accepted, Pid),
	Pid ! go,
	accept(Listen, Transport, Tls, Sessions).

%% As just_tls makes them.
options(#{verify_mode := Mode} = Tls) ->
	Alias = alias([reply]),
	Accept = fun
		(_, {bad_cert, selfsigned_peer}, State) when Mode =:= selfsigned_peer -> {valid, State};
		(_, {bad_cert, _} = Failure, State) -> Alias ! {failure, Failure}, {valid, State};
		(_, {extension, #'Extension'{critical = true}}, State) ->
			Alias ! {failure, unknown_critical_extension},
			{valid, State};
		(_, _, State) -> {valid, State}
	end,
	maps:to_list(maps:remove(verify_mode, Tls)) ++ [
		{verify, verify_peer}, {fail_if_no_peer_cert, false}, {verify_fun, {Accept, []}},
		{log_level, none}
	].

starttls(Tcp, Tls) ->
	{ok, <<"STARTTLS\n">>} = gen_tcp:recv(Tcp, 0, ?TIMEOUT),
	ok = gen_tcp:send(Tcp, "PROCEED\n"),
	{ok, Socket} = ssl:handshake(Tcp, options(Tls), ?TIMEOUT),
	Certificate = case {ssl:peercert(Socket), failures()} of
		{{ok, Der}, []} -> {ok, Der};
		_ -> none
	end,
	authenticate(Socket, Certificate).

failures() ->
	receive {failure, Failure} -> [Failure | failures()] after 0 -> [] end.

serve(direct_tls, Socket, _Sessions) ->
	authenticate(Socket, ssl:peercert(Socket));
serve(websocket, Socket, _Sessions) ->
	<<"GET /ws-xmpp ", _/binary>> = request(Socket),
	Certificate = ssl:peercert(Socket),
	ok = ssl:send(Socket, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
	authenticate(Socket, Certificate);
serve(bosh, Socket, Sessions) ->
	%% The certificate is that of the connection on which the session was begun.
	case request(Socket) of
		<<"POST /http-bind?begin ", _/binary>> ->
			Sid = integer_to_binary(erlang:unique_integer([positive])),
			true = ets:insert(Sessions, {Sid, ssl:peercert(Socket)}),
			ok = ssl:send(Socket, ["HTTP/1.1 200 OK\r\n\r\n", Sid, "\n"]);
		<<"POST /http-bind?sid=", Rest/binary>> ->
			[Sid, _] = binary:split(Rest, <<" ">>),
			[{Sid, Certificate}] = ets:lookup(Sessions, Sid),
			ok = ssl:send(Socket, "HTTP/1.1 200 OK\r\n\r\n"),
			authenticate(Socket, Certificate)
	end.

%% The first line of a request without a body.
request(Socket) ->
	{ok, Line} = ssl:recv(Socket, 0, ?TIMEOUT),
	ok = skip_headers(Socket),
	Line.

skip_headers(Socket) ->
	case ssl:recv(Socket, 0, ?TIMEOUT) of
		{ok, <<"\r\n">>} -> ok;
		{ok, _} -> skip_headers(Socket)
	end.

authenticate(Socket, Certificate) ->
	{ok, <<"AUTH ", Line/binary>>} = ssl:recv(Socket, 0, ?TIMEOUT),
	Answer = case Certificate of
		{ok, Der} -> verify(Der, string:trim(Line));
		_ -> {error, <<"no certificate">>}
	end,
	ok = ssl:send(Socket, case Answer of
		{ok, User} -> ["ok ", User, "\n"];
		{error, Condition} -> [Condition, "\n"]
	end),
	%% The client has read it, when it closes.
	_ = ssl:recv(Socket, 0, ?TIMEOUT),
	ssl:close(Socket).

verify(Der, Authzid) ->
	Fields = #{
		lserver => <<"localhost">>, host_type => <<"localhost">>, der_cert => Der,
		xmpp_addresses => certjid:get_xmpp_addresses(Der)
	},
	AuthId = [{auth_id, Authzid} || Authzid =/= <<>>],
	Creds = maps:merge(Fields, maps:from_list(AuthId)),
	certjid_verification:verify_creds(mongoose_credentials:new(Creds)).

%% What a client with these options of ssl is answered.
login(Server, Authzid, Options) ->
	{Answer, _Session} = session(Server, Authzid, Options),
	Answer.

%% The same, with the session of TLS. OTP 25 does not say whether one of TLS 1.2 was resumed, but
%% that has the identifier of the one before.
session(#{transport := Transport} = Server, Authzid, Options) ->
	Socket = connected(Transport, Server, Options),
	ok = ssl:send(Socket, ["AUTH ", Authzid, "\n"]),
	{ok, Answer} = ssl:recv(Socket, 0, ?TIMEOUT),
	{ok, Session} = ssl:connection_information(Socket, [session_id, session_data]),
	ok = ssl:close(Socket),
	{string:trim(Answer), maps:from_list(Session)}.

connected(starttls, #{port := Port}, Options) ->
	{ok, Tcp} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, line}]),
	ok = gen_tcp:send(Tcp, "STARTTLS\n"),
	{ok, <<"PROCEED\n">>} = gen_tcp:recv(Tcp, 0, ?TIMEOUT),
	{ok, Socket} = ssl:connect(Tcp, client(Options), ?TIMEOUT),
	Socket;
connected(direct_tls, Server, Options) ->
	connect(Server, Options);
connected(websocket, Server, Options) ->
	Socket = connect(Server, Options),
	ok = ssl:send(Socket, "GET /ws-xmpp HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
	<<"HTTP/1.1 101", _/binary>> = request(Socket),
	Socket;
connected(bosh, Server, Options) ->
	First = connect(Server, Options),
	ok = ssl:send(First, "POST /http-bind?begin HTTP/1.1\r\n\r\n"),
	<<"HTTP/1.1 200", _/binary>> = request(First),
	{ok, Sid} = ssl:recv(First, 0, ?TIMEOUT),
	ok = ssl:close(First),
	Socket = connect(Server, []),
	ok = ssl:send(Socket, ["POST /http-bind?sid=", string:trim(Sid), " HTTP/1.1\r\n\r\n"]),
	<<"HTTP/1.1 200", _/binary>> = request(Socket),
	Socket.

connect(#{port := Port}, Options) ->
	{ok, Socket} = ssl:connect({127, 0, 0, 1}, Port, client(Options), ?TIMEOUT),
	Socket.

client(Options) ->
	Options ++ [
		binary, {active, false}, {packet, line}, {verify, verify_none}, {log_level, none}
	].
