%% @doc Asks the Erlang modules that `auth.sasl_external' names, as MongooseIM does: the module's
%% `verify_creds/1' answers `{ok, UserName}' or `{error, SaslCondition}', both binaries.
%%
%% MongooseIM hands over its credentials. Here it is a map with the same keys:
%% `lserver', `der_cert', `pem_cert' and `xmpp_addresses', and, where there are such,
%% `common_name' and `auth_id'. {@link certjid_verification} takes both, and judges the certificate
%% by the node's own configuration file.
-module(certjid_module).

-export([ask/2]).
-export([describe/3]).

-type credentials() :: #{
	lserver := binary(),
	der_cert := binary(),
	pem_cert := binary(),
	xmpp_addresses := [binary()],
	common_name => binary(),
	auth_id => binary()
}.
-export_type([credentials/0]).

-callback verify_creds(credentials()) -> {ok, UserName :: binary()} | {error, binary()}.

%% @doc Runs the module that the question names, in the calling process. A failure, or an answer
%% of another shape, is `not-authorized', and is logged.
-spec ask(certjid_nif:question(), Chain :: [binary()]) -> {ok, binary()} | {error, binary()}.
ask(#{module := Name} = Question, [Der | _]) ->
	try
		%% The names come from the configuration file, so that they are but few.
		Module = binary_to_atom(Name, utf8),
		case Module:verify_creds(credentials(Question, Der)) of
			{ok, UserName} = Answer when is_binary(UserName) ->
				Answer;
			{error, Condition} = Answer when is_binary(Condition) ->
				Answer;
			_ ->
				refuse(Name, <<"it answers neither {ok, binary()} nor {error, binary()}">>)
		end
	catch Class:Reason:Stacktrace ->
		refuse(Name, iolist_to_binary(["it fails with ", describe(Class, Reason, Stacktrace)]))
	end.

credentials(#{host := Host, xmpp_addrs := Addresses} = Question, Der) ->
	Optional = #{
		common_name => maps:get(common_name, Question),
		auth_id => maps:get(authzid, Question)
	},
	maps:merge(maps:filter(fun(_, Value) -> Value =/= undefined end, Optional), #{
		lserver => Host,
		der_cert => Der,
		pem_cert => certjid_cert:pem(Der),
		xmpp_addresses => Addresses
	}).

refuse(Name, Message) ->
	logger:error(#{what => certjid_module_failed, module => Name, message => Message}),
	{error, <<"not-authorized">>}.

%% @doc A failure for the log: neither its arguments nor the term of its reason, which may hold
%% the certificate.
-spec describe(atom(), term(), [tuple()]) -> iolist().
describe(Class, Reason, Stacktrace) ->
	[kind(Class, Reason), " in ", location(Stacktrace)].

kind(Class, Reason) when is_atom(Reason) -> io_lib:format("~ts:~ts", [Class, Reason]);
kind(Class, _Reason) -> atom_to_list(Class).

location([{Module, Function, Args, _} | _]) when is_list(Args) ->
	location([{Module, Function, length(Args), []}]);
location([{Module, Function, Arity, _} | _]) ->
	io_lib:format("~ts:~ts/~b", [Module, Function, Arity]);
location([]) ->
	"unknown".
