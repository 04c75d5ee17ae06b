%% @doc Decides XMPP logins by TLS client certificate (SASL EXTERNAL, RFC 6120 section 13.7.1,
%% XEP-0178) from MongooseIM's own configuration file.
%%
%% ```
%% {ok, Policy} = certjid:load("/etc/mongooseim/mongooseim.toml"),
%% {ok, Der} = ssl:peercert(Socket),
%% case certjid:decide(Policy, #{listener => c2s, host => <<"example.org">>, cert => Der}) of
%%     {ok, #{jid := Jid}} -> success(Jid);
%%     {error, #{condition := Condition, message := Why}} -> failure(Condition, Why)
%% end.
%% '''
%%
%% Data from outside, such as a certificate, never fails a function: the answer is
%% `{error, _}'. An argument of a wrong type fails with `badarg'. A policy may be used by any
%% number of processes; it is freed when the last of them drops it.
-module(certjid).

%% Logins.
-export([load/1]).
-export([load/2]).
-export([warnings/1]).
-export([decide/2]).
-export([decide/3]).
-export([mechanisms/2]).
-export([offer/2]).
-export([offer/3]).
-export([tls_options/2]).
-export([verify_chain/3]).
-export([verify_chain/4]).

%% Certificates.
-export([identity/1]).

%% In the place of MongooseIM's cert_utils and just_tls.
-export([get_common_name/1]).
-export([get_xmpp_addresses/1]).
-export([get_cert_domains/1]).
-export([get_validity/1]).
-export([make_server_opts/1]).

-type policy() :: certjid_nif:policy().
-export_type([policy/0]).

-type cert() :: certjid_cert:cert().
-export_type([cert/0]).

-type listener() :: certjid_request:listener().
-export_type([listener/0]).

-type request() :: certjid_request:t().
-export_type([request/0]).

-type identity() :: #{
	%% The first common name of the subject; undefined if it has no usable one.
	common_name := binary() | undefined,
	%% The usable xmppAddr fields in the certificate's order, duplicates kept.
	xmpp_addrs := [binary()],
	dns_names := [binary()],
	%% All readable names, and those that are not used, each with the reason.
	names := [#{kind := binary(), encoding := binary(), value := binary()}],
	skipped := [#{kind := binary(), value := binary(), reason := binary()}],
	%% The first and the last second of validity, in Unix seconds.
	not_before := integer(),
	not_after := integer(),
	%% SHA-256 of the DER, and the serial number, as hexadecimal digits in lower case.
	fingerprint := binary(),
	serial := binary(),
	issuer := binary(),
	subject := binary(),
	%% 1, 2 or 3.
	version := 1..3,
	%% Such as <<"RSA 2048">> or <<"EC P-256">>.
	key := binary()
}.
-export_type([identity/0]).

%% What was tried, in order; `outcome' is ok, note, skipped, or a SASL condition.
-type trail() :: [#{what := binary(), outcome := binary(), message := binary()}].
-export_type([trail/0]).

-type allowed() :: #{
	%% The prepared local part, and the bare JID.
	username := binary(),
	jid := binary(),
	%% The entry of `auth.methods' that accepted the user.
	method := binary(),
	%% Where the name was found: xmppAddr, common_name, authzid or module.
	source := binary(),
	%% The entry of `auth.sasl_external' that found it.
	kind := binary(),
	trail := trail()
}.
-export_type([allowed/0]).

-type refused() :: #{
	%% What the client is told (RFC 6120 section 6.5), such as <<"not-authorized">>.
	condition := binary(),
	%% The cause, for programs and for the operator; not for the client.
	reason := binary(),
	message := binary(),
	%% Whether `tls.disconnect_on_failure' asks that the connection be closed.
	disconnect := boolean(),
	trail := trail()
}.
-export_type([refused/0]).

%% `reason' is <<"offered">>, or the cause as a short code.
-type offer() :: #{external := boolean(), reason := binary(), message := binary()}.
-export_type([offer/0]).

-type path() :: string() | binary().
-export_type([path/0]).

%% Whether to accept a certificate whose revocation is not known; the defaults are allow for a
%% missing CRL and refuse for a stale one. MongooseIM has no such options: it checks no CRLs.
-type load_options() :: #{missing_crl => allow | refuse, stale_crl => allow | refuse}.
-export_type([load_options/0]).

%% `path' is the TOML path; `line' counts from 1.
-type load_error() :: #{
	file := binary(),
	line := pos_integer() | undefined,
	path := binary(),
	message := binary()
}.
-export_type([load_error/0]).

-type warning() :: #{line := pos_integer() | undefined, path := binary(), message := binary()}.
-export_type([warning/0]).

%% With why a CRL revoked: `unspecified', `keyCompromise' and their like.
-type bad_cert_reason() :: atom() | {revoked, atom()}.
-export_type([bad_cert_reason/0]).

%% @doc Reads a mongooseim.toml and the CA files that it names. All its faults are reported at
%% once.
-spec load(path()) -> {ok, policy()} | {error, [load_error(), ...]}.
load(File) ->
	load(File, #{}).

%% @doc As {@link load/1}, with what is done at listeners with `crl_files' where a certificate's
%% issuer has no CRL, or one whose nextUpdate is past.
-spec load(path(), load_options()) -> {ok, policy()} | {error, [load_error(), ...]}.
load(File, Options) ->
	try unicode:characters_to_binary(File, file:native_name_encoding()) of
		_ when is_binary(File) -> certjid_nif:load(File, load_options(Options));
		Path when is_binary(Path) -> certjid_nif:load(Path, load_options(Options));
		_ -> error(badarg, [File, Options])
	catch error:badarg ->
		error(badarg, [File, Options])
	end.

load_options(Options) when is_map(Options) ->
	Checked = maps:map(fun
		(Key, Value) when Key =:= missing_crl orelse Key =:= stale_crl,
			Value =:= allow orelse Value =:= refuse -> Value;
		(_Key, _Value) -> error(badarg)
	end, Options),
	maps:merge(#{missing_crl => allow, stale_crl => refuse}, Checked);
load_options(_Options) ->
	error(badarg).

%% @doc What `certjid config check' warns of in the policy's file.
-spec warnings(policy()) -> [warning()].
warnings(Policy) ->
	certjid_nif:warnings(Policy).

%% @doc Decides a login. The whole chain is checked, as the listener's `tls' options say. Where
%% `auth.sasl_external' names an Erlang module, its `verify_creds/1' runs in the calling process
%% (see {@link certjid_module}).
-spec decide(policy(), request()) -> {ok, allowed()} | {error, refused()}.
decide(Policy, Request) ->
	decide(Policy, Request, os:system_time(second)).

%% @doc As {@link decide/2}, at a time in Unix seconds.
-spec decide(policy(), request(), Now :: integer()) -> {ok, allowed()} | {error, refused()}.
decide(Policy, Request, Now) ->
	case nif_request(Request) of
		{ok, #{chain := Chain} = NifRequest} ->
			ask_modules(certjid_nif:decide(Policy, NifRequest, Now), Chain);
		{error, Message} ->
			{error, bad_request(Message)}
	end.

ask_modules({ask, Question, Pending}, Chain) ->
	Answer = certjid_module:ask(Question, Chain),
	ask_modules(certjid_nif:answer(Pending, Answer), Chain);
ask_modules({invalid, Message}, _Chain) ->
	{error, bad_request(Message)};
ask_modules(Decision, _Chain) ->
	Decision.

%% @doc The SASL mechanisms that the certificate adds to those of the connection.
-spec mechanisms(policy(), request()) -> [binary()].
mechanisms(Policy, Request) ->
	case offer(Policy, Request) of
		#{external := true} -> [<<"EXTERNAL">>];
		#{external := false} -> []
	end.

%% @doc Whether EXTERNAL is to be offered, and why not. The authorization identity is ignored.
-spec offer(policy(), request()) -> offer().
offer(Policy, Request) ->
	offer(Policy, Request, os:system_time(second)).

%% @doc As {@link offer/2}, at a time in Unix seconds.
-spec offer(policy(), request(), Now :: integer()) -> offer().
offer(Policy, Request, Now) ->
	Offer = case nif_request(Request) of
		{ok, NifRequest} -> certjid_nif:mechanisms(Policy, NifRequest, Now);
		Invalid -> Invalid
	end,
	case Offer of
		{ok, Answer} -> Answer;
		{error, Message} -> #{external => false, reason => <<"bad_request">>, message => Message}
	end.

%% @doc The `tls' section of a listener as {@link certjid_tls} takes it; what is not set is
%% `undefined', and `versions' and file names are binaries.
-spec tls_options(policy(), listener()) -> {ok, map()} | {error, Message :: binary()}.
tls_options(Policy, Listener) ->
	certjid_nif:tls_options(Policy, certjid_request:listener(Listener)).

%% @doc Judges a chain, leaf first, as a listener's `tls' options say. The reason is the one that
%% OTP's `ssl' has for the first fault. A listener that the policy doesn't have, or that has no
%% TLS there, trusts nobody: the answer is `{bad_cert, unknown_ca}'.
-spec verify_chain(policy(), listener(), [Der :: binary()]) -> ok | {bad_cert, bad_cert_reason()}.
verify_chain(Policy, Listener, Chain) ->
	verify_chain(Policy, Listener, Chain, os:system_time(second)).

%% @doc As {@link verify_chain/3}, at a time in Unix seconds.
-spec verify_chain(policy(), listener(), [Der :: binary()], Now :: integer()) ->
	ok | {bad_cert, bad_cert_reason()}.
verify_chain(Policy, Listener, Chain, Now) ->
	case certjid_nif:verify_chain(Policy, certjid_request:listener(Listener), Chain, Now) of
		{ok, {}} -> ok;
		{error, [#{reason := revoked, revocation := Why} | _]} -> {bad_cert, {revoked, Why}};
		{error, [#{reason := Reason} | _]} -> {bad_cert, Reason}
	end.

%% @doc What a certificate offers as identity. It says nothing about trust. The limit is 64 KiB.
-spec identity(cert()) -> {ok, identity()} | {error, Reason :: binary()}.
identity(Cert) ->
	certjid_cert:identity(Cert).

%% @doc The first common name, as `cert_utils:get_common_name/1'; `error' also where the
%% certificate can't be read.
-spec get_common_name(cert()) -> binary() | error.
get_common_name(Cert) ->
	certjid_cert:common_name(Cert).

%% @doc The xmppAddr fields, as `cert_utils:get_xmpp_addresses/1'; none where the certificate
%% can't be read. A field that is not text (not UTF-8, with control characters, not a UTF8String) is
%% an empty binary: it names nobody, but the certificate is not one without xmppAddr. `cert_utils'
%% gives the bytes of the first two, and passes over the third.
-spec get_xmpp_addresses(cert()) -> [binary()].
get_xmpp_addresses(Cert) ->
	certjid_cert:xmpp_addresses(Cert).

%% @doc The domains of a server's certificate, as `cert_utils:get_cert_domains/1': those of the
%% common name, the xmppAddr fields (in ASCII) and the dNSName fields that are domains alone.
%% Fails with `{invalid_certificate, _}' where the certificate can't be read.
-spec get_cert_domains(cert()) -> [binary()].
get_cert_domains(Cert) ->
	certjid_cert:domains(Cert).

%% @doc The validity in seconds of the Gregorian calendar, as `cert_utils:get_validity/1'.
-spec get_validity(cert()) -> {NotBefore :: integer(), NotAfter :: integer()} | error.
get_validity(Cert) ->
	certjid_cert:validity(Cert).

%% @doc The options of `ssl' for a listener's `tls' section, as `just_tls:make_server_opts/1'.
%% See {@link certjid_tls}.
-spec make_server_opts(certjid_tls:options()) -> [ssl:tls_server_option()].
make_server_opts(Options) ->
	certjid_tls:make_server_opts(Options).

nif_request(Request) ->
	case certjid_request:normalize(Request) of
		{ok, #{chain := Text} = Normalized} when is_binary(Text) ->
			case certjid_nif:chain(Text) of
				{ok, Chain} -> {ok, Normalized#{chain := Chain}};
				{error, Message} -> {error, Message}
			end;
		{ok, Normalized} ->
			{ok, Normalized};
		{error, Message} ->
			{error, Message}
	end.

bad_request(Message) ->
	#{
		condition => <<"not-authorized">>,
		reason => <<"bad_request">>,
		message => Message,
		disconnect => false,
		trail => []
	}.
