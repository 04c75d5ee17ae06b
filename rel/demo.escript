#!/usr/bin/env escript
%% Decides one login through the NIF: POLICY CERTIFICATE AUTHZID ("" for none).
%% Exit status: 0 allowed, 1 refused.

main([File, CertFile, Authzid]) ->
	[true = code:add_patha(Ebin) || Ebin <- filelib:wildcard("_build/default/lib/certjid/ebin")],
	{ok, Policy} = certjid:load(File),
	{ok, Pem} = file:read_file(CertFile),
	Chain = [Der || {'Certificate', Der, not_encrypted} <- public_key:pem_decode(Pem)],
	Request = #{listener => c2s, host => <<"localhost">>, chain => Chain},
	case certjid:decide(Policy, with_authzid(Request, Authzid)) of
		{ok, #{jid := Jid, method := Method, trail := Trail}} ->
			io:format("allowed: ~ts by ~ts~n", [Jid, Method]),
			print(Trail);
		{error, #{condition := Condition, reason := Reason, message := Message, trail := Trail}} ->
			io:format("refused: ~ts (~ts)~n  ~ts~n", [Condition, Reason, Message]),
			print(Trail),
			halt(1)
	end.

with_authzid(Request, "") -> Request;
with_authzid(Request, Authzid) -> Request#{authzid => list_to_binary(Authzid)}.

print(Trail) ->
	[io:format("  ~ts: ~ts: ~ts~n", [What, Outcome, Message])
		|| #{what := What, outcome := Outcome, message := Message} <- Trail],
	ok.
