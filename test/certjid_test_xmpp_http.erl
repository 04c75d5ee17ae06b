%% XMPP over HTTP for certjid_test_xmpp: WebSocket (RFC 6455, RFC 7395) at /ws-xmpp and BOSH
%% (XEP-0124, XEP-0206) at /http-bind. A BOSH session lives on the connection that has begun it.
-module(certjid_test_xmpp_http).

-export([serve/2]).
-export([forwarded/2]).

-define(TIMEOUT, 30000).
-define(MAX_BODY, 100000).

%% The socket is {tcp, Socket}, behind a proxy, or {ssl, Socket}.
serve(Socket, Session0) ->
	ok = setopts(Socket, [{packet, http_bin}]),
	case recv(Socket, 0) of
		{ok, {http_request, Method, {abs_path, Path}, _}} ->
			Fields = headers(Socket),
			Session = certjid_test_xmpp_session:headers(Fields, Session0),
			request(Method, Path, maps:from_list(Fields), Socket, Session);
		_ ->
			certjid_test_xmpp_session:report(Session0)
	end.

%% In order, and each as often as it is there.
headers(Socket) ->
	case recv(Socket, 0) of
		{ok, {http_header, _, Name, _, Value}} ->
			Key = string:lowercase(if is_atom(Name) -> atom_to_binary(Name); true -> Name end),
			[{Key, Value} | headers(Socket)];
		{ok, http_eoh} ->
			ok = setopts(Socket, [{packet, raw}]),
			[]
	end.

%% The certificate that a proxy passes on, as certjid_sidecar takes it. Proxy: `proxy' and the
%% names of the headers in lower case, `certificate' and, where there is such, `chain'.
forwarded(#{proxy := Name} = Proxy, Headers) ->
	Values = maps:map(fun(_, Header) ->
		[Value || {Key, Value} <- Headers, Key =:= Header]
	end, maps:with([certificate, chain], Proxy)),
	Values#{proxy => Name}.

setopts({tcp, Socket}, Options) -> inet:setopts(Socket, Options);
setopts({ssl, Socket}, Options) -> ssl:setopts(Socket, Options).

recv({tcp, Socket}, Length) -> gen_tcp:recv(Socket, Length, ?TIMEOUT);
recv({ssl, Socket}, Length) -> ssl:recv(Socket, Length, ?TIMEOUT).

request('GET', <<"/ws-xmpp">>, #{<<"sec-websocket-key">> := Key} = Headers, Socket, Session) ->
	#{<<"sec-websocket-protocol">> := <<"xmpp">>, <<"sec-websocket-version">> := <<"13">>} = Headers,
	Accept = crypto:hash(sha, [Key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"]),
	ok = certjid_test_xmpp:send(Socket, [
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Accept: ", base64:encode(Accept), "\r\n\r\n"
	]),
	websocket(Socket, Session);
request('POST', <<"/http-bind">>, #{<<"content-length">> := Length}, Socket, Session0) ->
	Size = binary_to_integer(Length),
	true = Size > 0 andalso Size =< ?MAX_BODY,
	{ok, Body} = recv(Socket, Size),
	{Answer, Session} = bosh(Body, Session0),
	ok = certjid_test_xmpp:send(Socket, [
		"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: ",
		integer_to_list(iolist_size(Answer)), "\r\n\r\n", Answer
	]),
	serve(Socket, Session);
request(_Method, _Path, _Headers, Socket, Session) ->
	ok = certjid_test_xmpp:send(Socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
	serve(Socket, Session).

%% One <body/> to another.
bosh(Body, Session0) ->
	Attribute = fun(Name) -> certjid_test_xmpp_session:attribute(Name, Body) end,
	{<<"body">>, _, <<>>} = certjid_test_xmpp_session:split(Body),
	Begins = Attribute(<<"sid">>) =:= undefined,
	Restarts = Attribute(<<"xmpp:restart">>) =:= <<"true">>,
	case Attribute(<<"type">>) of
		<<"terminate">> ->
			{body("type='terminate'", []), Session0};
		_ when Begins; Restarts ->
			{Features, Session} = certjid_test_xmpp_session:open(Body, Session0),
			{body("sid='1' wait='5' hold='1' requests='2' from='localhost'", Features), Session};
		_ ->
			[_, Payload] = binary:split(Body, <<">">>),
			{Name, Xml, _} = certjid_test_xmpp_session:split(Payload),
			case certjid_test_xmpp_session:element(Name, Xml, Session0) of
				{reply, Reply, Session} -> {body("", Reply), Session};
				{close, Reply, Session} -> {body("type='terminate'", Reply), Session}
			end
	end.

body(Attributes, Content) ->
	["<body xmlns='http://jabber.org/protocol/httpbind' ", Attributes, ">", Content, "</body>"].

%% A frame is an element.
websocket(Socket, Session0) ->
	case frame(Socket) of
		{text, Text} ->
			case websocket_element(certjid_test_xmpp_session:split(Text), Session0) of
				{reply, Replies, Session} ->
					_ = [ok = certjid_test_xmpp:send(Socket, text_frame(Reply)) || Reply <- Replies, Reply =/= []],
					websocket(Socket, Session);
				{close, Replies, Session} ->
					_ = [certjid_test_xmpp:send(Socket, text_frame(Reply)) || Reply <- Replies, Reply =/= []],
					_ = certjid_test_xmpp:send(Socket, <<16#88, 0>>),
					certjid_test_xmpp_session:report(Session)
			end;
		{ping, Data} ->
			ok = certjid_test_xmpp:send(Socket, [16#8A, byte_size(Data), Data]),
			websocket(Socket, Session0);
		closed ->
			certjid_test_xmpp_session:report(Session0)
	end.

websocket_element({<<"open">>, Xml, <<>>}, Session0) ->
	<<"urn:ietf:params:xml:ns:xmpp-framing">> = certjid_test_xmpp_session:attribute(<<"xmlns">>, Xml),
	{Features, Session} = certjid_test_xmpp_session:open(Xml, Session0),
	Open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0' from='localhost' id='s'/>",
	{reply, [Open, Features], Session};
websocket_element({<<"close">>, _, _}, Session) ->
	{close, ["<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"], Session};
websocket_element({Name, Xml, _}, Session0) ->
	{Go, Reply, Session} = certjid_test_xmpp_session:element(Name, Xml, Session0),
	{Go, [Reply], Session}.

%% Clients mask their frames; fragments are not taken.
frame(Socket) ->
	case recv(Socket, 2) of
		{ok, <<1:1, 0:3, Opcode:4, 1:1, Short:7>>} ->
			Length = case Short of
				126 -> {ok, <<Long:16>>} = recv(Socket, 2), Long;
				_ when Short < 126 -> Short
			end,
			{ok, <<Mask:4/binary, Masked/binary>>} = recv(Socket, 4 + Length),
			Pad = binary:part(binary:copy(Mask, Length div 4 + 1), 0, Length),
			case Opcode of
				1 -> {text, crypto:exor(Masked, Pad)};
				8 -> closed;
				9 -> {ping, crypto:exor(Masked, Pad)}
			end;
		{error, _} ->
			closed
	end.

text_frame(Text) ->
	case iolist_size(Text) of
		Size when Size < 126 -> [16#81, Size, Text];
		Size when Size < 65536 -> [16#81, 126, <<Size:16>>, Text]
	end.
