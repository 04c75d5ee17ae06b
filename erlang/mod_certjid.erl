%% @doc An ejabberd module: logins by certificate (SASL EXTERNAL) as a certjid policy decides
%% them. For operators: docs/ejabberd.md.
%%
%% ```
%% modules:
%%   mod_certjid:
%%     config: /etc/ejabberd/mongooseim.toml
%% '''
%%
%% ejabberd decides a login by certificate itself. This module hears of its decisions and undoes
%% those that certjid does not share: a login that ejabberd lets through ends with the condition
%% that certjid gives, and the stream with it. It can't let in whom ejabberd refuses, unless
%% `takeover' has certjid decide in ejabberd's place ({@link certjid_ejabberd_pkix}). EXTERNAL
%% is withheld from connections whose certificate certjid would refuse.
%%
%% The reasons are in ejabberd's log; the client is told the condition alone. Without a policy or
%% the NIF, logins by certificate are refused with `temporary-auth-failure'. A hook that fails
%% would count as one that agrees, so that no failure leaves this module.
%%
%% Nothing of ejabberd is needed to compile it: its functions are called by name.
-module(mod_certjid).

-include_lib("kernel/include/logger.hrl").

%% ejabberd's gen_mod.
-export([start/2]).
-export([stop/1]).
-export([reload/3]).
-export([depends/2]).
-export([mod_opt_type/1]).
-export([mod_options/1]).
-export([mod_doc/0]).

%% Hooks.
-export([config_reloaded/0]).
-export([stream_started/2]).
-export([handle_recv/3]).
-export([auth_result/3]).

-export([authenticate/1]).

%% ejabberd's state of a stream.
-type stream() :: #{atom() => term()}.
-export_type([stream/0]).

-type options() :: #{
	%% The mongooseim.toml.
	config := file:filename_all(),
	%% The listener's name or port in there.
	listener := c2s | http | inet:port_number(),
	%% Certificates in PEM between the clients' and the CAs'.
	intermediates := file:filename_all() | undefined,
	%% Whether certjid decides in ejabberd's place.
	takeover := boolean(),
	atom() => term()
}.
-export_type([options/0]).

-type loaded() :: #{
	options := options(),
	policy := certjid:policy() | undefined,
	intermediates := [Der :: binary()]
}.

-define(CONFIG(Host), {?MODULE, Host}).
-define(NS_SASL, <<"urn:ietf:params:xml:ns:xmpp-sasl">>).

%% Characters of a text in the log.
-define(MAX_TEXT, 1000).

%% The last one comes before ejabberd's own function at 100, which logs the login as accepted.
-define(HOST_HOOKS, [
	{c2s_stream_started, stream_started, 50},
	{c2s_handle_recv, handle_recv, 50},
	{c2s_auth_result, auth_result, 20}
]).

%% @doc Loads the policy. Where that fails the module starts all the same, and refuses.
-spec start(binary(), options()) -> ok.
start(Host, Options) ->
	ok = load(Host, Options),
	_ = [call(ejabberd_hooks, add, [Hook, Host, ?MODULE, Function, Order])
		|| {Hook, Function, Order} <- ?HOST_HOOKS],
	_ = call(ejabberd_hooks, add, [config_reloaded, ?MODULE, config_reloaded, 70]),
	ok.

-spec stop(binary()) -> ok.
stop(Host) ->
	_ = [call(ejabberd_hooks, delete, [Hook, Host, ?MODULE, Function, Order])
		|| {Hook, Function, Order} <- ?HOST_HOOKS],
	_ = persistent_term:erase(?CONFIG(Host)),
	case hosts() of
		[] ->
			_ = call(ejabberd_hooks, delete, [config_reloaded, ?MODULE, config_reloaded, 70]),
			ok;
		_ ->
			ok
	end,
	take_over().

%% @doc Other options. The policy itself is loaded again at each reload of ejabberd, with or without
%% other options.
-spec reload(binary(), options(), options()) -> ok.
reload(Host, Options, _OldOptions) ->
	load(Host, Options).

-spec depends(binary(), options()) -> [].
depends(_Host, _Options) ->
	[].

-spec mod_opt_type(atom()) -> fun((term()) -> term()).
mod_opt_type(config) ->
	call(econf, path, []);
mod_opt_type(listener) ->
	call(econf, either, [call(econf, enum, [[c2s, http]]), call(econf, int, [0, 65535])]);
mod_opt_type(intermediates) ->
	call(econf, path, []);
mod_opt_type(takeover) ->
	call(econf, bool, []).

-spec mod_options(binary()) -> [atom() | {atom(), term()}].
mod_options(_Host) ->
	[config, {listener, c2s}, {intermediates, undefined}, {takeover, false}].

-spec mod_doc() -> map().
mod_doc() ->
	#{
		desc => <<"Logins by TLS client certificate, as a mongooseim.toml has them.">>,
		opts => [
			{config, #{value => <<"Path">>, desc => <<"The mongooseim.toml.">>}},
			{listener, #{
				value => <<"c2s | http | Port">>,
				desc => <<"The listener in there whose tls options count. The default is c2s.">>
			}},
			{intermediates, #{
				value => <<"Path">>,
				desc => <<"PEM file of the CAs between the clients' certificates and the "
					"policy's CA file.">>
			}},
			{takeover, #{
				value => <<"true | false">>,
				desc => <<"Whether certjid decides in ejabberd's place. The default is false: "
					"it can only refuse.">>
			}}
		]
	}.

%% @doc Loads the policies of all hosts again. Where the new one is invalid, the old one stays.
-spec config_reloaded() -> ok.
config_reloaded() ->
	lists:foreach(fun(Host) ->
		#{options := Options} = persistent_term:get(?CONFIG(Host)),
		ok = load(Host, Options)
	end, hosts()).

hosts() ->
	[Host || {?CONFIG(Host), _} <- persistent_term:get()].

-spec load(binary(), options()) -> ok.
load(Host, #{config := File} = Options) ->
	Read = try
		{read_policy(File), read_intermediates(Options)}
	catch throw:Reasons ->
		{error, Reasons};
	Class:Reason:Stacktrace ->
		{error, [failure(Class, Reason, Stacktrace)]}
	end,
	case Read of
		{error, Faults} ->
			Old = persistent_term:get(?CONFIG(Host), #{policy => undefined, intermediates => []}),
			_ = [?LOG_ERROR("certjid: ~ts: ~ts", [Host, Fault]) || Fault <- Faults],
			?LOG_ERROR("certjid: ~ts: the policy ~ts can't be used: ~ts",
				[Host, File, without(maps:get(policy, Old))]),
			persistent_term:put(?CONFIG(Host), Old#{options => Options});
		{Policy, Intermediates} ->
			persistent_term:put(?CONFIG(Host), #{
				options => Options, policy => Policy, intermediates => Intermediates
			}),
			?LOG_INFO("certjid: ~ts: the policy ~ts is loaded", [Host, File])
	end,
	take_over().

without(undefined) -> "logins by certificate are refused";
without(_Policy) -> "the old one stays".

read_policy(File) ->
	case certjid:load(File) of
		{ok, Policy} -> Policy;
		{error, Faults} -> throw([fault(Fault) || Fault <- Faults])
	end.

fault(#{file := File, line := Line, path := Path, message := Message}) ->
	Where = [[[":", integer_to_list(Line)] || Line =/= undefined], [[": ", Path] || Path =/= <<>>]],
	io_lib:format("~ts~ts: ~ts", [File, Where, Message]).

read_intermediates(#{intermediates := undefined}) ->
	[];
read_intermediates(#{intermediates := File}) ->
	Chain = case file:read_file(File) of
		{ok, Text} -> certjid_nif:chain(Text);
		{error, Reason} -> {error, file:format_error(Reason)}
	end,
	case Chain of
		{ok, Ders} -> Ders;
		{error, Message} -> throw([io_lib:format("~ts: ~ts", [File, Message])])
	end.

%% Takes ejabberd's place for as long as a host has it so.
take_over() ->
	try
		case lists:any(fun(Host) -> takes_over(#{lserver => Host}) end, hosts()) of
			true -> certjid_ejabberd_pkix:install();
			false -> certjid_ejabberd_pkix:uninstall()
		end
	catch Class:Reason:Stacktrace ->
		?LOG_ERROR("certjid: no takeover, ejabberd's own refusals stay: ~ts",
			[failure(Class, Reason, Stacktrace)])
	end.

%% @doc A stream begins: withholds EXTERNAL from a connection that could not use it.
-spec stream_started(stream(), term()) -> stream().
stream_started(#{
	stream_encrypted := true, stream_authenticated := false, tls_verify := true
} = State, _StreamStart) ->
	case ask(offer, State) of
		#{external := false, reason := Reason, message := Message} ->
			log(offer_level(Reason), State, "EXTERNAL is not offered: ~ts (~ts)", [Message, Reason]),
			%% This is what ejabberd asks of a connection that has TLS already.
			State#{tls_verify => false};
		_ ->
			State
	end;
stream_started(State, _StreamStart) ->
	State.

%% Not worth a line: clients with passwords.
offer_level(<<"no_peer_cert">>) -> debug;
offer_level(_Reason) -> info.

%% @doc Keeps the authorization identity for the decision, which does not get it.
-spec handle_recv(stream(), term(), term()) -> stream().
handle_recv(#{stream_authenticated := false} = State,
		{xmlel, <<"auth">>, _Attributes, Content}, _Decoded) ->
	State#{certjid_response => iolist_to_binary([Text || {xmlcdata, Text} <- Content])};
handle_recv(State, _Element, _Decoded) ->
	State.

%% @doc ejabberd has decided a login.
-spec auth_result(stream(), true | {false, binary()}, binary()) -> stream() | {stop, stream()}.
auth_result(#{certjid_refused := true} = State, _Result, _User) ->
	State;
auth_result(State, Result, User) ->
	try is_external(State) andalso review(State, Result, User) of
		false -> State;
		Reviewed -> Reviewed
	catch Class:Reason:Stacktrace ->
		?LOG_ERROR("certjid: the stream is killed: ~ts", [failure(Class, Reason, Stacktrace)]),
		%% The one failure of a hook that ejabberd does not catch.
		exit(normal)
	end.

is_external(#{sasl_mech := <<"EXTERNAL">>}) -> true;
is_external(#{auth_module := pkix}) -> true;
is_external(_State) -> false.

review(State, true, User) ->
	case decide(State) of
		{ok, #{username := Username} = Allowed} ->
			case same_user(Username, User) of
				true ->
					#{jid := Jid, kind := Kind, source := Source} = Allowed,
					log(info, State, "~ts logs in: ~ts by ~ts", [Jid, Source, Kind]),
					State;
				false ->
					log(info, State, "login refused: not-authorized (other_user): ejabberd takes "
						"the client for ~ts, certjid for ~ts", [io_lib:format("~0tp", [User]), Username]),
					{stop, refuse(State, <<"not-authorized">>, User)}
			end;
		{error, #{condition := Condition} = Refused} ->
			log_refused(State, Refused),
			{stop, refuse(State, Condition, User)}
	end;
review(State, {false, _}, _User) ->
	case takes_over(State) of
		true ->
			State;
		false ->
			case decide(State) of
				{error, Refused} ->
					log_refused(State, Refused);
				{ok, #{jid := Jid}} ->
					log(info, State, "ejabberd refuses the login; with `takeover' it would be ~ts", [Jid])
			end,
			State
	end.

same_user(Username, User) ->
	try call(jid, nodeprep, [User]) =:= Username catch _:_ -> false end.

%% Ends the login and, as ejabberd would send <success/> next, the stream. Those who hear of failed
%% logins, such as mod_fail2ban, hear of this one.
refuse(#{lserver := Host} = State, Condition, User) ->
	Failed = call(ejabberd_hooks, run_fold, [
		c2s_auth_result, Host, State#{certjid_refused => true},
		[{false, <<"Refused by certjid">>}, User]
	]),
	Failure = {xmlel, <<"failure">>, [{<<"xmlns">>, ?NS_SASL}], [{xmlel, Condition, [], []}]},
	Told = call(xmpp_stream_in, send, [Failed, Failure]),
	#{stream_state := disconnected} =
		call(xmpp_stream_in, send, [Told, call(xmpp, serr_policy_violation, [])]).

%% @doc Decides a login in ejabberd's place; `ignore' where that is not asked for.
-spec authenticate(stream()) -> {ok, binary()} | {error, atom(), binary()} | ignore.
authenticate(State) ->
	try takes_over(State) andalso decide(State) of
		false ->
			ignore;
		{ok, #{username := Username}} ->
			{ok, Username};
		{error, #{condition := Condition} = Refused} ->
			log_refused(State, Refused),
			{error, binary_to_atom(Condition), <<>>}
	catch Class:Reason:Stacktrace ->
		?LOG_ERROR("certjid: no decision: ~ts", [failure(Class, Reason, Stacktrace)]),
		{error, 'temporary-auth-failure', <<>>}
	end.

takes_over(#{lserver := Host}) ->
	case persistent_term:get(?CONFIG(Host), none) of
		#{options := #{takeover := Takeover}} -> Takeover;
		none -> false
	end.

decide(State) ->
	case ask(decide, State) of
		{Result, Answer} ->
			{Result, Answer};
		unavailable ->
			{error, #{
				condition => <<"temporary-auth-failure">>,
				reason => <<"unavailable">>,
				message => <<"there is no policy to decide by">>
			}}
	end.

%% certjid:Function(Policy, Request) for a stream; `unavailable' where it can't be asked.
ask(Function, #{lserver := Host} = State) ->
	try
		#{policy := Policy} = Loaded = persistent_term:get(?CONFIG(Host)),
		case Policy of
			undefined -> unavailable;
			_ -> certjid:Function(Policy, request(Loaded, State))
		end
	catch Class:Reason:Stacktrace ->
		log(error, State, "no decision: ~ts", [failure(Class, Reason, Stacktrace)]),
		unavailable
	end.

-spec request(loaded(), stream()) -> certjid:request().
request(#{options := #{listener := Listener, takeover := Takeover}, intermediates := Issuers},
		#{lserver := Host, socket := Socket} = State) ->
	Chain = case peer_certificate(State) of
		{ok, Der} -> [Der | Issuers];
		error -> []
	end,
	Request = #{
		listener => listener(Listener),
		host => Host,
		chain => Chain,
		initial_response => maps:get(certjid_response, State, undefined)
	},
	%% What ejabberd's TLS says of the certificate binds ejabberd, not certjid in its place.
	case Chain =/= [] andalso not Takeover of
		true -> Request#{verified => call(xmpp_socket, get_verify_result, [Socket]) =:= 0};
		false -> Request
	end.

listener(Port) when is_integer(Port) -> {port, Port};
listener(Name) -> Name.

%% ejabberd's TLS keeps the leaf alone.
peer_certificate(#{socket := Socket}) ->
	call(xmpp_socket, get_peer_certificate, [Socket, der]).

log_refused(State, #{condition := Condition, reason := Reason, message := Message}) ->
	log(info, State, "login refused: ~ts (~ts): ~ts", [Condition, Reason, Message]).

log(Level, #{lserver := Host, socket := Socket} = State, Format, Args) ->
	Certificate = case peer_certificate(State) of
		{ok, Der} ->
			Hash = binary:encode_hex(crypto:hash(sha256, Der)),
			["certificate SHA-256 ", string:lowercase(Hash)];
		error ->
			"no certificate"
	end,
	?LOG(Level, "(~ts) certjid: ~ts: " ++ Format ++ "; ~ts",
		[call(xmpp_socket, pp, [Socket]), Host] ++ [clip(Arg) || Arg <- Args] ++ [Certificate]).

%% Anybody can make a certificate with a long name.
clip(Text) ->
	string:slice(Text, 0, ?MAX_TEXT).

%% A missing NIF says which file is missing; other terms may hold the certificate.
failure(error, {nif_not_loaded, File, Reason}, _Stacktrace) ->
	io_lib:format("the NIF ~ts can't be loaded: ~ts", [File, Reason]);
failure(Class, Reason, Stacktrace) ->
	certjid_module:describe(Class, Reason, Stacktrace).

%% Hides the calls from tools that would look for ejabberd.
call(Module, Function, Args) ->
	apply(Module, Function, Args).
