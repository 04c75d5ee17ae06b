%% What certjid's NIF is measured against: the same work in Erlang with OTP's functions, in the way
%% of MongooseIM. Where MongooseIM does more (it decodes the inner string of an xmppAddr by a
%% generated decoder, and prepares JIDs for all of Unicode), this does less, so that it is faster.
-module(certjid_bench_otp).

-export([decode/1]).
-export([common_name/1]).
-export([xmpp_addresses/1]).
-export([decide/4]).
-export([verify_chain/2]).

-include_lib("public_key/include/public_key.hrl").

-define(XMPP_ADDR, {1, 3, 6, 1, 5, 5, 7, 8, 5}).

decode(Der) ->
	public_key:pkix_decode_cert(Der, otp).

common_name(#'OTPCertificate'{tbsCertificate = #'OTPTBSCertificate'{subject = Subject}}) ->
	{rdnSequence, Names} = Subject,
	Found = [Value || Name <- Names,
		#'AttributeTypeAndValue'{type = ?'id-at-commonName', value = Value} <- Name],
	case Found of
		[{utf8String, Text} | _] -> Text;
		[{printableString, Text} | _] -> list_to_binary(Text);
		_ -> error
	end.

xmpp_addresses(#'OTPCertificate'{tbsCertificate = #'OTPTBSCertificate'{extensions = All}}) ->
	case lists:keyfind(?'id-ce-subjectAltName', #'Extension'.extnID, All) of
		#'Extension'{extnValue = Names} ->
			[Text || {otherName, {_, ?XMPP_ADDR, Value}} <- Names,
				{ok, Text} <- [utf8_string(Value)]];
		false ->
			[]
	end.

%% OTP up to 26 gives the encoded string, and later ones in a tuple.
utf8_string({asn1_OPENTYPE, Encoded}) -> utf8_string(Encoded);
utf8_string(<<16#0c, Length, Text:Length/binary>>) when Length < 128 -> {ok, Text};
utf8_string(<<16#0c, 16#81, Length, Text:Length/binary>>) -> {ok, Text};
utf8_string(_) -> error.

%% The rules of certjid_verification: the user name, or a SASL condition.
decide(Host, CommonName, [], Authzid) when is_binary(CommonName) ->
	case prepare(CommonName, fun node_character/1) of
		{ok, Local} when Authzid =:= undefined -> {ok, Local};
		{ok, Local} ->
			case jid(Authzid) of
				{ok, {Local, Host}} -> {ok, Local};
				_ -> {error, <<"invalid-authzid">>}
			end;
		error -> {error, <<"not-authorized">>}
	end;
decide(_Host, _CommonName, [], _Authzid) ->
	{error, <<"not-authorized">>};
decide(Host, _CommonName, Addresses, Authzid) ->
	Here = lists:usort([Local || Address <- Addresses, {ok, {Local, H}} <- [jid(Address)], H =:= Host]),
	case {Here, Authzid} of
		{[], _} -> {error, <<"not-authorized">>};
		{[Local], undefined} -> {ok, Local};
		{_, undefined} -> {error, <<"invalid-authzid">>};
		_ ->
			case jid(Authzid) of
				{ok, {Local, Host}} ->
					case lists:member(Local, Here) of
						true -> {ok, Local};
						false -> {error, <<"invalid-authzid">>}
					end;
				_ ->
					{error, <<"invalid-authzid">>}
			end
	end.

%% A bare JID, of ASCII alone.
jid(Text) ->
	case binary:split(Text, <<"@">>) of
		[Local, Domain] when Local =/= <<>>, Domain =/= <<>> ->
			case {prepare(Local, fun node_character/1), prepare(Domain, fun(_) -> true end)} of
				{{ok, L}, {ok, D}} -> {ok, {L, D}};
				_ -> error
			end;
		_ ->
			error
	end.

prepare(Text, Allowed) ->
	Lower = << <<(lower(C))>> || <<C>> <= Text >>,
	case lists:all(Allowed, binary_to_list(Lower)) of
		true -> {ok, Lower};
		false -> error
	end.

lower(C) when C >= $A, C =< $Z -> C + 32;
lower(C) -> C.

node_character(C) ->
	C > 32 andalso C < 127 andalso not lists:member(C, "\"&'/:<>@").

%% The chain is leaf first; the CA is decoded before, as ssl has it.
verify_chain(Ca, Chain) ->
	case public_key:pkix_path_validation(Ca, lists:reverse(Chain), []) of
		{ok, _} -> ok;
		{error, Reason} -> Reason
	end.
