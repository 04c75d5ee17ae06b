%% @doc The `ssl' options of a listener that asks clients for their certificates, in MongooseIM's
%% terms, and the handshake that brings the client's chain.
%%
%% The handshake only has to bring the certificates: {@link certjid:decide/2} judges them again
%% at each login, with CRLs and as strictly as documented, whatever the session is. It needs the
%% whole chain where clients send intermediates, and OTP keeps the leaf alone; {@link handshake/3}
%% gives the chain.
%%
%% ```
%% Options = certjid_tls:listener_opts(Policy, c2s),
%% case certjid_tls:handshake(TcpOrTransportSocket, Options, 5000) of
%%     {ok, Socket, Peer} -> certjid:decide(Policy, Peer#{listener => c2s, host => Host});
%%     {error, Reason} -> logger:notice("TLS: ~p", [Reason])
%% end.
%% '''
-module(certjid_tls).

-export([make_server_opts/1]).
-export([listener_opts/2]).
-export([handshake/3]).

-include_lib("public_key/include/public_key.hrl").

%% MongooseIM's `tls' section of a listener. Keys that only say when to use these options (`mode')
%% or that the decision sees to (`crl_files') have no effect.
-type options() :: #{
	%% Default: peer.
	verify_mode => peer | selfsigned_peer | none,
	%% Default: true.
	disconnect_on_failure => boolean(),
	certfile => file:name_all(),
	keyfile => file:name_all(),
	password => string(),
	%% Default: the operating system's store.
	cacertfile => file:name_all(),
	ciphers => string(),
	versions => [ssl:protocol_version()],
	dhfile => file:name_all(),
	hibernate_after => timeout(),
	early_data => boolean(),
	session_tickets => stateless,
	%% Judges the chain, leaf first, instead of OTP: see listener_opts/2.
	judge => fun(([Der :: binary()]) -> ok | {bad_cert, Reason :: term()}),
	atom() => term()
}.
-export_type([options/0]).

%% The client's chain, leaf first, and whether its verification succeeded: keys of the request for
%% {@link certjid:decide/2}. Without a certificate, and on a resumed session, nothing was verified.
-type peer() :: #{chain := [Der :: binary()], verified := boolean() | undefined}.
-export_type([peer/0]).

%% A chain of more certificates is not kept. OTP's own limit is a depth of 10.
-define(MAX_CHAIN, 16).

%% @doc The options for `ssl:listen/2' and {@link handshake/3}, for any number of connections.
%%
%% With `disconnect_on_failure = false' the handshake succeeds with any certificate and without
%% one; otherwise only with a certificate that OTP accepts, and, for `selfsigned_peer', with one
%% certificate alone that names itself as its issuer. A critical subjectAltName, which OTP refuses,
%% is accepted. `just_tls' differs: it lets sessions be resumed, refuses a critical subjectAltName,
%% and gives tickets after STARTTLS too. Fails where there is neither a `cacertfile' nor the
%% system's store.
-spec make_server_opts(options()) -> [ssl:tls_server_option()].
make_server_opts(Options) when is_map(Options) ->
	Passed = maps:with([
		certfile, keyfile, password, cacertfile, ciphers, versions, dhfile, hibernate_after
	], Options),
	maps:to_list(Passed)
		++ [{session_tickets, stateless} || has_tickets(Options)]
		++ [{early_data, enabled} || maps:get(early_data, Options, false)]
		++ verify(maps:get(verify_mode, Options, peer), Options).

%% OTP 25 and 27 crash each handshake of TLS 1.3 that has tickets and begins on a plain socket.
has_tickets(#{mode := Mode}) when Mode =:= starttls; Mode =:= starttls_required -> false;
has_tickets(Options) -> maps:get(session_tickets, Options, undefined) =:= stateless.

%% @doc The options for a listener of a policy, as its `tls' section has them: certificate and key
%% of the server, the CAs, and what is asked of the client.
%%
%% The policy itself judges the chain in the handshake, CRLs included, and not OTP, which is laxer
%% with some issuers and refuses RSA-PSS: what the handshake lets pass is what
%% {@link certjid:decide/2} accepts then. Ask for the options again after a policy is loaded again.
%%
%% The section's keys that no decision depends on (`dhfile', `early_data', `session_tickets') are
%% yours to add. Fails with `badarg' where the policy has no such listener with TLS, or a version
%% that OTP does not know.
-spec listener_opts(certjid:policy(), certjid:listener()) -> [ssl:tls_server_option()].
listener_opts(Policy, Listener) ->
	case certjid:tls_options(Policy, Listener) of
		{ok, Section} ->
			Judge = fun(Chain) -> certjid:verify_chain(Policy, Listener, Chain) end,
			make_server_opts(maps:fold(fun add_option/3, #{judge => Judge}, Section));
		{error, _} ->
			error(badarg, [Policy, Listener])
	end.

add_option(_Key, undefined, Options) -> Options;
add_option(versions, Versions, Options) ->
	Options#{versions => [version(Version) || Version <- Versions]};
add_option(Key, Text, Options) when is_binary(Text) ->
	Options#{Key => unicode:characters_to_list(Text)};
add_option(Key, Value, Options) -> Options#{Key => Value}.

version(<<"tlsv1.3">>) -> 'tlsv1.3';
version(<<"tlsv1.2">>) -> 'tlsv1.2';
version(<<"tlsv1.1">>) -> 'tlsv1.1';
version(<<"tlsv1">>) -> tlsv1;
version(Version) -> error(badarg, [Version]).

verify(none, _Options) ->
	[{verify, verify_none}, {fail_if_no_peer_cert, false}];
verify(Mode, Options) when Mode =:= peer; Mode =:= selfsigned_peer ->
	Strict = maps:get(disconnect_on_failure, Options, true),
	VerifyFun = fun(Cert, Event, {Report, Seen}) ->
		Der = public_key:pkix_encode('OTPCertificate', Cert, otp),
		Chain = [Der | lists:delete(Der, Seen)],
		Seen =/= [] orelse report(Report, begins),
		report(Report, {certificate, Der}),
		case judge(Event, Mode, Chain, Options) of
			unknown ->
				{unknown, {Report, Chain}};
			{bad_cert, _} = Failure when Strict ->
				{fail, Failure};
			Verdict when Event =:= valid_peer, is_map_key(judge, Options) ->
				report(Report, {judged, Verdict}),
				{valid, {Report, Chain}};
			{bad_cert, _} = Failure ->
				report(Report, {failure, Failure}),
				{valid, {Report, Chain}};
			ok ->
				{valid, {Report, Chain}}
		end
	end,
	CaCerts = [{cacerts, public_key:cacerts_get()} || not is_map_key(cacertfile, Options)],
	[
		{verify, verify_peer},
		{fail_if_no_peer_cert, Strict},
		%% handshake/3 says whom to report to.
		{verify_fun, {VerifyFun, {undefined, []}}}
		| CaCerts
	] ++ no_resumption(Options).

%% A session of TLS 1.2 that is resumed brings the leaf alone, unverified. OTP knows the option
%% only beside a version that has such sessions.
no_resumption(#{versions := Versions}) ->
	[{reuse_sessions, false} || Versions -- ['tlsv1.3'] =/= []];
no_resumption(_Options) ->
	[{reuse_sessions, false}].

%% OTP goes from the issuers to the leaf, with which the chain is complete. Where it finds no issuer
%% that is trusted, it asks first about the last certificate that it has, which may be the leaf: no
%% other question is sure to come.
judge(valid_peer, _Mode, Chain, #{judge := Judge}) -> Judge(Chain);
judge({bad_cert, Why}, _Mode, Chain, #{judge := Judge})
	when Why =:= unknown_ca; Why =:= selfsigned_peer -> Judge(Chain);
judge(_Event, _Mode, _Chain, #{judge := _}) -> ok;
judge(Event, Mode, _Chain, _Options) -> judge(Event, Mode).

judge({bad_cert, selfsigned_peer}, selfsigned_peer) -> ok;
judge({bad_cert, _} = Failure, _Mode) -> Failure;
judge({extension, #'Extension'{extnID = ?'id-ce-subjectAltName'}}, _Mode) -> ok;
judge({extension, #'Extension'{critical = true}}, _Mode) -> {bad_cert, unknown_critical_extension};
judge({extension, _}, _Mode) -> unknown;
judge(_Valid, _Mode) -> ok.

report(undefined, _Event) -> ok;
report(Alias, Event) -> Alias ! {Alias, Event}, ok.

%% @doc `ssl:handshake/3', with options of {@link make_server_opts/1} or {@link listener_opts/2}:
%% the socket and the client's chain. It never fails because of the client: `ssl:handshake/3' of
%% OTP 25 to 29 may exit, with some certificates, and that is `{error, handshake_crashed}' here. It
%% leaves no messages.
-spec handshake(inet:socket() | ssl:sslsocket(), [ssl:tls_server_option()], timeout()) ->
	{ok, ssl:sslsocket(), peer()} | {error, Reason :: term()}.
handshake(Socket, Options, Timeout) ->
	%% What is sent to it after unalias/1 is dropped.
	Alias = alias(),
	Handshake = try
		ssl:handshake(Socket, report_to(Alias, Options), Timeout)
	catch exit:_ ->
		%% The reason holds the state of the connection, with its keys.
		ok = close(Socket),
		{error, handshake_crashed}
	end,
	_ = unalias(Alias),
	{Seen, Failures} = reports(Alias, [], []),
	case Handshake of
		{ok, Secure} -> {ok, Secure, peer(ssl:peercert(Secure), Seen, Failures)};
		{error, _} -> Handshake
	end.

report_to(Alias, Options) ->
	case lists:keyfind(verify_fun, 1, Options) of
		{verify_fun, {Fun, {undefined, []}}} ->
			lists:keyreplace(verify_fun, 1, Options, {verify_fun, {Fun, {Alias, []}}});
		_ ->
			Options
	end.

close(Socket) when is_port(Socket) -> gen_tcp:close(Socket);
close(Socket) when element(1, Socket) =:= '$inet' -> gen_tcp:close(Socket);
close(Socket) ->
	_ = try ssl:close(Socket) catch exit:_ -> gone end,
	ok.

peer({error, _}, _Seen, _Failures) ->
	#{chain => [], verified => undefined};
peer({ok, Leaf}, Seen, Failures) ->
	Issuers = lists:sublist([Der || Der <- Seen, Der =/= Leaf], ?MAX_CHAIN - 1),
	#{chain => [Leaf | Issuers], verified => verified(Seen, Failures)}.

verified([], []) -> undefined;
verified(_Seen, Failures) -> Failures =:= [].

%% OTP goes from the issuers to the leaf: the last one comes first here, each once. What came before
%% the last path that OTP tried is of one that failed. The leaf's verdict by a policy is on the
%% whole chain, and takes precedence over what was said of a part.
reports(Alias, Seen, Failures) ->
	receive
		{Alias, begins} -> reports(Alias, [], []);
		{Alias, {certificate, Der}} -> reports(Alias, [Der | lists:delete(Der, Seen)], Failures);
		{Alias, {judged, Verdict}} -> reports(Alias, Seen, [Verdict || Verdict =/= ok]);
		{Alias, {failure, Failure}} -> reports(Alias, Seen, [Failure | Failures])
	after 0 ->
		{Seen, Failures}
	end.
