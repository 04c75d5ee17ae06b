%% A minimal XMPP server on OTP's ssl, for whole logins by certificate: c2s with STARTTLS, c2s
%% with direct TLS, HTTPS with WebSocket and BOSH (certjid_test_xmpp_http), and the same in plain
%% HTTP behind a proxy. It listens on 127.0.0.1, on a free port. For each connection the process
%% that started it gets a report.
-module(certjid_test_xmpp).

-export([start/1]).
-export([stop/1]).
-export([report/1]).
-export([send/2]).
-export([receive_bytes/1]).

%% Milliseconds.
-define(TIMEOUT, 30000).

%% Options: `shape', starttls, direct_tls, https or http; `tls', as certjid_tls:make_server_opts/1;
%% `decider', {nif, Policy} or {sidecar, Client}; `ssl', options of ssl instead of those; for
%% http, `proxy' as in certjid_test_xmpp_http:forwarded/2; `plain', whether PLAIN is a mechanism too
%% (true by default).
start(#{shape := Shape, tls := _, decider := _} = Options) ->
	Defaults = #{ssl => [], proxy => undefined, plain => true},
	Server = maps:merge(Defaults, Options#{owner => self(), id => make_ref()}),
	#{id := Id} = Server,
	Pid = spawn_link(fun() ->
		{Listen, Port} = listen(Shape, Server),
		maps:get(owner, Server) ! {Id, Port},
		accept(Listen, Server)
	end),
	receive {Id, Port} -> #{pid => Pid, id => Id, port => Port} end.

%% The connections end with it.
stop(#{pid := Pid}) ->
	Monitor = monitor(process, Pid),
	true = unlink(Pid),
	true = exit(Pid, kill),
	receive {'DOWN', Monitor, process, Pid, _} -> ok end.

%% What became of the next connection that has ended: `peer', its address; `tls', ok or ssl's
%% error; `offer', the reason of certjid:offer/2, `decision' and `jid' as far as it came.
report(#{id := Id}) ->
	receive {Id, report, Report} -> Report after 2 * ?TIMEOUT -> no_report end.

listen(Shape, _Server) when Shape =:= starttls; Shape =:= http ->
	{ok, Listen} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
	{ok, Port} = inet:port(Listen),
	{{tcp, Listen}, Port};
listen(_Shape, #{tls := Tls, ssl := More}) ->
	Address = [binary, {active, false}, {ip, {127, 0, 0, 1}}, {log_level, none}],
	{ok, Listen} = ssl:listen(0, Address ++ options(Tls, More)),
	{ok, {_, Port}} = ssl:sockname(Listen),
	{{ssl, Listen}, Port}.

options(Tls, More) ->
	Keys = [Key || {Key, _} <- More],
	Made = certjid_tls:make_server_opts(Tls),
	More ++ [Option || {Key, _} = Option <- Made, not lists:member(Key, Keys)].

accept(Listen, Server) ->
	Socket = accept(Listen),
	Pid = spawn_link(fun() -> receive go -> connection(Socket, Server) end end),
	ok = case Socket of
		{tcp, Tcp} -> gen_tcp:controlling_process(Tcp, Pid);
		{ssl, Ssl} -> ssl:controlling_process(Ssl, Pid)
	end,
	Pid ! go,
	accept(Listen, Server).

accept({tcp, Listen}) ->
	{ok, Socket} = gen_tcp:accept(Listen),
	{tcp, Socket};
accept({ssl, Listen}) ->
	{ok, Socket} = ssl:transport_accept(Listen),
	{ssl, Socket}.

connection(Socket, #{shape := Shape} = Server) ->
	{ok, Peer} = case Socket of
		{tcp, Tcp} -> inet:peername(Tcp);
		{ssl, Ssl} -> ssl:peername(Ssl)
	end,
	Listener = case Shape of https -> http; http -> http; _ -> c2s end,
	Session = certjid_test_xmpp_session:new(Listener, Server),
	Report = try
		run(Shape, Socket, Session, Server)
	catch
		throw:{tls, Error} -> #{tls => Error};
		Class:Reason:Stack -> #{crash => {Class, Reason, Stack}}
	end,
	close(Socket),
	#{owner := Owner, id := Id} = Server,
	Owner ! {Id, report, Report#{peer => Peer}}.

run(starttls, Socket, Session, Server) ->
	stream(Socket, <<>>, Session, Server);
run(direct_tls, {ssl, Transport}, Session0, Server) ->
	{Socket, Session} = handshake(Transport, Session0, Server),
	stream(Socket, <<>>, Session, Server);
run(https, {ssl, Transport}, Session0, Server) ->
	{Socket, Session} = handshake(Transport, Session0, Server),
	certjid_test_xmpp_http:serve(Socket, Session);
run(http, Socket, Session, _Server) ->
	certjid_test_xmpp_http:serve(Socket, Session).

handshake(Transport, Session, #{tls := Tls, ssl := More}) ->
	Options = [{log_level, none} | options(Tls, More)],
	case certjid_tls:handshake(Transport, Options, ?TIMEOUT) of
		{ok, Socket, Peer} ->
			{{ssl, Socket}, certjid_test_xmpp_session:secure(Peer, Session)};
		{error, _} = Error ->
			throw({tls, Error})
	end.

stream(Socket, Buffer, Session0, Server) ->
	case next(Socket, Buffer) of
		closed ->
			certjid_test_xmpp_session:report(Session0);
		{<<"stream:stream">>, Xml, Rest} ->
			{Features, Session} = certjid_test_xmpp_session:open(Xml, Session0),
			ok = send(Socket, [
				"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='s' "
				"xmlns:stream='http://etherx.jabber.org/streams' from='localhost'>",
				Features
			]),
			stream(Socket, Rest, Session, Server);
		{<<"/stream:stream">>, _, _} ->
			_ = send(Socket, "</stream:stream>"),
			certjid_test_xmpp_session:report(Session0);
		{<<"starttls">>, _, <<>>} when element(1, Socket) =:= tcp ->
			{tcp, Tcp} = Socket,
			ok = send(Socket, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
			{Secure, Session} = handshake(Tcp, Session0, Server),
			stream(Secure, <<>>, Session, Server);
		{Name, Xml, Rest} ->
			case certjid_test_xmpp_session:element(Name, Xml, Session0) of
				{reply, Reply, Session} ->
					ok = send(Socket, Reply),
					stream(Socket, Rest, Session, Server);
				{close, Reply, Session} ->
					_ = send(Socket, [Reply, "</stream:stream>"]),
					certjid_test_xmpp_session:report(Session)
			end
	end.

next(Socket, Buffer) when byte_size(Buffer) < 100000 ->
	case certjid_test_xmpp_session:split(Buffer) of
		more ->
			case receive_bytes(Socket) of
				{ok, Bytes} -> next(Socket, <<Buffer/binary, Bytes/binary>>);
				{error, _} -> closed
			end;
		Element ->
			Element
	end.

send({tcp, Socket}, Bytes) -> gen_tcp:send(Socket, Bytes);
send({ssl, Socket}, Bytes) -> ssl:send(Socket, Bytes).

receive_bytes({tcp, Socket}) -> gen_tcp:recv(Socket, 0, ?TIMEOUT);
receive_bytes({ssl, Socket}) -> ssl:recv(Socket, 0, ?TIMEOUT).

close({tcp, Socket}) -> gen_tcp:close(Socket);
close({ssl, Socket}) -> try ssl:close(Socket) catch exit:_ -> ok end.
