%% No error term holds bytes of a private key, whatever has become of the text that it is in.
-module(secrets_SUITE).

-export([all/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([every_way_of_writing_a_key_is_found/1]).
-export([key_in_place_of_a_certificate/1]).
-export([key_in_the_files_of_a_policy/1]).

all() ->
	[
		every_way_of_writing_a_key_is_found, key_in_place_of_a_certificate,
		key_in_the_files_of_a_policy
	].

init_per_suite(Config) ->
	certjid_test_config:init(Config).

end_per_suite(_Config) ->
	ok.

every_way_of_writing_a_key_is_found(_Config) ->
	Key = key(),
	Pem = pem(Key),
	Terms = [
		Pem, binary_to_list(Pem), {error, <<"no: ", Pem/binary>>},
		list_to_binary(io_lib:format("~w", [binary_to_list(Pem)])),
		binary:encode_hex(Pem), binary:encode_hex(Key), base64:encode(Pem), Key
	],
	[true = is_in(Key, Term) || Term <- Terms],
	false = is_in(Key, pem(key())),
	false = is_in(Key, {error, <<"line 1: the block PRIVATE KEY has no end">>}).

key_in_place_of_a_certificate(Config) ->
	Key = key(),
	Policy = certjid_test_config:policy(Config, #{}),
	Cert = certjid_test_cert:pem([certjid_test_config:issue(Config, #{common_name => <<"alice">>})]),
	Request = #{listener => c2s, host => <<"localhost">>},
	Seen = [
		[
			certjid:identity(Text),
			certjid:get_common_name(Text),
			certjid:get_xmpp_addresses(Text),
			certjid:get_validity(Text),
			try certjid:get_cert_domains(Text) catch error:Reason -> Reason end,
			[
				{certjid:decide(Policy, Chain), certjid:mechanisms(Policy, Chain)}
			|| Chain <- [
				Request#{cert => Text}, Request#{chain => Text}, Request#{chain => [Text]}
			]],
			certjid:verify_chain(Policy, c2s, [Text])
		]
	|| Damaged <- damaged(Key), Text <- [Damaged, <<Cert/binary, Damaged/binary>>,
		<<Damaged/binary, Cert/binary>>]],
	false = is_in(Key, Seen),
	{error, Message} = certjid:identity(binary:replace(pem(Key), <<"\n">>, <<" ">>, [global])),
	{_, _} = binary:match(Message, <<"line ends">>).

key_in_the_files_of_a_policy(Config) ->
	Key = key(),
	Dir = proplists:get_value(files, Config),
	#{file := CaFile} = proplists:get_value(ca, Config),
	{ok, Ca} = file:read_file(CaFile),
	Load = fun(Text, Options) ->
		File = filename:join(Dir, integer_to_list(erlang:unique_integer([positive])) ++ ".pem"),
		ok = file:write_file(File, Text),
		case certjid:load(certjid_test_config:write(Dir, "secret.toml", Options(File))) of
			{ok, Policy} -> certjid:warnings(Policy);
			{error, [_ | _] = Errors} -> Errors
		end
	end,
	Tls = fun(Lines) ->
		#{cacertfile => CaFile, more => [
			"[[listen.c2s]]\n  port = 5223\n  tls.cacertfile = \"", CaFile, "\"\n", Lines
		]}
	end,
	Places = [
		fun(File) -> #{cacertfile => File} end,
		fun(File) -> Tls(["  tls.crl_files = [\"", File, "\"]\n"]) end,
		fun(File) ->
			Tls(["  tls.certfile = \"", File, "\"\n  tls.keyfile = \"", File, "\"\n"])
		end
	],
	Seen = [
		Load(Text, Place)
	|| Damaged <- damaged(Key), Text <- [Damaged, <<Ca/binary, Damaged/binary>>],
		Place <- Places],
	true = length(lists:flatten(Seen)) > 20,
	false = is_in(Key, Seen).

key() ->
	public_key:der_encode('ECPrivateKey', public_key:generate_key({namedCurve, secp256r1})).

pem(Key) ->
	public_key:pem_encode([{'ECPrivateKey', Key, not_encrypted}]).

%% The text of the key as people damage it.
damaged(Key) ->
	Pem = pem(Key),
	Replace = fun(What, By) -> binary:replace(Pem, What, By, [global]) end,
	[
		Pem,
		Replace(<<"\n">>, <<" ">>),
		Replace(<<"\n">>, <<"\\n">>),
		Replace(<<"\n">>, <<>>),
		Replace(<<"-----END EC PRIVATE KEY-----">>, <<>>),
		Replace(<<"-----BEGIN EC PRIVATE KEY-----">>, <<>>),
		Replace(<<"EC PRIVATE KEY">>, <<"CERTIFICATE">>),
		Replace(<<"EC PRIVATE KEY">>, <<"X509 CRL">>),
		Replace(<<"EC PRIVATE KEY">>, <<"ENCRYPTED PRIVATE KEY">>),
		Replace(<<"END EC PRIVATE KEY">>, <<"END CERTIFICATE">>),
		base64:encode(Key),
		<<":", (base64:encode(Key))/binary, ":">>,
		Key
	].

%% Whether a term has a part of the key in it: as text, in hexadecimal, in decimal, in base64 of
%% the text, or as it is. What stands around these bytes is the same in every key.
is_in(<<_:9/binary, Secret:30/binary, _/binary>>, Term) ->
	Base64 = base64:encode_to_string(Secret),
	Text = squeeze(io_lib:format("~0p ~w", [Term, Term])),
	Decimal = fun(Bytes) -> lists:join($,, [integer_to_list(Byte) || Byte <- Bytes]) end,
	Forms = lists:append([
		[
			Part, Decimal(Part), binary_to_list(binary:encode_hex(list_to_binary(Part)))
		]
	|| Bytes <- [Base64, binary_to_list(Secret)], Part <- parts(Bytes, 8)]) ++ [
		base64:encode_to_string(Part)
	|| From <- [0, 1, 2], Part <- parts(lists:nthtail(From, Base64), 9)],
	lists:any(fun(Form) -> string:find(Text, squeeze(Form)) =/= nomatch end, Forms).

parts(Bytes, Size) when length(Bytes) < Size ->
	[];
parts(Bytes, Size) ->
	{Part, Rest} = lists:split(Size, Bytes),
	[Part | parts(Rest, Size)].

squeeze(Chars) ->
	[Char || Char <- string:lowercase(lists:flatten(Chars)), Char > $\s, Char =/= $\\, Char =/= $"].
