%% @doc XEP-0178 as written, as a verification kind of MongooseIM:
%% `sasl_external = ["certjid_verification"]'. The NIF and the sidecar know the kind by the same
%% name, so that one mongooseim.toml serves all.
%%
%% The certificate is judged here, whatever TLS made of it: with `disconnect_on_failure = false'
%% MongooseIM lets any certificate through over direct TLS, WebSocket and BOSH, and on resumed
%% sessions, and it never asks `crl_files'. One listener of the node's own configuration file
%% ({@link certjid_node_policy}) must accept it, and none may have a CRL that revokes it.
%% MongooseIM hands over the client's own certificate alone: intermediate CAs must be in
%% `cacertfile'.
%%
%% Its names then decide:
%%
%% 1. Only xmppAddr fields of this host count, compared after stringprep; duplicates are one.
%% 2. One of them and no authzid: that JID. An authzid equal to one of them: that JID. Several
%%    and no authzid, or an authzid equal to none: `invalid-authzid'. An authzid with a resource
%%    counts as its bare JID, unless the xmppAddr has another resource.
%% 3. No xmppAddr at all, not even one that can't be read: the common name with prefix and suffix (`sasl_external_common_name'),
%%    if it is a valid local part; an authzid must then equal the resulting JID.
%% 4. xmppAddr fields, but none of this host: `not-authorized'.
%%
%% Nothing of MongooseIM is needed to compile this module: `mongoose_credentials' and
%% `mongoose_config' are called by name.
-module(certjid_verification).

-export([verify_creds/1]).

-on_load(init/0).

%% @doc MongooseIM's callback (`cyrsasl_external'), over `mongoose_credentials', or over a map with
%% the keys of {@link certjid_module}. It never fails: what can't be read is `not-authorized'.
-spec verify_creds(Creds :: term()) -> {ok, LocalPart :: binary()} | {error, binary()}.
verify_creds(Creds) ->
	try
		verify(nif_creds(Creds))
	catch Class:Reason:Stacktrace ->
		logger:error(#{
			what => certjid_login_failed,
			message => <<"the credentials can't be read">>,
			reason => iolist_to_binary(certjid_module:describe(Class, Reason, Stacktrace))
		}),
		{error, <<"not-authorized">>}
	end.

verify(Creds) ->
	case certjid_node_policy:get() of
		{ok, Policy} ->
			case certjid_nif:verify_creds(Policy, Creds, os:system_time(second)) of
				{ok, LocalPart} ->
					{ok, LocalPart};
				{error, #{condition := Condition, reason := Reason, message := Message}} ->
					refuse(info, Condition, Reason, Message, Creds);
				{invalid, Message} ->
					refuse(info, <<"not-authorized">>, <<"bad_request">>, Message, Creds)
			end;
		{error, Why} ->
			%% The operator's matter.
			Message = <<"the certificate can't be judged: ", Why/binary>>,
			refuse(error, <<"temporary-auth-failure">>, <<"unavailable">>, Message, Creds)
	end.

%% A report, which MongooseIM's log formatters take apart.
refuse(Level, Condition, Reason, Message, #{host := Host, der_cert := Der}) ->
	logger:log(Level, #{
		what => certjid_login_refused,
		host => Host,
		condition => Condition,
		reason => Reason,
		message => Message,
		fingerprint => certjid_cert:fingerprint(Der)
	}),
	{error, Condition}.

nif_creds(Creds) ->
	#{
		der_cert => certificate(get(der_cert, Creds)),
		host => lserver(Creds),
		prefix => affix(prefix, Creds),
		suffix => affix(suffix, Creds),
		authzid => get(auth_id, Creds)
	}.

certificate(Der) when is_binary(Der) -> Der.

get(Key, Creds) when is_map(Creds) -> maps:get(Key, Creds, undefined);
get(Key, Creds) -> call(mongoose_credentials, get, [Creds, Key, undefined]).

lserver(#{lserver := Host}) -> Host;
lserver(Creds) -> call(mongoose_credentials, lserver, [Creds]).

%% Hides the calls from tools that would look for MongooseIM.
call(Module, Function, Args) ->
	apply(Module, Function, Args).

%% Where MongooseIM has no such option (before 6.5), or isn't there, there is no affix.
affix(_Name, Creds) when is_map(Creds) ->
	<<>>;
affix(Name, Creds) ->
	try
		HostType = call(mongoose_credentials, host_type, [Creds]),
		Path = [{auth, HostType}, sasl_external_common_name, Name],
		Affix = call(mongoose_config, get_opt, [Path]),
		Text = unicode:characters_to_binary(Affix),
		true = is_binary(Text),
		Text
	catch _:_ ->
		<<>>
	end.

%% MongooseIM loads this module while it reads its configuration: the policy is there, and the log
%% has said so, before the first login. The code server must not wait for that.
init() ->
	_ = spawn(certjid_node_policy, start, []),
	ok.
