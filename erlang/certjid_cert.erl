%% @doc Certificates in the forms that Erlang code has at hand, and what they say, in the terms
%% of MongooseIM's `cert_utils'.
-module(certjid_cert).

-export([der/1]).
-export([pem/1]).
-export([fingerprint/1]).
-export([identity/1]).
-export([common_name/1]).
-export([xmpp_addresses/1]).
-export([login_names/1]).
-export([domains/1]).
-export([validity/1]).

-include_lib("public_key/include/public_key.hrl").

%% DER; text in PEM, of which the first certificate counts; one certificate in nginx's escaped PEM
%% or RFC 9440's form; public_key's records; an entry of public_key:pem_decode/1.
-type cert() :: binary() | #'Certificate'{} | #'OTPCertificate'{}
	| {'Certificate', binary(), not_encrypted}.
-export_type([cert/0]).

%% DER's tag of a SEQUENCE, as which each certificate begins.
-define(SEQUENCE, 16#30).

%% Bytes, above which a certificate is not read on a normal scheduler.
-define(LARGE, 4096).

%% Seconds from year 0 to 1970.
-define(GREGORIAN_EPOCH, 62167219200).

%% @doc The certificate in DER. Fails with `badarg' where the term is no certificate at all.
-spec der(cert()) -> {ok, binary()} | {error, Message :: binary()}.
der(Bytes) when is_binary(Bytes) ->
	%% Not by a pattern: what OTP 25 compiles of one, OTP 29 refuses to load.
	case Bytes =/= <<>> andalso binary:first(Bytes) of
		?SEQUENCE -> {ok, Bytes};
		_ -> first_of(certjid_nif:chain(Bytes))
	end;
der({'Certificate', Der, not_encrypted}) when is_binary(Der) ->
	{ok, Der};
der(#'Certificate'{} = Cert) ->
	encode('Certificate', Cert, plain);
der(#'OTPCertificate'{} = Cert) ->
	encode('OTPCertificate', Cert, otp);
der(Cert) ->
	error(badarg, [Cert]).

first_of({ok, [Leaf | _]}) -> {ok, Leaf};
first_of({error, Message}) -> {error, Message}.

encode(Type, Cert, Format) ->
	try
		{ok, public_key:pkix_encode(Type, Cert, Format)}
	catch _:_ ->
		{error, <<"the certificate record can't be encoded">>}
	end.

%% @doc The certificate in PEM.
-spec pem(Der :: binary()) -> binary().
pem(Der) ->
	public_key:pem_encode([{'Certificate', Der, not_encrypted}]).

%% @doc SHA-256 of the certificate in DER, as hexadecimal digits in lower case.
-spec fingerprint(Der :: binary()) -> binary().
fingerprint(Der) ->
	<< <<(hex(Digit))>> || <<Digit:4>> <= crypto:hash(sha256, Der) >>.

hex(Digit) when Digit < 10 -> $0 + Digit;
hex(Digit) -> $a + Digit - 10.

%% @doc See {@link certjid:identity/1}.
-spec identity(cert()) -> {ok, map()} | {error, Message :: binary()}.
identity(Cert) ->
	case der(Cert) of
		{ok, Der} when byte_size(Der) > ?LARGE -> certjid_nif:identity_dirty(Der);
		{ok, Der} -> certjid_nif:identity(Der);
		{error, Message} -> {error, Message}
	end.

%% @doc See {@link certjid:get_common_name/1}.
-spec common_name(cert()) -> binary() | error.
common_name(Cert) ->
	case login_names(Cert) of
		{ok, undefined, _} -> error;
		{ok, CommonName, _} -> CommonName;
		{error, _} -> error
	end.

%% @doc See {@link certjid:get_xmpp_addresses/1}.
-spec xmpp_addresses(cert()) -> [binary()].
xmpp_addresses(Cert) ->
	case login_names(Cert) of
		{ok, _, Addresses} -> Addresses;
		{error, _} -> []
	end.

%% @doc What the two functions above are made of. An xmppAddr that is not text is an empty binary.
-spec login_names(cert()) ->
	{ok, CommonName :: binary() | undefined, XmppAddrs :: [binary()]} | {error, Message :: binary()}.
login_names(Cert) ->
	case der(Cert) of
		{ok, Der} when byte_size(Der) > ?LARGE -> certjid_nif:login_names_dirty(Der);
		{ok, Der} -> certjid_nif:login_names(Der);
		{error, Message} -> {error, Message}
	end.

%% @doc See {@link certjid:get_cert_domains/1}.
-spec domains(cert()) -> [binary()].
domains(Cert) ->
	case identity(Cert) of
		{ok, #{common_name := CommonName, xmpp_addrs := Addresses, dns_names := Names}} ->
			lists:append([
				[Domain || Name <- [CommonName], {ok, Domain} <- [domain(Name)]],
				[Ascii || Address <- Addresses,
					{ok, Domain} <- [domain(Address)],
					{ok, Ascii} <- [certjid_idna:to_ascii(Domain)]],
				[Domain || Name <- Names, {ok, Domain} <- [domain(Name)]]
			]);
		{error, Message} ->
			error({invalid_certificate, Message})
	end.

domain(undefined) ->
	error;
domain(Text) ->
	%% There may be thousands, and a NIF's time counts for nothing: the scheduler's turn ends in time.
	true = erlang:bump_reductions(1 + byte_size(Text)),
	case certjid_nif:jid(Text) of
		{ok, {<<>>, Domain, <<>>}} -> {ok, Domain};
		_ -> error
	end.

%% @doc See {@link certjid:get_validity/1}.
-spec validity(cert()) -> {NotBefore :: integer(), NotAfter :: integer()} | error.
validity(Cert) ->
	case identity(Cert) of
		{ok, #{not_before := NotBefore, not_after := NotAfter}} ->
			{NotBefore + ?GREGORIAN_EPOCH, NotAfter + ?GREGORIAN_EPOCH};
		{error, _} ->
			error
	end.
