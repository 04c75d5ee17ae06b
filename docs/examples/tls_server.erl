%% An XMPP server on OTP's ssl, as small as can be: TLS from the first byte, SASL EXTERNAL, and a
%% resource. What is certjid's is marked. It is run by the tests (example_SUITE).
%%
%% 1> c(tls_server).
%% 2> tls_server:start("mongooseim.toml", 5223).
-module(tls_server).

-export([start/2]).

-define(SASL, "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'").
-define(BIND, "xmlns='urn:ietf:params:xml:ns:xmpp-bind'").

%% The process that accepts, and the port; 0 asks for a free one. The file has the server's own
%% certificate too (`tls.certfile' and `tls.keyfile' of the c2s listener).
start(File, Port) ->
	{ok, _} = application:ensure_all_started(ssl),
	{ok, Policy} = certjid:load(File),                                       % certjid
	{ok, Listen} = gen_tcp:listen(Port, [binary, {active, false}, {reuseaddr, true}]),
	{ok, Bound} = inet:port(Listen),
	Pid = spawn(fun() -> accept(Listen, Policy) end),
	ok = gen_tcp:controlling_process(Listen, Pid),
	{ok, Pid, Bound}.

accept(Listen, Policy) ->
	{ok, Tcp} = gen_tcp:accept(Listen),
	Pid = spawn(fun() -> receive go -> connection(Tcp, Policy) end end),
	ok = gen_tcp:controlling_process(Tcp, Pid),
	Pid ! go,
	accept(Listen, Policy).

connection(Tcp, Policy) ->
	Options = certjid_tls:listener_opts(Policy, c2s),                        % certjid
	case certjid_tls:handshake(Tcp, Options, 5000) of                        % certjid
		{ok, Socket, Peer} ->
			login(Socket, Policy, Peer#{listener => c2s}, 3);
		{error, Reason} ->
			logger:notice("TLS: ~p", [Reason])
	end.

login(Socket, Policy, Peer, Attempts) ->
	[Host] = read(Socket, "<stream:stream\\s[^>]*to=[\"']([^\"']+)[\"'][^>]*>"),
	Request = Peer#{host => Host},
	Mechanisms = [
		["<mechanism>", Name, "</mechanism>"]
		|| Name <- certjid:mechanisms(Policy, Request)                       % certjid
	],
	send(Socket, [stream(Host), features(["<mechanisms " ?SASL ">", Mechanisms, "</mechanisms>"])]),
	auth(Socket, Policy, Request, Attempts).

auth(Socket, _Policy, _Request, 0) ->
	ssl:close(Socket);
auth(Socket, Policy, Request, Attempts) ->
	Text = case read(Socket, "<auth\\s[^>]*EXTERNAL[^>]*?(?:/>|>([^<]*)</auth>)") of
		[] -> <<>>;
		[Response] -> Response
	end,
	case certjid:decide(Policy, Request#{initial_response => Text}) of       % certjid
		{ok, #{jid := Jid}} ->
			send(Socket, "<success " ?SASL "/>"),
			session(Socket, Jid);
		{error, #{condition := Condition, message := Message, disconnect := Disconnect}} ->
			logger:notice("login refused: ~ts", [Message]),
			send(Socket, ["<failure " ?SASL "><", Condition, "/></failure>"]),
			case Disconnect of
				true -> ssl:close(Socket);
				false -> auth(Socket, Policy, Request, Attempts - 1)
			end
	end.

session(Socket, Jid) ->
	[Host] = read(Socket, "<stream:stream\\s[^>]*to=[\"']([^\"']+)[\"'][^>]*>"),
	send(Socket, [stream(Host), features("<bind " ?BIND "/>")]),
	[Id] = read(Socket, "<iq\\s[^>]*id=[\"']([^\"']+)[\"'].*</iq>"),
	send(Socket, [
		"<iq type='result' id='", Id, "'><bind " ?BIND "><jid>", Jid, "/example</jid></bind></iq>"
	]),
	_ = ssl:recv(Socket, 0, 5000),
	ssl:close(Socket).

stream(Host) ->
	["<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
		"version='1.0' id='1' from='", Host, "'>"].

features(Features) -> ["<stream:features>", Features, "</stream:features>"].

send(Socket, Xml) -> ok = ssl:send(Socket, Xml).

%% Reads until the pattern is there, and gives what is in its brackets. A client waits for each
%% answer, so that nothing comes after it.
read(Socket, Pattern) -> read(Socket, Pattern, <<>>).

read(Socket, Pattern, Seen) when byte_size(Seen) < 10000 ->
	case re:run(Seen, Pattern, [dotall, {capture, all_but_first, binary}]) of
		{match, Groups} -> Groups;
		nomatch ->
			{ok, Bytes} = ssl:recv(Socket, 0, 5000),
			read(Socket, Pattern, <<Seen/binary, Bytes/binary>>)
	end.
