%% @doc The `ssl' options of a listener that asks clients for their certificates, in MongooseIM's
%% terms, and what the handshake found out.
%%
%% The handshake only has to bring the certificates: {@link certjid:decide/2} judges them again
%% at each login, with CRLs and as strictly as documented, whatever the session is. It
%% needs the whole chain where clients send intermediates, and OTP keeps the leaf alone; so with
%% `report_to' the connection sends what it sees to the process that does the handshake:
%%
%% ```
%% Tls = certjid_tls:make_server_opts(Options#{report_to => self()}),
%% {ok, Socket} = ssl:handshake(TcpOrTransportSocket, Tls, 5000),
%% #{chain := Chain, verified := Verified} = certjid_tls:peer(Socket),
%% certjid:decide(Policy, #{listener => c2s, host => Host, chain => Chain, verified => Verified}).
%% '''
%%
%% After `{error, _}' from `ssl:handshake', call {@link flush/0}, unless the process ends.
-module(certjid_tls).

-export([make_server_opts/1]).
-export([listener_opts/3]).
-export([peer/1]).
-export([peer_certificate/1]).
-export([receive_verify_results/0]).
-export([flush/0]).

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
	%% The process that does the handshake and calls peer/1 afterwards, or flush/0 where it has
	%% failed; never the one that listens: it would gather messages. A pid or an alias.
	report_to => pid() | reference(),
	%% Judges the chain, leaf first, instead of OTP: see listener_opts/3.
	judge => fun(([Der :: binary()]) -> ok | {bad_cert, Reason :: term()}),
	atom() => term()
}.
-export_type([options/0]).

%% What a verification callback reports: OTP's reasons.
-type failure() :: {bad_cert, Reason :: term()}.
-export_type([failure/0]).

%% A chain of more certificates is not kept. OTP's own limit is a depth of 10.
-define(MAX_CHAIN, 16).

%% @doc The options for `ssl:listen/2' or `ssl:handshake/2'.
%%
%% With `disconnect_on_failure = false' the handshake succeeds with any certificate and without
%% one; else only a certificate that OTP accepts, and, for `selfsigned_peer', one certificate
%% alone that names itself as its issuer. A critical subjectAltName, which OTP refuses, is
%% accepted. Fails where there is neither a `cacertfile' nor the system's store.
%%
%% With `report_to', a process that goes on after a handshake that failed calls {@link flush/0}.
-spec make_server_opts(options()) -> [ssl:tls_server_option()].
make_server_opts(Options) when is_map(Options) ->
	Passed = maps:with([
		certfile, keyfile, password, cacertfile, ciphers, versions, dhfile, hibernate_after
	], Options),
	maps:to_list(Passed)
		++ [{session_tickets, stateless} || has_tickets(Options)]
		++ [{early_data, enabled} || maps:get(early_data, Options, false)]
		++ verify(maps:get(verify_mode, Options, peer), Options).

%% OTP 25 crashes each handshake of TLS 1.3 that has tickets and begins on a plain socket.
has_tickets(#{mode := Mode}) when Mode =:= starttls; Mode =:= starttls_required -> false;
has_tickets(Options) -> maps:get(session_tickets, Options, undefined) =:= stateless.

%% @doc The options for a listener of a policy, as its `tls' section has them: certificate and key
%% of the server, the CAs, and what is asked of the client. `report_to' is as in
%% {@link make_server_opts/1}: call {@link flush/0} after a handshake that failed.
%%
%% The policy itself judges the chain in the handshake, CRLs included, and not OTP, which is laxer
%% with some issuers and refuses RSA-PSS: what the handshake lets pass is what
%% {@link certjid:decide/2} accepts then, and what {@link peer_certificate/1} says. Ask for the
%% options anew with a policy that is loaded anew.
%%
%% The sections' keys that no decision depends on (`dhfile',
%% `early_data', `session_tickets') are yours to add. Fails with
%% `badarg' where the policy has no such listener with TLS, or a version that OTP does not know.
-spec listener_opts(certjid:policy(), certjid:listener(), pid() | reference()) ->
	[ssl:tls_server_option()].
listener_opts(Policy, Listener, ReportTo) ->
	case certjid:tls_options(Policy, Listener) of
		{ok, Section} ->
			Judge = fun(Chain) -> certjid:verify_chain(Policy, Listener, Chain) end,
			Given = #{report_to => ReportTo, judge => Judge},
			make_server_opts(maps:fold(fun add_option/3, Given, Section));
		{error, _} ->
			error(badarg, [Policy, Listener, ReportTo])
	end.

add_option(_Key, undefined, Options) -> Options;
add_option(versions, Versions, Options) ->
	Options#{versions => [binary_to_existing_atom(Version) || Version <- Versions]};
add_option(Key, Text, Options) when is_binary(Text) ->
	Options#{Key => unicode:characters_to_list(Text)};
add_option(Key, Value, Options) -> Options#{Key => Value}.

verify(none, _Options) ->
	[{verify, verify_none}, {fail_if_no_peer_cert, false}];
verify(Mode, Options) when Mode =:= peer; Mode =:= selfsigned_peer ->
	Strict = maps:get(disconnect_on_failure, Options, true),
	Report = reporter(Options),
	VerifyFun = fun(Cert, Event, Seen) ->
		Der = public_key:pkix_encode('OTPCertificate', Cert, otp),
		Chain = [Der | lists:delete(Der, Seen)],
		Seen =/= [] orelse Report(handshake),
		Report({certificate, Der}),
		case judge(Event, Mode, Chain, Options) of
			unknown -> {unknown, Chain};
			{bad_cert, _} = Failure when Strict -> {fail, Failure};
			Verdict when Event =:= valid_peer, is_map_key(judge, Options) ->
				Report({judged, Verdict}),
				{valid, Chain};
			{bad_cert, _} = Failure ->
				Report({failure, Failure}),
				{valid, Chain};
			ok ->
				{valid, Chain}
		end
	end,
	CaCerts = [{cacerts, public_key:cacerts_get()} || not is_map_key(cacertfile, Options)],
	[
		{verify, verify_peer},
		{fail_if_no_peer_cert, Strict},
		{verify_fun, {VerifyFun, []}}
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

reporter(#{report_to := Process}) ->
	fun(Event) -> Process ! {?MODULE, Event}, ok end;
reporter(_Options) ->
	fun(_Event) -> ok end.

%% @doc The client's chain of the connection, leaf first, and whether its verification succeeded,
%% to be called once, after the handshake, in the process of `report_to'. Without that option, and
%% on a resumed session, there is but the leaf, and `verified' is undefined, as without a certificate.
-spec peer(ssl:sslsocket()) -> #{chain := [Der :: binary()], verified := boolean() | undefined}.
peer(Socket) ->
	{Seen, Failures} = receive_reports([], []),
	case ssl:peercert(Socket) of
		{ok, Leaf} ->
			Issuers = lists:sublist([Der || Der <- Seen, Der =/= Leaf], ?MAX_CHAIN - 1),
			#{chain => [Leaf | Issuers], verified => verified(Seen, Failures)};
		{error, _} ->
			#{chain => [], verified => undefined}
	end.

%% @doc The client's certificate as MongooseIM's `just_tls' gives it: with the first failure where
%% OTP's verification let it pass, under `disconnect_on_failure = false'. It is for connections with
%% `report_to', and called instead of {@link peer/1}; a certificate that no report accompanies was
%% not verified on this connection, and is `{bad_cert, unverified}'.
-spec peer_certificate(ssl:sslsocket()) ->
	{ok, Der :: binary()} | {bad_cert, Reason :: term()} | no_peer_cert.
peer_certificate(Socket) ->
	{Seen, Failures} = receive_reports([], []),
	case {ssl:peercert(Socket), Seen, Failures} of
		{{error, _}, _, _} -> no_peer_cert;
		{{ok, _}, _, [Failure | _]} -> Failure;
		{{ok, _}, [], []} -> {bad_cert, unverified};
		{{ok, Leaf}, _, []} -> {ok, Leaf}
	end.

verified([], []) -> undefined;
verified(_Seen, Failures) -> Failures =:= [].

%% @doc The failures that `disconnect_on_failure = false' let pass, oldest first. It takes all that
%% was reported: call it instead of {@link peer/1}.
-spec receive_verify_results() -> [failure()].
receive_verify_results() ->
	{_Seen, Failures} = receive_reports([], []),
	Failures.

%% @doc Drops what was reported of a handshake that failed, to be called in the process of
%% `report_to' where it goes on, as in a pool of acceptors. Without it they stay in its mailbox until
%% the next {@link peer/1}, which tells them from those of its own client.
-spec flush() -> ok.
flush() ->
	_ = receive_reports([], []),
	ok.

%% OTP goes from the issuers to the leaf: the last one comes first here, each once. What came before
%% the last handshake, or the last path that OTP tried in it, is of one that failed. The leaf's
%% verdict by a policy is on the whole chain, and goes before what was said of a part.
receive_reports(Seen, Failures) ->
	receive
		{?MODULE, handshake} -> receive_reports([], []);
		{?MODULE, {certificate, Der}} -> receive_reports([Der | lists:delete(Der, Seen)], Failures);
		{?MODULE, {judged, Verdict}} -> receive_reports(Seen, [Verdict || Verdict =/= ok]);
		{?MODULE, {failure, Failure}} -> receive_reports(Seen, [Failure | Failures])
	after 0 ->
		{Seen, lists:reverse(Failures)}
	end.
