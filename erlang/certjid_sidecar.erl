%% @doc Client of the sidecar (`certjid serve'): the decisions of {@link certjid} from a daemon on
%% this machine, over its Unix socket (docs/protocol.md, version 1). The NIF isn't needed.
%%
%% One process serves any number of callers: it sends each request at once, without waiting for
%% the replies before. Where the sidecar is down, calls fail at once, the log says why, and the
%% next call tries again. Put {@link child_spec/1} into a supervisor of your own:
%%
%% ```
%% certjid_sidecar:child_spec(#{socket => "/run/certjid/certjid.sock", name => certjid_sidecar})
%% '''
-module(certjid_sidecar).
-behaviour(gen_server).

-export([start_link/1]).
-export([child_spec/1]).
-export([authenticate/2]).
-export([authenticate/3]).
-export([mechanisms/2]).
-export([offer/2]).
-export([status/1]).

-export([init/1]).
-export([handle_continue/2]).
-export([handle_call/3]).
-export([handle_cast/2]).
-export([handle_info/2]).
-export([format_status/1]).

-include_lib("kernel/include/logger.hrl").

-type options() :: #{
	%% The path of the sidecar's socket.
	socket := file:name_all(),
	%% The registered name of the process; none by default.
	name => atom()
}.
-export_type([options/0]).

%% A client certificate in HTTP headers that a proxy has written (docs/proxy.md): the values of each
%% header, as they stand there. The sidecar takes them where its settings say so.
-type forwarded() :: #{
	proxy := nginx | rfc9440 | haproxy | envoy,
	certificate := [binary()],
	chain => [binary()]
}.
-export_type([forwarded/0]).

%% As of {@link certjid}, or with `forwarded' instead of `chain' and `cert'.
-type request() :: certjid:request() | #{
	listener := certjid:listener(),
	host := binary(),
	host_type => binary() | undefined,
	forwarded := forwarded(),
	authzid => binary() | undefined,
	initial_response => binary() | undefined,
	verified => boolean() | undefined
}.
-export_type([request/0]).

%% `unavailable': there is no connection, or it was lost, or 1000 requests are under way.
%% `timeout': no reply within the time.
-type failure() :: unavailable | timeout.
-export_type([failure/0]).

%% All in milliseconds. The first is more than the default `call_timeout' of a pool: where a service
%% hangs, the sidecar says so before.
-define(TIMEOUT, 6000).
-define(MAX_TIMEOUT, 16#7fffffff).
-define(CONNECT_TIMEOUT, 1000).
-define(SEND_TIMEOUT, 1000).
-define(MIN_BACK_OFF, 50).
-define(MAX_BACK_OFF, 2000).

%% Requests that wait for a reply. With 1024 the sidecar reads no more, and sending would block.
-define(MAX_PENDING, 1000).

%% Bytes of a reply, and of a request (the sidecar's own limit).
-define(MAX_FRAME, 262144).

-record(state, {
	path :: file:name_all(),
	socket = undefined :: gen_tcp:socket() | undefined,
	back_off = ?MIN_BACK_OFF :: pos_integer(),
	%% When to connect again, if no request comes before.
	retry = undefined :: reference() | undefined,
	%% Why there is no connection, as the log has it.
	problem = undefined :: term(),
	pending = #{} :: #{Id :: pos_integer() => {From :: gen_server:from(), Timer :: reference()}}
}).

%% @doc Starts the client. It succeeds also where the sidecar is not there yet.
-spec start_link(options()) -> gen_server:start_ret().
start_link(#{socket := Path, name := Name}) ->
	gen_server:start_link({local, Name}, ?MODULE, Path, []);
start_link(#{socket := Path}) ->
	gen_server:start_link(?MODULE, Path, []).

%% @doc The client as a child of a supervisor.
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(Options) ->
	#{
		id => maps:get(name, Options, ?MODULE),
		start => {?MODULE, start_link, [Options]}
	}.

%% @doc As {@link authenticate/3}, within 6 seconds.
-spec authenticate(gen_server:server_ref(), request()) ->
	{ok, certjid:allowed()} | {error, certjid:refused() | failure()}.
authenticate(Client, Request) ->
	authenticate(Client, Request, ?TIMEOUT).

%% @doc Decides a login as {@link certjid:decide/2} does, within a time in milliseconds: 1 to
%% 2147483647, else `badarg'.
-spec authenticate(gen_server:server_ref(), request(), Timeout :: pos_integer()) ->
	{ok, certjid:allowed()} | {error, certjid:refused() | failure()}.
authenticate(Client, Request, Timeout)
		when is_integer(Timeout), Timeout > 0, Timeout =< ?MAX_TIMEOUT ->
	case ask(Client, authenticate, Request, Timeout) of
		{ok, #{allowed := true} = Reply} -> {ok, maps:remove(allowed, Reply)};
		{ok, #{allowed := false} = Reply} -> {error, maps:remove(allowed, Reply)};
		{ok, #{error := _} = Reply} -> {error, refusal(Reply)};
		{ok, _} -> {error, unavailable};
		{error, Reason} -> {error, Reason}
	end;
authenticate(Client, Request, Timeout) ->
	error(badarg, [Client, Request, Timeout]).

%% @doc As {@link certjid:mechanisms/2}; none where the sidecar doesn't answer.
-spec mechanisms(gen_server:server_ref(), request()) -> [binary()].
mechanisms(Client, Request) ->
	case offer(Client, Request) of
		{ok, #{external := true}} -> [<<"EXTERNAL">>];
		_ -> []
	end.

%% @doc As {@link certjid:offer/2}.
-spec offer(gen_server:server_ref(), request()) ->
	{ok, certjid:offer()} | {error, failure()}.
offer(Client, Request) ->
	case ask(Client, mechanisms, Request, ?TIMEOUT) of
		{ok, #{external := _} = Reply} -> {ok, maps:with([external, reason, message], Reply)};
		{ok, #{error := _} = Reply} ->
			Why = maps:with([reason, message], refusal(Reply)),
			{ok, Why#{external => false}};
		{ok, _} -> {error, unavailable};
		{error, Reason} -> {error, Reason}
	end.

%% @doc What the sidecar says of itself: its release, configuration file and process, when it
%% has loaded what it uses, and its counters.
-spec status(gen_server:server_ref()) -> {ok, map()} | {error, failure()}.
status(Client) ->
	case ask(Client, #{request => status}, ?TIMEOUT) of
		{ok, #{error := _}} -> {error, unavailable};
		Other -> Other
	end.

%% An error reply, as a refusal. The one besides bad_request, internal, is the sidecar's fault.
refusal(#{error := Error} = Reply) ->
	#{
		condition => case Error of
			<<"bad_request">> -> <<"not-authorized">>;
			_ -> <<"temporary-auth-failure">>
		end,
		reason => Error,
		message => maps:get(message, Reply, <<>>),
		disconnect => false,
		trail => []
	}.

ask(Client, What, #{forwarded := Forwarded} = Request, Timeout) ->
	case Request of
		#{chain := _} -> error(badarg, [Request]);
		#{cert := _} -> error(badarg, [Request]);
		_ -> ok
	end,
	{ok, Normalized} = certjid_request:normalize(maps:remove(forwarded, Request)),
	ask(Client, (message(What, Normalized))#{forwarded => Forwarded}, Timeout);
ask(Client, What, Request, Timeout) ->
	case certjid_request:normalize(Request) of
		{ok, Normalized} -> ask(Client, message(What, Normalized), Timeout);
		{error, Message} -> {ok, #{error => <<"bad_request">>, message => Message}}
	end.

message(What, #{listener := Listener, authzid := Authzid} = Normalized) ->
	Message = maps:merge(maps:with([host, host_type, chain, verified], Normalized), #{
		request => What,
		listener => case Listener of
			{name, Name} -> Name;
			{port, Port} -> #{port => Port}
		end
	}),
	Present = maps:filter(fun(_, Value) -> Value =/= undefined end, Message),
	case {What, Authzid} of
		{authenticate, {decoded, Bytes}} -> Present#{authzid => Bytes};
		{authenticate, {initial_response, Text}} -> Present#{initial_response => Text};
		_ -> Present
	end.

%% The frame is made in the caller's process.
ask(Client, Message, Timeout) ->
	Id = erlang:unique_integer([positive]),
	Frame = term_to_binary(Message#{id => Id}),
	case byte_size(Frame) of
		Size when Size > ?MAX_FRAME ->
			{ok, #{error => <<"bad_request">>, message => <<"the request is too large">>}};
		_ ->
			%% The client answers in time, unless it is held up in sending.
			try gen_server:call(Client, {ask, Id, Frame, Timeout}, Timeout + ?SEND_TIMEOUT) of
				{ok, Reply} -> {ok, maps:without([id, version], Reply)};
				{error, Reason} -> {error, Reason}
			catch
				exit:{timeout, _} -> {error, timeout};
				exit:_ -> {error, unavailable}
			end
	end.

%% gen_server.

-spec init(file:name_all()) -> {ok, #state{}, {continue, connect}}.
init(Path) ->
	{ok, #state{path = Path}, {continue, connect}}.

-spec handle_continue(connect, #state{}) -> {noreply, #state{}}.
handle_continue(connect, State) ->
	{noreply, connect(State)}.

-spec handle_call({ask, pos_integer(), binary(), pos_integer()}, gen_server:from(), #state{}) ->
	{reply, {error, unavailable}, #state{}} | {noreply, #state{}}.
handle_call({ask, _, _, _} = Ask, From, #state{socket = undefined} = State) ->
	%% It may have come back since the last try.
	case connect(State) of
		#state{socket = undefined} = Still -> {reply, {error, unavailable}, Still};
		Connected -> handle_call(Ask, From, Connected)
	end;
handle_call({ask, _, _, _}, _From, #state{pending = Pending} = State)
		when map_size(Pending) >= ?MAX_PENDING ->
	{reply, {error, unavailable}, State};
handle_call({ask, Id, Frame, Timeout}, From, #state{socket = Socket, pending = Pending} = State) ->
	case gen_tcp:send(Socket, Frame) of
		ok ->
			Timer = erlang:start_timer(Timeout, self(), {expired, Id}),
			{noreply, State#state{pending = Pending#{Id => {From, Timer}}}};
		{error, Reason} ->
			{reply, {error, unavailable}, disconnect(Reason, State)}
	end.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
	{noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({tcp, Socket, Frame}, #state{socket = Socket} = State) ->
	case decode(Frame) of
		#{id := Id} = Reply ->
			{noreply, answer(Id, {ok, Reply}, answered(State))};
		_ -> {noreply, disconnect(bad_reply, State)}
	end;
handle_info({tcp_closed, Socket}, #state{socket = Socket} = State) ->
	{noreply, disconnect(closed, State)};
handle_info({tcp_error, Socket, Reason}, #state{socket = Socket} = State) ->
	{noreply, disconnect(Reason, State)};
handle_info({timeout, _Timer, {expired, Id}}, State) ->
	{noreply, answer(Id, {error, timeout}, State)};
handle_info({timeout, Retry, connect}, #state{retry = Retry} = State) ->
	{noreply, connect(State#state{retry = undefined})};
handle_info(_Message, State) ->
	{noreply, State}.

%% Requests have certificates in them, which are not for the log.
-spec format_status(gen_server:format_status()) -> gen_server:format_status().
format_status(Status) ->
	maps:map(fun
		(message, _) -> hidden;
		(_, Value) -> Value
	end, Status).

%% A reply that nobody waits for any more is dropped.
answer(Id, Answer, #state{pending = Pending} = State) ->
	case maps:take(Id, Pending) of
		{{From, Timer}, Others} ->
			_ = erlang:cancel_timer(Timer),
			gen_server:reply(From, Answer),
			State#state{pending = Others};
		error ->
			State
	end.

connect(#state{socket = undefined, path = Path} = State) ->
	Options = [
		binary,
		{active, true},
		{packet, 4},
		{packet_size, ?MAX_FRAME},
		{send_timeout, ?SEND_TIMEOUT},
		{send_timeout_close, true}
	],
	try gen_tcp:connect({local, Path}, 0, [local | Options], ?CONNECT_TIMEOUT) of
		{ok, Socket} -> State#state{socket = Socket};
		{error, Reason} -> retry(failed(Reason, State))
	catch _:Reason ->
		retry(failed(Reason, State))
	end;
connect(State) ->
	State.

%% One that is closed while nobody waits was idle.
disconnect(closed, #state{pending = Pending} = State) when map_size(Pending) =:= 0 ->
	disconnect(State);
disconnect(Reason, State) ->
	disconnect(failed(Reason, State)).

disconnect(#state{socket = Socket, pending = Pending} = State) ->
	_ = gen_tcp:close(Socket),
	maps:foreach(fun(_, {From, Timer}) ->
		_ = erlang:cancel_timer(Timer),
		gen_server:reply(From, {error, unavailable})
	end, Pending),
	retry(State#state{socket = undefined, pending = #{}}).

retry(#state{retry = undefined, back_off = BackOff} = State) ->
	Retry = erlang:start_timer(BackOff, self(), connect),
	State#state{retry = Retry, back_off = min(2 * BackOff, ?MAX_BACK_OFF)};
retry(State) ->
	State.

%% Each problem is logged when it begins, not again at every try.
failed(Problem, #state{problem = Problem} = State) ->
	State;
failed(Problem, #state{path = Path} = State) ->
	?LOG_WARNING("certjid: the sidecar at ~ts does not answer: ~ts", [Path, describe(Problem)]),
	State#state{problem = Problem}.

describe(bad_reply) -> "what it sent is no reply";
describe(closed) -> "it closed the connection while requests were under way";
describe(enoent) -> "there is no such socket";
describe(eacces) -> "this user may not open the socket";
describe(econnrefused) -> "connection refused: no process is listening";
describe(Reason) -> io_lib:format("~0tp", [Reason]).

answered(#state{problem = undefined} = State) ->
	State#state{back_off = ?MIN_BACK_OFF};
answered(#state{path = Path} = State) ->
	?LOG_NOTICE("certjid: the sidecar at ~ts answers again", [Path]),
	State#state{back_off = ?MIN_BACK_OFF, problem = undefined}.

%% No reply makes a new atom: only these keys are read. A later sidecar has binaries as further keys.
decode(Frame) ->
	try binary_to_term(Frame, [safe]) of
		Reply when is_map(Reply) -> maps:with(known_keys(), Reply);
		_ -> error
	catch error:badarg ->
		error
	end.

known_keys() ->
	[
		id, version, error, message,
		%% authenticate
		allowed, jid, username, method, source, kind, condition, reason, disconnect, trail,
		what, outcome,
		%% mechanisms
		external, mechanisms,
		%% status
		release, config, loaded_at, uptime, refused, errors, connections, reload_error, pid, methods,
		reasons, name, count, services, pool, up, answered, failed, failed_at, cause, expiring
	].
