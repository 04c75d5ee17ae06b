%% A module for `sasl_external': what it does stands in the authorization identity's local part.
-module(certjid_test_module).
-behaviour(certjid_module).

-export([verify_creds/1]).

verify_creds(#{auth_id := <<"map@localhost">>} = Creds) ->
	#{
		lserver := <<"localhost">>,
		common_name := <<"alice">>,
		xmpp_addresses := [<<"alice@localhost">>],
		der_cert := Der,
		pem_cert := <<"-----BEGIN CERTIFICATE-----", _/binary>> = Pem
	} = Creds,
	6 = map_size(Creds),
	[{'Certificate', Der, not_encrypted}] = public_key:pem_decode(Pem),
	{ok, <<"Map">>};
verify_creds(#{auth_id := <<"crash@localhost">>}) -> exit(kill);
verify_creds(#{auth_id := <<"throw@localhost">>}) -> throw({ok, <<"alice">>});
verify_creds(#{auth_id := <<"error@localhost">>}) -> {error, <<"invalid-authzid">>};
verify_creds(#{auth_id := <<"unknown@localhost">>}) -> {error, <<"no-such-condition">>};
verify_creds(#{auth_id := <<"bytes@localhost">>}) -> {ok, <<16#FF>>};
verify_creds(#{auth_id := <<"space@localhost">>}) -> {ok, <<"a b">>};
verify_creds(Creds) when not is_map_key(auth_id, Creds) -> {ok, "alice"}.
