%% The Erlang side of `make bench': the NIF against OTP and against its floor. See
%% docs/benchmarks.md.
-module(certjid_bench).

-export([main/1]).
-export([sidecar/1]).

%% The sides take turns in so many rounds, and the best round of each counts.
-define(ROUNDS, 300).

main([Folder, Floor]) ->
	certjid_bench_floor:init(Floor),
	{ok, Policy} = certjid:load(filename:join(Folder, "mongooseim.toml")),
	[names(Folder, Key, Count) || Key <- ["rsa", "ec"], Count <- ["1", "5"]],
	[Measure(Folder, Policy, Key, Port, Count) || Measure <- [fun login/5, fun chain/5],
		{Key, Port} <- [{"rsa", 5222}, {"ec", 5223}], Count <- ["1", "2"]],
	halt(0).

%% Decisions through one client of a sidecar that serves already, asked by 64 processes.
sidecar([Folder, Socket]) ->
	{ok, Client} = certjid_sidecar:start_link(#{socket => filename:absname(Socket)}),
	connected(Client),
	[begin
		Request = #{
			listener => {port, Port},
			host => <<"example.org">>,
			chain => pem(Folder, [Key, "-1.pem"])
		},
		{Outcome, _} = certjid_sidecar:authenticate(Client, Request),
		Rate = lists:max([rate(Client, Request) || _ <- lists:seq(1, 5)]),
		What = io_lib:format("Erlang client, ~s, port ~p: ~s", [Key, Port, Outcome]),
		io:format("~-52ts ~b/s~n", [lists:flatten(What), round(Rate)])
	end || {Key, Port} <- [{"rsa", 5224}, {"ec", 5224}, {"rsa", 5222}, {"ec", 5223}]],
	halt(0).

connected(Client) ->
	case certjid_sidecar:status(Client) of
		{ok, _} -> ok;
		{error, _} -> timer:sleep(50), connected(Client)
	end.

rate(Client, Request) ->
	Self = self(),
	Asked = 200,
	Begun = erlang:monotonic_time(microsecond),
	Pids = [spawn_link(fun() ->
		repeat(Asked, fun() -> {_, #{trail := _}} = certjid_sidecar:authenticate(Client, Request) end),
		Self ! {done, self()}
	end) || _ <- lists:seq(1, 64)],
	[receive {done, Pid} -> ok end || Pid <- Pids],
	64 * Asked * 1000000 / (erlang:monotonic_time(microsecond) - Begun).

%% Both names of a certificate.
names(Folder, Key, Count) ->
	Der = leaf(Folder, Key, Count),
	{ok, CommonName, Addresses} = Names = certjid_cert:login_names(Der),
	ok = certjid_bench_floor:set(CommonName, Addresses),
	Names = certjid_bench_floor:login_names(Der),
	Otp = fun() ->
		Cert = certjid_bench_otp:decode(Der),
		{certjid_bench_otp:common_name(Cert), certjid_bench_otp:xmpp_addresses(Cert)}
	end,
	%% As MongooseIM: each function decodes.
	Otp2 = fun() ->
		{certjid_bench_otp:common_name(certjid_bench_otp:decode(Der)),
			certjid_bench_otp:xmpp_addresses(certjid_bench_otp:decode(Der))}
	end,
	Getters = fun() -> {certjid:get_common_name(Der), certjid:get_xmpp_addresses(Der)} end,
	Same = {CommonName, Addresses},
	[Same = Side() || Side <- [Otp, Otp2, Getters]],
	[Ours, OurGetters, Bare, Decoded, Twice] = best(50, [
		fun() -> certjid_cert:login_names(Der) end,
		Getters,
		fun() -> certjid_bench_floor:login_names(Der) end,
		Otp,
		Otp2
	]),
	What = ["names (", Key, ", ", Count, " xmppAddr)"],
	report([What, ": OTP, decoded once / one call"], Decoded, Ours, {'>=', 8}),
	report([What, ": OTP, decoded twice / two getters"], Twice, OurGetters, {'>=', 8}),
	report([What, ": one call / floor"], Ours, Bare, {'<=', 3}).

%% From the chain to the user name, by the rules of certjid_verification.
login(Folder, Policy, Key, Port, Count) ->
	[Leaf | _] = Chain = pem(Folder, [Key, "-", Count, ".pem"]),
	Ca = authority(Folder, Key),
	Host = <<"example.org">>,
	Request = #{listener => {port, Port}, host => Host, chain => Chain},
	Ours = fun() ->
		{ok, #{jid := Jid}} = certjid:decide(Policy, Request),
		Jid
	end,
	%% As MongooseIM: TLS checks the path, then each function decodes.
	Otp = fun() ->
		ok = certjid_bench_otp:verify_chain(Ca, Chain),
		CommonName = certjid_bench_otp:common_name(certjid_bench_otp:decode(Leaf)),
		Addresses = certjid_bench_otp:xmpp_addresses(certjid_bench_otp:decode(Leaf)),
		{ok, Name} = certjid_bench_otp:decide(Host, CommonName, Addresses, undefined),
		<<Name/binary, $@, Host/binary>>
	end,
	[<<"alice@example.org">> = Side() || Side <- [Ours, Otp]],
	[A, B] = best(5, [Ours, Otp]),
	report(["login (", Key, ", ", Count, " intermediates): OTP / certjid"], B, A, {'>=', 2.5}).

chain(Folder, Policy, Key, Port, Count) ->
	Chain = pem(Folder, [Key, "-", Count, ".pem"]),
	Ca = authority(Folder, Key),
	Ours = fun() -> certjid:verify_chain(Policy, {port, Port}, Chain) end,
	Otp = fun() -> certjid_bench_otp:verify_chain(Ca, Chain) end,
	[ok = Side() || Side <- [Ours, Otp]],
	[A, B] = best(5, [Ours, Otp]),
	report(["chain (", Key, ", ", Count, " intermediates): OTP / certjid"], B, A, {'>=', 2.5}).

%% Decoded, as ssl has it.
authority(Folder, Key) ->
	[Der] = pem(Folder, [Key, "-ca.pem"]),
	certjid_bench_otp:decode(Der).

leaf(Folder, Key, Count) ->
	{ok, Der} = file:read_file(filename:join(Folder, [Key, "-addrs-", Count, ".der"])),
	Der.

pem(Folder, Name) ->
	{ok, Pem} = file:read_file(filename:join(Folder, Name)),
	[Der || {'Certificate', Der, not_encrypted} <- public_key:pem_decode(Pem)].

%% Nanoseconds that one call takes, for each side.
best(Calls, Sides) ->
	Rounds = [[time(Calls, Side) || Side <- Sides] || _ <- lists:seq(1, ?ROUNDS)],
	lists:foldl(fun(Round, Best) -> lists:zipwith(fun min/2, Round, Best) end, hd(Rounds), tl(Rounds)).

%% Each round has a fresh heap.
time(Calls, Side) ->
	Self = self(),
	Pid = spawn_link(fun() ->
		Side(),
		Begun = erlang:monotonic_time(nanosecond),
		repeat(Calls, Side),
		Self ! {self(), (erlang:monotonic_time(nanosecond) - Begun) / Calls}
	end),
	receive {Pid, Time} -> Time end.

repeat(0, _Side) ->
	ok;
repeat(Calls, Side) ->
	_ = Side(),
	repeat(Calls - 1, Side).

%% The first over the second.
report(What, First, Second, Target) ->
	Ratio = First / Second,
	Verdict = case Target of
		{'>=', Least} -> io_lib:format(">= ~p: ~s", [Least, met(Ratio >= Least)]);
		{'<=', Most} -> io_lib:format("<= ~p: ~s", [Most, met(Ratio =< Most)]);
		none -> ""
	end,
	Figures = io_lib:format("~.2f us / ~.2f us", [First / 1000, Second / 1000]),
	io:format("~-52ts ~-48s ~7.2f  ~s~n", [lists:flatten(What), lists:flatten(Figures), Ratio, Verdict]).

met(true) -> "met";
met(false) -> "MISSED".
