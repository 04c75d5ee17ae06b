%% Certificates for the tests, in DER written by hand: public_key's records for them change from
%% one OTP release to the next, and don't let one write everything.
-module(certjid_test_cert).

-export([key/0]).
-export([self_signed/2]).
-export([make/3]).
-export([crl/2]).
-export([xmpp_addr/1]).
-export([pem/1]).
-export([subject/1]).

-include_lib("public_key/include/public_key.hrl").

-define(COMMON_NAME, {2, 5, 4, 3}).
-define(SUBJECT_ALT_NAME, {2, 5, 29, 17}).
-define(CRL_NUMBER, {2, 5, 29, 20}).
-define(BASIC_CONSTRAINTS, {2, 5, 29, 19}).
-define(EXTENDED_KEY_USAGE, {2, 5, 29, 37}).
-define(XMPP_ADDR, {1, 3, 6, 1, 5, 5, 7, 8, 5}).
-define(ECDSA_SHA256, {1, 2, 840, 10045, 4, 3, 2}).
-define(EC_PUBLIC_KEY, {1, 2, 840, 10045, 2, 1}).
-define(P256, {1, 2, 840, 10045, 3, 1, 7}).

key() ->
	public_key:generate_key({namedCurve, ?P256}).

%% A certificate that signs itself. Names: see make/3.
self_signed(Key, Names) ->
	make(Key, Names, #{issuer => {subject(Names), Key}}).

%% Names: `common_name', a binary or null, and `xmpp_addrs', a list of them. Options: `issuer', the
%% subject and key of the issuer; `ca', whether it is a CA; `not_after', as GeneralizedTime;
%% `san', which replaces the SubjectAltName's value; `serial'; `usages', the extended key usage; `version', 1 or 3.
make(Key, Names, #{issuer := {Issuer, IssuerKey}} = Options) ->
	Algorithm = seq([oid(?ECDSA_SHA256)]),
	NotAfter = maps:get(not_after, Options, "21000101000000Z"),
	{Version, Extensions} = case Options of
		#{version := 1} -> {[], []};
		_ -> {tlv(16#A0, integer(2)), tlv(16#A3, seq(extensions(Names, Options)))}
	end,
	Tbs = seq([
		Version,
		integer(maps:get(serial, Options, erlang:unique_integer([positive]))),
		Algorithm,
		Issuer,
		seq([tlv(16#18, "20250101000000Z"), tlv(16#18, NotAfter)]),
		subject(Names),
		public_key(Key),
		Extensions
	]),
	sign(Tbs, Algorithm, IssuerKey).

%% A list of an issuer that revokes certificates by their serials.
crl({Issuer, IssuerKey}, Serials) ->
	Algorithm = seq([oid(?ECDSA_SHA256)]),
	Begun = tlv(16#18, "20250101000000Z"),
	Tbs = seq([
		integer(1),
		Algorithm,
		Issuer,
		Begun,
		tlv(16#18, "21000101000000Z"),
		seq([seq([integer(Serial), Begun]) || Serial <- Serials]),
		tlv(16#A0, seq([extension(?CRL_NUMBER, integer(1))]))
	]),
	sign(Tbs, Algorithm, IssuerKey).

sign(Tbs, Algorithm, Key) ->
	seq([Tbs, Algorithm, tlv(16#03, [0, public_key:sign(Tbs, sha256, Key)])]).

subject(#{common_name := CommonName}) when is_binary(CommonName) ->
	seq([tlv(16#31, seq([oid(?COMMON_NAME), tlv(16#0C, CommonName)]))]);
subject(_Names) ->
	seq([tlv(16#31, seq([oid({2, 5, 4, 10}), tlv(16#0C, <<"Test">>)]))]).

public_key(#'ECPrivateKey'{publicKey = Point}) ->
	seq([seq([oid(?EC_PUBLIC_KEY), oid(?P256)]), tlv(16#03, [0, Point])]).

extensions(Names, Options) ->
	Ca = case Options of
		#{ca := true} -> seq([tlv(16#01, [16#FF])]);
		_ -> seq([])
	end,
	San = case {Options, Names} of
		{#{san := Value}, _} -> [Value];
		{_, #{xmpp_addrs := [_ | _] = Addresses}} -> [seq([xmpp_addr(A) || A <- Addresses])];
		_ -> []
	end,
	Usages = [seq([oid(Usage) || Usage <- Usages]) || #{usages := Usages} <- [Options]],
	[extension(?BASIC_CONSTRAINTS, Ca)]
		++ [extension(?SUBJECT_ALT_NAME, Value) || Value <- San]
		++ [extension(?EXTENDED_KEY_USAGE, Value) || Value <- Usages].

extension(Oid, Value) ->
	seq([oid(Oid), tlv(16#04, Value)]).

%% A GeneralName.
xmpp_addr(Address) ->
	tlv(16#A0, [oid(?XMPP_ADDR), tlv(16#A0, tlv(16#0C, Address))]).

pem(Ders) ->
	public_key:pem_encode([{'Certificate', Der, not_encrypted} || Der <- Ders]).

seq(Items) -> tlv(16#30, Items).

integer(Number) ->
	case binary:encode_unsigned(Number) of
		<<0:1, _/bits>> = Bytes -> tlv(16#02, Bytes);
		Bytes -> tlv(16#02, [0, Bytes])
	end.

oid(Oid) ->
	[First, Second | Others] = tuple_to_list(Oid),
	tlv(16#06, [base_128(Arc) || Arc <- [40 * First + Second | Others]]).

base_128(Arc) when Arc < 128 -> <<Arc>>;
base_128(Arc) -> base_128(Arc bsr 7, <<(Arc band 127)>>).

base_128(0, Acc) -> Acc;
base_128(Arc, Acc) -> base_128(Arc bsr 7, <<(128 bor (Arc band 127)), Acc/binary>>).

tlv(Tag, Value) ->
	Bytes = iolist_to_binary(Value),
	Length = case byte_size(Bytes) of
		Size when Size < 128 ->
			<<Size>>;
		Size ->
			Unsigned = binary:encode_unsigned(Size),
			<<(128 + byte_size(Unsigned)), Unsigned/binary>>
	end,
	<<Tag, Length/binary, Bytes/binary>>.
