%% certjid_sidecar against a sidecar that misbehaves.
-module(sidecar_client_SUITE).

-export([all/0]).
-export([init_per_testcase/2]).
-export([end_per_testcase/2]).
-export([messages/1]).
-export([out_of_order/1]).
-export([slow/1]).
-export([broken_replies/1]).
-export([stalled/1]).
-export([bounded/1]).
-export([comes_back/1]).
-export([time_outs/1]).
-export([not_there/1]).

%% logger.
-export([log/2]).

-include_lib("stdlib/include/assert.hrl").


all() ->
	[messages, out_of_order, slow, broken_replies, stalled, bounded, comes_back, time_outs, not_there].

init_per_testcase(_Case, Config) ->
	Dir = string:trim(os:cmd("mktemp -d /tmp/certjid.XXXXXX")),
	Path = filename:join(Dir, "sock"),
	{ok, Listen} = gen_tcp:listen(0, [
		local, {ifaddr, {local, Path}}, {packet, 4}, binary, {active, false}
	]),
	#{start := {Module, Function, Args}} = certjid_sidecar:child_spec(#{socket => Path}),
	{ok, Client} = apply(Module, Function, Args),
	true = unlink(Client),
	{ok, Socket} = gen_tcp:accept(Listen, 5000),
	[{dir, Dir}, {listen, Listen}, {socket, Socket}, {client, Client} | Config].

end_per_testcase(_Case, Config) ->
	ok = gen_server:stop(proplists:get_value(client, Config)),
	ok = file:del_dir_r(proplists:get_value(dir, Config)).

%% Runs a call of the client in another process.
async(Fun) ->
	Self = self(),
	Ref = make_ref(),
	spawn_link(fun() -> Self ! {Ref, Fun()} end),
	Ref.

await(Ref) ->
	receive {Ref, Answer} -> Answer after 5000 -> timeout end.

receive_request(Socket) ->
	{ok, Frame} = gen_tcp:recv(Socket, 0, 5000),
	binary_to_term(Frame).

reply(Socket, #{id := Id}, Reply) ->
	ok = gen_tcp:send(Socket, term_to_binary(Reply#{id => Id})).

%% What stands on the wire (docs/protocol.md).
messages(Config) ->
	Client = proplists:get_value(client, Config),
	Socket = proplists:get_value(socket, Config),
	Sent = fun(Fields) ->
		Ref = async(fun() -> certjid_sidecar:authenticate(Client, maps:merge(request(), Fields)) end),
		Message = receive_request(Socket),
		%% A later sidecar may say more.
		reply(Socket, Message, (allowed())#{<<"certjid_no_such_field">> => 1}),
		{ok, #{username := <<"alice">>} = Allowed} = await(Ref),
		1 = map_size(Allowed),
		maps:remove(id, Message)
	end,
	Plain = (request())#{request => authenticate, listener := <<"c2s">>},
	[
		Message = Sent(Fields)
		|| {Fields, Message} <- [
			{#{}, Plain},
			{#{listener => {port, 5222}}, Plain#{listener := #{port => 5222}}},
			{#{authzid => <<>>}, Plain#{authzid => <<>>}},
			{#{initial_response => <<"=">>}, Plain#{initial_response => <<"=">>}},
			{#{host_type => <<"t">>, verified => false}, Plain#{host_type => <<"t">>, verified => false}},
			{#{chain => <<"PEM">>}, Plain#{chain := <<"PEM">>}}
		]
	],
	Status = async(fun() -> certjid_sidecar:status(Client) end),
	#{request := status} = Asked = receive_request(Socket),
	reply(Socket, Asked, #{error => <<"bad_request">>, message => <<"no">>}),
	{error, unavailable} = await(Status).

%% Replies may come in any order, and some are not for anyone.
out_of_order(Config) ->
	Client = proplists:get_value(client, Config),
	Socket = proplists:get_value(socket, Config),
	Refs = maps:from_list([
		{Host, async(fun() -> certjid_sidecar:authenticate(Client, (request())#{host := Host}) end)}
		|| N <- lists:seq(1, 50), Host <- [integer_to_binary(N)]
	]),
	Requests = [receive_request(Socket) || _ <- lists:seq(1, 50)],
	reply(Socket, #{id => 0}, allowed()),
	[reply(Socket, R, (allowed())#{username := Host}) || #{host := Host} = R <- lists:reverse(Requests)],
	[{ok, #{username := Host}} = await(Ref) || {Host, Ref} <- maps:to_list(Refs)].

%% No reply within the time; the one that comes afterwards does no harm.
slow(Config) ->
	Client = proplists:get_value(client, Config),
	Socket = proplists:get_value(socket, Config),
	{error, timeout} = certjid_sidecar:authenticate(Client, request(), 100),
	reply(Socket, receive_request(Socket), allowed()),
	Ref = async(fun() -> certjid_sidecar:authenticate(Client, request(), 1000) end),
	reply(Socket, receive_request(Socket), (allowed())#{allowed := false}),
	{error, #{username := <<"alice">>}} = await(Ref).

%% What is no reply ends the connection, and the client opens another.
broken_replies(Config) ->
	Client = proplists:get_value(client, Config),
	Listen = proplists:get_value(listen, Config),
	NewAtom = <<131, 100, 0, 20, "certjid_no_such_atom">>,
	lists:foldl(fun(Frame, Socket) ->
		Ref = async(fun() -> certjid_sidecar:authenticate(Client, request()) end),
		_ = receive_request(Socket),
		ok = gen_tcp:send(Socket, Frame),
		{error, unavailable} = await(Ref),
		{ok, Next} = gen_tcp:accept(Listen, 5000),
		Next
	end, proplists:get_value(socket, Config), [
		<<>>, <<"{}">>, <<131>>, NewAtom, term_to_binary([]), term_to_binary(#{}), <<0:(8 * 300000)>>
	]),
	?assertError(badarg, binary_to_term(NewAtom, [safe])),
	ok.

%% A sidecar that reads nothing: no caller waits longer than its time and a second.
stalled(Config) ->
	Client = proplists:get_value(client, Config),
	Request = (request())#{chain := [binary:copy(<<0>>, 60000)]},
	{Micros, Answers} = timer:tc(fun() ->
		[await(Ref) || Ref <- [
			async(fun() -> certjid_sidecar:authenticate(Client, Request, 500) end)
			|| _ <- lists:seq(1, 50)
		]]
	end),
	[] = [
		Answer || Answer <- Answers, Answer =/= {error, timeout}, Answer =/= {error, unavailable}
	],
	true = Micros < 4000000.

%% 1000 requests are under way, and no more: the sidecar would read no further.
bounded(Config) ->
	Client = proplists:get_value(client, Config),
	Waiting = [
		async(fun() -> certjid_sidecar:authenticate(Client, request(), 30000) end)
		|| _ <- lists:seq(1, 1000)
	],
	Socket = proplists:get_value(socket, Config),
	Requests = [receive_request(Socket) || _ <- Waiting],
	{error, unavailable} = certjid_sidecar:authenticate(Client, request(), 30000),
	[reply(Socket, Request, allowed()) || Request <- Requests],
	[{ok, _} = await(Ref) || Ref <- Waiting],
	ok.

%% Where the sidecar was away for a while, the first call after it works, and the log says once why
%% it did not, and that it does.
comes_back(Config) ->
	#{client := Client, listen := Listen, socket := Socket, dir := Dir} = maps:from_list(Config),
	[Path, Away] = [filename:join(Dir, Name) || Name <- ["sock", "away"]],
	ok = logger:add_handler(?MODULE, ?MODULE, #{config => self(), level => notice}),
	ok = file:rename(Path, Away),
	ok = gen_tcp:close(Socket),
	Refused = fun() -> {error, unavailable} = certjid_sidecar:authenticate(Client, request(), 100) end,
	[begin Refused(), timer:sleep(100) end || _ <- lists:seq(1, 12)],
	ok = file:rename(Away, Path),
	Ref = async(fun() -> certjid_sidecar:authenticate(Client, request()) end),
	{ok, Next} = gen_tcp:accept(Listen, 5000),
	reply(Next, receive_request(Next), allowed()),
	{ok, _} = await(Ref),
	ok = logger:remove_handler(?MODULE),
	[<<"there is no such socket">>, <<"answers again">>] = logged(Path).

log(#{msg := {Format, Args}}, #{config := Pid}) ->
	Pid ! {logged, unicode:characters_to_binary(io_lib:format(Format, Args))};
log(_Event, _Config) ->
	ok.

%% The ends of the lines on the socket, without those of a race at its beginning: the connection may
%% still be open in the client's eyes.
logged(Path) ->
	Prefix = iolist_to_binary(["certjid: the sidecar at ", Path, " "]),
	receive
		{logged, <<Prefix:(byte_size(Prefix))/binary, "answers again">>} ->
			[<<"answers again">> | logged(Path)];
		{logged, <<Prefix:(byte_size(Prefix))/binary, "does not answer: ", Why/binary>>} ->
			[Why || Why =:= <<"there is no such socket">>] ++ logged(Path);
		{logged, _} ->
			logged(Path)
	after 0 ->
		[]
	end.

%% A time that is none is the caller's fault, and leaves the client to the others.
time_outs(Config) ->
	#{client := Client, socket := Socket} = maps:from_list(Config),
	[
		?assertError(badarg, certjid_sidecar:authenticate(Client, request(), Timeout))
		|| Timeout <- [0, -1, 1.5, infinity, 1 bsl 31, 1 bsl 72]
	],
	Ref = async(fun() -> certjid_sidecar:authenticate(Client, request(), (1 bsl 31) - 1) end),
	reply(Socket, receive_request(Socket), allowed()),
	{ok, _} = await(Ref).

not_there(Config) ->
	Dir = proplists:get_value(dir, Config),
	[
		begin
			{ok, Client} = certjid_sidecar:start_link(#{socket => Path}),
			{error, unavailable} = certjid_sidecar:authenticate(Client, request()),
			{error, unavailable} = certjid_sidecar:status(Client),
			{error, unavailable} = certjid_sidecar:offer(Client, request()),
			[] = certjid_sidecar:mechanisms(Client, request()),
			ok = gen_server:stop(Client)
		end
		|| Path <- [filename:join(Dir, "none"), list_to_binary(Dir), "/" ++ lists:duplicate(200, $a)]
	],
	{error, unavailable} = certjid_sidecar:status(no_such_process).

request() ->
	#{listener => c2s, host => <<"localhost">>, chain => [<<"der">>]}.

allowed() ->
	#{allowed => true, username => <<"alice">>, version => 1}.
