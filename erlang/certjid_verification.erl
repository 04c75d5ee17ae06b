%% @doc XEP-0178 as written, as a verification kind of MongooseIM:
%% `sasl_external = ["certjid_verification"]'. The NIF and the sidecar know the kind by the same
%% name, so that one mongooseim.toml serves all.
%%
%% 1. Only xmppAddr fields of this host count, compared after stringprep; duplicates are one.
%% 2. One of them and no authzid: that JID. An authzid equal to one of them: that JID. Several
%%    and no authzid, or an authzid equal to none: `invalid-authzid'.
%% 3. No xmppAddr at all: the common name with prefix and suffix (`sasl_external_common_name'),
%%    if it is a valid local part; an authzid must then equal the resulting JID.
%% 4. xmppAddr fields, but none of this host: `not-authorized'.
%%
%% Nothing of MongooseIM is needed to compile this module: `mongoose_credentials' and
%% `mongoose_config' are called by name.
-module(certjid_verification).

-export([verify_creds/1]).

%% Bytes of text, above which a login is not decided on a normal scheduler.
-define(LARGE, 4096).

%% @doc MongooseIM's callback (`cyrsasl_external'), over `mongoose_credentials', or over the map
%% of {@link certjid_module}. It never fails: what can't be read is `not-authorized'.
-spec verify_creds(Creds :: term()) -> {ok, LocalPart :: binary()} | {error, binary()}.
verify_creds(Creds) ->
	try verify(names(Creds), host(Creds)) of
		{ok, LocalPart} ->
			{ok, LocalPart};
		{error, Condition, Reason, Message} ->
			logger:info("certjid: login refused: ~ts (~ts)", [Message, Reason]),
			{error, Condition}
	catch Class:Reason:Stacktrace ->
		What = certjid_module:describe(Class, Reason, Stacktrace),
		logger:error("certjid: credentials can't be read: ~ts", [What]),
		{error, <<"not-authorized">>}
	end.

%% Preparing some thousand bytes takes a good part of a millisecond.
verify({CommonName, Addresses, Authzid} = Names, {Server, Prefix, Suffix} = Host) ->
	case size_of([CommonName, Authzid, Server, Prefix, Suffix | Addresses], 0) of
		Size when Size > ?LARGE -> certjid_nif:verify_names_dirty(Names, Host);
		_ -> certjid_nif:verify_names(Names, Host)
	end.

size_of([Text | Others], Sum) when is_binary(Text) -> size_of(Others, Sum + byte_size(Text));
size_of([_ | Others], Sum) -> size_of(Others, Sum + 1);
size_of([], Sum) -> Sum.

names(Creds) ->
	{get(common_name, Creds), get(xmpp_addresses, Creds, []), get(auth_id, Creds)}.

host(Creds) ->
	{lserver(Creds), affix(prefix, Creds), affix(suffix, Creds)}.

get(Key, Creds) ->
	get(Key, Creds, undefined).

get(Key, Creds, Default) when is_map(Creds) -> maps:get(Key, Creds, Default);
get(Key, Creds, Default) -> call(mongoose_credentials, get, [Creds, Key, Default]).

lserver(#{lserver := Host}) -> Host;
lserver(Creds) -> call(mongoose_credentials, lserver, [Creds]).

%% Hides the calls from tools that would look for MongooseIM.
call(Module, Function, Args) ->
	apply(Module, Function, Args).

%% Where MongooseIM has no such option (before 6.5), or isn't there, there is no affix. In the map
%% of the NIF there is no host type: put certjid's own kind there rather than this module.
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
