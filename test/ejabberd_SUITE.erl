%% Logins by certificate on Debian's ejabberd with mod_certjid, the NIF in its node: what the
%% client sees, and the reason in ejabberd's log. Set up by the lines of docs/ejabberd.md.
-module(ejabberd_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([clients/1]).

-define(ALICE, <<"alice@localhost">>).

all() ->
	[{group, veto}, {group, takeover}].

groups() ->
	[
		{veto, [], [clients]},
		{takeover, [], [clients]}
	].

init_per_suite(Config) ->
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(Group, Config) ->
	Options = case Group of
		veto -> #{};
		takeover -> #{module => "    takeover: true\n"}
	end,
	[{server, certjid_test_ejabberd:start(Config, Options)} | Config].

end_per_group(_Group, Config) ->
	certjid_test_ejabberd:stop(proplists:get_value(server, Config)).

clients(Config) ->
	#{port := Port, direct_port := DirectPort} = Server = proplists:get_value(server, Config),
	[begin
		T0 = erlang:monotonic_time(millisecond),
		Mark = byte_size(certjid_test_ejabberd:log(Server)),
		Seen = certjid_test_xmpp_env:run(Config, "slixmpp_login.py", maps:merge(maps:merge(#{jid => ?ALICE, port => P, direct_tls => D}, maps:get(N, proplists:get_value(clients, Config))), M)),
		timer:sleep(100),
		ct:pal("~p ~p ~p: ~p ~p~n~ts", [N, M, D, Seen, erlang:monotonic_time(millisecond)-T0, certjid_test_ejabberd:log(Server, Mark)])
	end || {P,D} <- [{Port,false},{DirectPort,true}], {N, M} <- [{good,#{}},{good,#{authzid=>"alice@localhost"}},{good,#{authzid=>"bob@localhost"}},{several,#{}},{several,#{authzid=>"bob@localhost"}},{several,#{authzid=>"carol@localhost"}},{cn_only,#{}},{cn_only,#{authzid=>"alice@localhost"}},{cn_only,#{authzid=>"bob@localhost"}},{bad,#{}},{expired,#{}},{revoked,#{}},{self_signed,#{}},{none,#{}}], D == false orelse N == cn_only],
	ok.
