%% @doc The policy of the node's own configuration file, for {@link certjid_verification}.
%%
%% A process loads it, looks at the files once a second, and loads it again when one has changed;
%% a file with faults changes nothing. Logins read the policy from a persistent term: they neither
%% load it nor look at files. The process needs no supervisor: the next login starts it again.
%%
%% The file is MongooseIM's own, where that is the node's (`mongoose_config:get_config_path/0');
%% otherwise the one of the application's environment: `{certjid, [{config, "mongooseim.toml"}]}'.
-module(certjid_node_policy).

-export([start/0]).
-export([get/0]).

-behaviour(gen_server).
-export([init/1]).
-export([handle_continue/2]).
-export([handle_call/3]).
-export([handle_cast/2]).
-export([handle_info/2]).

-record(state, {
	loaded :: loaded(),
	%% The errors of the last attempt, which are not told again.
	errors = [] :: [map()]
}).

%% `{error, Why}' before there is a policy.
-type loaded() :: {ok, certjid:policy()} | {error, Why :: binary()}.
-export_type([loaded/0]).

%% Milliseconds between two looks at the files, and before another attempt after one that failed:
%% the fault may be a file that is not looked at, since the policy in use does not have it.
-define(LOOK, 1000).
-define(RETRY, 5000).

%% Milliseconds that a login waits where the first load is under way.
-define(WAIT, 3000).

%% @doc Starts the process, if the node has a configuration file. It returns before that is loaded.
-spec start() -> ok.
start() ->
	case file() of
		undefined -> ok;
		_ -> started(gen_server:start({local, ?MODULE}, ?MODULE, [], []))
	end.

started({ok, _Pid}) -> ok;
started({error, {already_started, _Pid}}) -> ok.

%% @doc The policy, or why it can't be had.
-spec get() -> loaded().
get() ->
	case {whereis(?MODULE), persistent_term:get(?MODULE, undefined)} of
		{Pid, {Pid, Loaded}} -> Loaded;
		_ -> await()
	end.

await() ->
	ok = start(),
	try
		gen_server:call(?MODULE, get, ?WAIT)
	catch
		exit:{timeout, _} -> {error, <<"the configuration file is still being loaded">>};
		exit:_ -> {error, no_file()}
	end.

no_file() ->
	<<"the node has no configuration file: this is not MongooseIM, and the environment of the "
		"application certjid has no `config`">>.

-spec init([]) -> {ok, #state{}, {continue, load}}.
init([]) ->
	{ok, #state{loaded = {error, no_file()}}, {continue, load}}.

-spec handle_continue(load, #state{}) -> {noreply, #state{}}.
handle_continue(load, State) ->
	{noreply, load(State)}.

-spec handle_call(get, gen_server:from(), #state{}) -> {reply, loaded(), #state{}}.
handle_call(get, _From, #state{loaded = Loaded} = State) ->
	{reply, Loaded, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Request, State) ->
	{noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info(look, #state{loaded = {ok, Policy}} = State) ->
	case certjid_nif:is_current(Policy) of
		true -> {noreply, look_after(?LOOK, State)};
		false -> {noreply, load(State)}
	end;
handle_info(look, State) ->
	{noreply, load(State)};
handle_info(_Message, State) ->
	{noreply, State}.

load(#state{loaded = Before, errors = Known} = State) ->
	File = file(),
	case load_file(File) of
		{ok, Policy} ->
			log_loaded(File, Before, Policy),
			look_after(?LOOK, keep(State#state{loaded = {ok, Policy}, errors = []}));
		{error, Known} ->
			look_after(?RETRY, State);
		{error, Errors} ->
			log_errors(File, Before, Errors),
			look_after(?RETRY, keep(State#state{loaded = failed(Before, Errors), errors = Errors}))
	end.

load_file(undefined) ->
	{error, [#{message => no_file()}]};
load_file(File) ->
	try
		certjid:load(File)
	catch error:Reason ->
		{error, [#{message => unicode:characters_to_binary(cause(Reason))}]}
	end.

cause({nif_not_loaded, File, Reason}) -> io_lib:format("the NIF ~ts can't be loaded: ~ts", [File, Reason]);
cause(badarg) -> "the name of the configuration file is not text";
cause(_Reason) -> "certjid:load/1 fails".

failed({ok, _} = Before, _Errors) -> Before;
failed({error, _}, [#{message := Message} | _]) -> {error, Message}.

keep(#state{loaded = Loaded} = State) ->
	ok = persistent_term:put(?MODULE, {self(), Loaded}),
	State.

look_after(Time, State) ->
	_ = erlang:send_after(Time, self(), look),
	State.

log_loaded(File, Before, Policy) ->
	What = case Before of
		{ok, _} -> certjid_policy_reloaded;
		{error, _} -> certjid_policy_loaded
	end,
	logger:notice(#{
		what => What, file => text(File), listeners => certjid_nif:certificate_listeners(Policy),
		message => <<"certjid_verification judges the certificates of logins itself, as the "
			"listeners of this file say, with CRLs">>
	}).

log_errors(File, Before, Errors) ->
	Message = case Before of
		{ok, _} -> <<"the policy is not loaded again: the old one stays in use">>;
		{error, _} -> <<"certjid_verification has no policy: it refuses every login">>
	end,
	[
		logger:error(Error#{
			what => certjid_policy_not_loaded, config => text(File), message => Message,
			reason => maps:get(message, Error)
		})
		|| Error <- Errors
	],
	ok.

file() ->
	Module = mongoose_config,
	_ = code:ensure_loaded(Module),
	case erlang:function_exported(Module, get_config_path, 0) of
		true ->
			Module:get_config_path();
		false ->
			%% It may be on the code path alone.
			_ = application:load(certjid),
			application:get_env(certjid, config, undefined)
	end.

text(undefined) ->
	undefined;
text(File) ->
	try unicode:characters_to_binary(File) of
		Text when is_binary(Text) -> Text;
		_ -> undefined
	catch error:badarg -> undefined
	end.
