%% The XMPP of certjid_test_xmpp, whatever carries it: stream features, SASL EXTERNAL as certjid
%% decides, and resource binding. The XML is cut by patterns: its clients are known.
-module(certjid_test_xmpp_session).

-export([new/2]).
-export([secure/2]).
-export([headers/2]).
-export([open/2]).
-export([element/3]).
-export([report/1]).
-export([split/1]).
-export([attribute/2]).

-define(SASL, "urn:ietf:params:xml:ns:xmpp-sasl").

%% As MongooseIM.
-define(MAX_ATTEMPTS, 4).

%% The options of certjid_test_xmpp:start/1.
new(Listener, Server) ->
	(maps:with([decider, proxy, plain], Server))#{
		listener => Listener, peer => plain, host => <<"localhost">>,
		attempts => 0, jid => undefined, report => #{}
	}.

%% TLS is up, with the answer of certjid_tls:handshake/3.
secure(Peer, #{report := Report} = Session) ->
	Seen = #{tls => ok, verified => maps:get(verified, Peer)},
	Session#{peer := Peer, report := maps:merge(Report, Seen)}.

%% The headers of an HTTP request, which count where a proxy has ended TLS.
headers(_Headers, #{proxy := undefined} = Session) ->
	Session;
headers(Headers, #{proxy := Proxy} = Session) ->
	Session#{peer := #{forwarded => certjid_test_xmpp_http:forwarded(Proxy, Headers)}}.

%% A stream's beginning: the features.
open(Xml, #{host := Default} = Session0) ->
	Host = case attribute(<<"to">>, Xml) of
		undefined -> Default;
		To -> To
	end,
	{Features, Session} = features(Session0#{host := Host}),
	{
		["<stream:features xmlns:stream='http://etherx.jabber.org/streams'>", Features,
			"</stream:features>"],
		Session
	}.

features(#{peer := plain} = Session) ->
	{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>", Session};
features(#{jid := Jid} = Session) when is_binary(Jid) ->
	{"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>", Session};
features(#{decider := Decider, plain := Plain} = Session) ->
	#{external := External, reason := Reason} = offer(Decider, request(Session)),
	Mechanisms = mechanisms(Decider, request(Session)),
	External = Mechanisms =:= [<<"EXTERNAL">>],
	Names = [
		["<mechanism>", Mechanism, "</mechanism>"]
		|| Mechanism <- Mechanisms ++ [<<"PLAIN">> || Plain]
	],
	{
		[["<mechanisms xmlns='" ?SASL "'>", Names, "</mechanisms>"] || Names =/= []],
		note(#{offer => Reason}, Session)
	}.

%% {reply, Xml, Session} or {close, Xml, Session}.
element(_Name, _Xml, #{peer := plain} = Session) ->
	{close, "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		"</stream:error>", Session};
element(<<"auth">>, Xml, #{jid := undefined, decider := Decider} = Session) ->
	case attribute(<<"mechanism">>, Xml) of
		<<"EXTERNAL">> ->
			Request = maps:merge(request(Session), initial_response(Xml)),
			decided(authenticate(Decider, Request), Session);
		<<"PLAIN">> ->
			failure(<<"not-authorized">>, false, Session);
		_ ->
			failure(<<"invalid-mechanism">>, false, Session)
	end;
element(<<"iq">>, Xml, #{jid := Jid} = Session) when is_binary(Jid) ->
	Id = attribute(<<"id">>, Xml),
	Result = fun(Content) ->
		["<iq xmlns='jabber:client' type='result' id='", Id, "'>", Content, "</iq>"]
	end,
	case {binary:match(Xml, <<"xmpp-bind">>), binary:match(Xml, <<"xmpp-session">>)} of
		{{_, _}, _} ->
			Resource = case text(<<"resource">>, Xml) of
				<<>> -> <<"r">>;
				Asked -> Asked
			end,
			Full = <<Jid/binary, "/", Resource/binary>>,
			Bind = ["<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>", Full, "</jid></bind>"],
			{reply, Result(Bind), note(#{jid => Full}, Session)};
		{nomatch, {_, _}} ->
			{reply, Result([]), Session};
		_ ->
			{reply, ["<iq xmlns='jabber:client' type='error' id='", Id, "'><error type='cancel'>"
				"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"],
				Session}
	end;
element(_Name, _Xml, #{jid := Jid} = Session) when is_binary(Jid) ->
	{reply, [], Session};
element(_Name, _Xml, Session) ->
	{close, [], Session}.

decided({ok, #{jid := Jid}} = Decision, Session) ->
	{reply, "<success xmlns='" ?SASL "'/>", note(#{decision => Decision}, Session#{jid := Jid})};
decided({error, #{condition := Condition, disconnect := Disconnect}} = Decision, Session) ->
	failure(Condition, Disconnect, note(#{decision => Decision}, Session));
decided({error, _} = Decision, Session) ->
	failure(<<"temporary-auth-failure">>, false, note(#{decision => Decision}, Session)).

failure(Condition, Disconnect, #{attempts := Attempts} = Session) ->
	Xml = ["<failure xmlns='" ?SASL "'><", Condition, "/></failure>"],
	case Disconnect orelse Attempts + 1 >= ?MAX_ATTEMPTS of
		true -> {close, Xml, Session};
		false -> {reply, Xml, Session#{attempts := Attempts + 1}}
	end.

%% What is known of the peer: `chain' and `verified', or `forwarded'.
request(#{listener := Listener, host := Host, peer := Peer}) ->
	Peer#{listener => Listener, host => Host}.

%% The text of <auth/>, as it stands there.
initial_response(Xml) ->
	case text(<<"auth">>, Xml) of
		<<>> -> #{};
		Text -> #{initial_response => Text}
	end.

offer({nif, Policy}, Request) ->
	certjid:offer(Policy, Request);
offer({sidecar, Client}, Request) ->
	case certjid_sidecar:offer(Client, Request) of
		{ok, Offer} -> Offer;
		{error, Reason} -> #{external => false, reason => Reason}
	end.

mechanisms({nif, Policy}, Request) -> certjid:mechanisms(Policy, Request);
mechanisms({sidecar, Client}, Request) -> certjid_sidecar:mechanisms(Client, Request).

authenticate({nif, Policy}, Request) -> certjid:decide(Policy, Request);
authenticate({sidecar, Client}, Request) -> certjid_sidecar:authenticate(Client, Request).

note(News, #{report := Report} = Session) ->
	Session#{report := maps:merge(Report, News)}.

report(#{report := Report}) ->
	Report.

%% The first element of a stream, {Name, Xml, Rest}, or `more'. A stream's beginning and end are
%% elements of their own.
split(Buffer) ->
	Tag = "^\\s*(?:<\\?xml[^>]*>\\s*)?<(/?[A-Za-z:]+)[^>]*?(/?)>",
	case re:run(Buffer, Tag, [{capture, all, index}]) of
		nomatch ->
			more;
		{match, [{0, Length}, {At, NameLength}, {_, Closed}]} ->
			Name = binary:part(Buffer, At, NameLength),
			Alone = Closed =:= 1 orelse Name =:= <<"stream:stream">> orelse binary:first(Name) =:= $/,
			case Alone orelse binary:split(Buffer, <<"</", Name/binary, ">">>) of
				true ->
					<<Xml:Length/binary, Rest/binary>> = Buffer,
					{Name, Xml, Rest};
				[Xml, Rest] ->
					{Name, Xml, Rest};
				[_] ->
					more
			end
	end.

%% An attribute of the first element.
attribute(Name, Xml) ->
	case re:run(Xml, <<"^[^<]*(?:<\\?[^>]*>\\s*)?<[^>]*?\\s", Name/binary, "=(['\"])(.*?)\\1">>,
			[{capture, [2], binary}]) of
		{match, [Value]} -> Value;
		nomatch -> undefined
	end.

%% The text of the first element of a name; empty where there is none.
text(Name, Xml) ->
	case re:run(Xml, <<"<", Name/binary, "(?:\\s[^>]*)?>([^<]*)">>, [{capture, [1], binary}]) of
		{match, [Text]} -> Text;
		nomatch -> <<>>
	end.
