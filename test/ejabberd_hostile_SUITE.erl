%% ejabberd under fire: certificates with hostile names, over TLS and in its node.
-module(ejabberd_hostile_SUITE).

-export([all/0]).
-export([groups/0]).
-export([init_per_suite/1]).
-export([end_per_suite/1]).
-export([init_per_group/2]).
-export([end_per_group/2]).
-export([hostile_logins/1]).
-export([hostile_hooks/1]).

-import(certjid_test_ejabberd, [der/1, raw_login/3, server/1]).
-import(certjid_test_xmpp_env, [client/2]).

-define(VICTIM, <<"victim@localhost">>).
-define(HOSTILE, 10000).

all() ->
	[{group, side_by_side}].

%% Each group has an ejabberd of its own.
groups() ->
	[
		{side_by_side, [parallel], [{group, veto}, {group, takeover}]},
		{veto, [], [hostile_logins]},
		{takeover, [], [hostile_hooks]}
	].

init_per_suite(Config) ->
	ok = certjid_test_clients:install([slixmpp]),
	certjid_test_xmpp_env:init(Config).

end_per_suite(_Config) ->
	ok.

init_per_group(side_by_side, Config) ->
	Config;
init_per_group(Group, Config) ->
	Server = certjid_test_ejabberd:start(Config, #{module => certjid_test_ejabberd:module(Group)}),
	[{server, Server} | Config].

end_per_group(side_by_side, _Config) ->
	ok;
end_per_group(_Group, Config) ->
	certjid_test_ejabberd:stop(server(Config)).

%% 10,000 times <auth/> over TLS, some 3,300 connections of up to four each, with certificates of the
%% trusted CA whose names are hostile. Some of them have a subjectAltName that OpenSSL's client does
%% not send (`unusable'): such are in hostile_hooks/1. ejabberd is the same process afterwards, has
%% not grown, and whoever got in is whom certjid lets in.
hostile_logins(Config) ->
	Server = #{direct_port := Port} = server(Config),
	Dir = filename:join(proplists:get_value(files, Config), "hostile"),
	ok = filelib:ensure_path(Dir),
	[
		ok = file:write_file(filename:join(Dir, io_lib:format("~4..0b.crt", [N])),
			certjid_test_cert:pem([Der]))
		|| {N, Der} <- lists:enumerate(hostile_certificates(Config, 300))
	],
	#{key := KeyFile} = client(Config, good),
	Run = fun(Seed) ->
		certjid_test_xmpp_env:run(Config, "hostile_logins.py", #{
			port => Port, certs => Dir, key => KeyFile, victim => ?VICTIM,
			logins => ?HOSTILE div 10, workers => 4, seed => Seed
		})
	end,
	_ = Run(0),
	Before = certjid_test_ejabberd:resident(Server),
	Start = erlang:monotonic_time(millisecond),
	Results = [Run(Seed) || Seed <- lists:seq(1, 10)],
	ct:log("~b ms, ~b kB and ~b kB~n~p", [
		erlang:monotonic_time(millisecond) - Start, Before,
		certjid_test_ejabberd:resident(Server),
		[maps:without([<<"successes">>], Result) || Result <- Results]
	]),
	?HOSTILE = lists:sum([Logins || #{<<"logins">> := Logins} <- Results]),
	ok = has_survived(Server, Before),
	{ok, Policy} = certjid:load(filename:join(maps:get(dir, Server), "mongooseim.toml")),
	[
		begin
			{ok, Pem} = file:read_file(filename:join(Dir, Cert)),
			{ok, #{jid := Jid}} = certjid:decide(Policy, #{
				listener => c2s, host => <<"localhost">>, cert => Pem, initial_response => Response
			}),
			true = Jid =/= ?VICTIM
		end
		|| #{<<"successes">> := Successes} <- Results, [Cert, Response] <- Successes
	],
	{<<"alice@localhost/", _/binary>>, _} = raw_login(Config, good, "=").

%% The same process, which has not grown by 16 MB (it has some 90).
has_survived(#{pid := Pid} = Server, Before) ->
	true = certjid_test_ejabberd:rpc(Server, os, getpid, []) =:= Pid,
	true = certjid_test_ejabberd:resident(Server) < Before + 16384,
	ok.

hostile_certificates(Config, Count) ->
	_ = rand:seed(exsss, {4, 5, 6}),
	[hostile_certificate(Config, N rem 6) || N <- lists:seq(1, Count)].

hostile_certificate(Config, Kind) ->
	Bytes = rand:bytes(rand:uniform(40)),
	Names = case Kind of
		0 -> #{common_name => unicode:characters_to_binary([1 | binary_to_list(Bytes)])};
		1 -> #{common_name => <<"mallory">>, xmpp_addrs => [Bytes]};
		2 -> #{xmpp_addrs => [<<Bytes/binary, "@localhost">> || _ <- lists:seq(1, rand:uniform(200))]};
		3 -> #{common_name => binary:copy(<<"a">>, rand:uniform(5000))};
		_ -> #{common_name => <<"mallory">>, xmpp_addrs => [<<"mallory@localhost">>, Bytes]}
	end,
	San = iolist_to_binary(certjid_test_cert:xmpp_addr(<<"mallory@localhost">>)),
	certjid_test_config:issue(Config, Names, case Kind of
		4 -> #{san => [<<16#30, (byte_size(San))>>, certjid_test_ejabberd:mutate(San)]};
		5 -> #{san => rand:bytes(rand:uniform(60))};
		_ -> #{}
	end).

%% Another 10,000 in ejabberd's node on mutated certificates, of which TLS would pass but few: the
%% hooks' functions and the takeover are called there, without a connection.
hostile_hooks(Config) ->
	Server = server(Config),
	Ders = hostile_certificates(Config, 30) ++ [der(client(Config, Name)) || Name <- [good, several, cn_only]],
	Call = fun(Count) ->
		certjid_test_ejabberd:rpc(Server, certjid_test_ejabberd, hostile, [Count, Ders, ?VICTIM])
	end,
	_ = Call(500),
	Before = certjid_test_ejabberd:resident(Server),
	Start = erlang:monotonic_time(millisecond),
	Answers = Call(?HOSTILE),
	ct:log("~b ms, ~b kB and ~b kB~n~p", [
		erlang:monotonic_time(millisecond) - Start, Before,
		certjid_test_ejabberd:resident(Server), Answers
	]),
	?HOSTILE = lists:sum(maps:values(Answers)),
	[] = [Answer || Answer <- maps:keys(Answers), not is_decision(Answer)],
	%% Both those that get as far as a decision on the names, and those that do not.
	[_ | _] = [Condition || {true, {error, Condition, _}} <- maps:keys(Answers)],
	[_ | _] = [Condition || {false, {error, Condition, _}} <- maps:keys(Answers)],
	ok = has_survived(Server, Before).

is_decision({true, {ok, User}}) -> User =/= <<"victim">>;
is_decision({Offered, {error, Condition, <<>>}}) -> is_boolean(Offered) andalso is_atom(Condition);
is_decision(_Failure) -> false.
