%% @doc The NIF: Rust's side of certjid, in `native/nif'. Use {@link certjid}, which checks its
%% arguments and says more.
%%
%% Every map has all of its keys; what is absent is `undefined'. A term of another shape is an
%% error of the caller (`badarg' or an error that names the key); bad data is `{error, _}'.
%%
%% Where the shared library is missing, loading this module logs the reason, and every call
%% fails with `{nif_not_loaded, File, Reason}'. Loading it again while it is in use fails with
%% `on_load_failure', and the module stays as it is: another version is loaded after
%% `code:delete/1' and `code:purge/1', or by a restart of the node. References to policies are of
%% the library that made them.
-module(certjid_nif).

-export([answer/2]).
-export([certificate_listeners/1]).
-export([chain/1]).
-export([decide/3]).
-export([identity/1]).
-export([identity_dirty/1]).
-export([is_current/1]).
-export([jid/1]).
-export([load/2]).
-export([login_names/1]).
-export([login_names_dirty/1]).
-export([mechanisms/3]).
-export([sasl_decide/1]).
-export([tls_options/2]).
-export([verify_chain/4]).
-export([verify_creds/3]).
-export([warnings/1]).

-on_load(init/0).

-define(LOAD_ERROR, {?MODULE, load_error}).

-opaque policy() :: reference().
-export_type([policy/0]).

-type listener() :: {name, binary()} | {port, inet:port_number()}.
-export_type([listener/0]).

-type request() :: #{
	listener := listener(),
	host := binary(),
	host_type := binary() | undefined,
	chain := [binary()],
	authzid := absent | {decoded, binary()} | {initial_response, binary()},
	verified := boolean() | undefined
}.
-export_type([request/0]).

%% A login that waits for a module's answer.
-type pending() :: reference().
-export_type([pending/0]).

-type outcome() :: {ok, map()} | {error, map()} | {ask, question(), pending()}.
-export_type([outcome/0]).

-type question() :: #{
	module := binary(),
	host := binary(),
	common_name := binary() | undefined,
	xmpp_addrs := [binary()],
	authzid := binary() | undefined
}.
-export_type([question/0]).

-type credentials() :: #{
	kinds := [binary()],
	prefix := binary(),
	suffix := binary(),
	host := binary(),
	common_name := binary() | undefined,
	xmpp_addrs := [binary()],
	authzid := binary() | undefined
}.
-export_type([credentials/0]).

%% Of MongooseIM's credentials.
-type creds() :: #{
	der_cert := binary(),
	host := binary(),
	prefix := binary(),
	suffix := binary(),
	authzid := binary() | undefined
}.
-export_type([creds/0]).

%% @doc The listeners of whose certificates {@link verify_creds/3} takes one, by their paths in the
%% file.
-spec certificate_listeners(policy()) -> [binary()].
certificate_listeners(_Policy) ->
	erlang:nif_error(not_loaded()).

%% @doc Goes on with a login, with what the module says that it has asked for: the user name or
%% the SASL condition.
-spec answer(pending(), {ok, binary()} | {error, binary()}) -> outcome().
answer(_Pending, _Answer) ->
	erlang:nif_error(not_loaded()).

%% @doc Splits a certificate in DER, a chain in PEM, or one certificate in nginx's escaped PEM or
%% RFC 9440's form into DER, leaf first. At most 16 certificates of 64 KiB.
-spec chain(binary()) -> {ok, [binary(), ...]} | {error, Message :: binary()}.
chain(_Input) ->
	erlang:nif_error(not_loaded()).

%% @doc Decides a login. `ask' names a module whose answer {@link answer/2} goes on with.
-spec decide(policy(), request(), Now :: integer()) -> outcome() | {invalid, Message :: binary()}.
decide(_Policy, _Request, _Now) ->
	erlang:nif_error(not_loaded()).

%% @doc Reads a certificate in DER; to be called only where that takes well under a millisecond.
-spec identity(binary()) -> {ok, map()} | {error, Message :: binary()}.
identity(_Der) ->
	erlang:nif_error(not_loaded()).

%% @doc As {@link identity/1}, for a certificate of any size.
-spec identity_dirty(binary()) -> {ok, map()} | {error, Message :: binary()}.
identity_dirty(_Der) ->
	erlang:nif_error(not_loaded()).

%% @doc Whether the files that a policy is made of are as they were when it was loaded.
-spec is_current(policy()) -> boolean().
is_current(_Policy) ->
	erlang:nif_error(not_loaded()).

%% @doc Parses and prepares a JID (RFC 6122): local part, domain and resource.
-spec jid(binary()) -> {ok, {binary(), binary(), binary()}} | {error, Message :: binary()}.
jid(_Text) ->
	erlang:nif_error(not_loaded()).

%% @doc Reads a mongooseim.toml and the CA files that it names.
-spec load(Path :: binary(), Crls :: map()) -> {ok, policy()} | {error, [map()]}.
load(_Path, _Crls) ->
	erlang:nif_error(not_loaded()).

%% @doc The common name and all xmppAddr fields of a certificate in DER; a field that is not text is
%% an empty binary, which names nobody. To be called only where that takes well under a millisecond.
-spec login_names(binary()) ->
	{ok, CommonName :: binary() | undefined, XmppAddrs :: [binary()]} | {error, Message :: binary()}.
login_names(_Der) ->
	erlang:nif_error(not_loaded()).

%% @doc As {@link login_names/1}, for a certificate of any size.
-spec login_names_dirty(binary()) ->
	{ok, CommonName :: binary() | undefined, XmppAddrs :: [binary()]} | {error, Message :: binary()}.
login_names_dirty(_Der) ->
	erlang:nif_error(not_loaded()).

%% @doc Says whether EXTERNAL is to be offered.
-spec mechanisms(policy(), request(), Now :: integer()) ->
	{ok, map()} | {error, Message :: binary()}.
mechanisms(_Policy, _Request, _Now) ->
	erlang:nif_error(not_loaded()).

%% @doc Applies verification kinds to the fields of a login, without a policy. All texts must
%% be UTF-8; only `authzid' may be any bytes.
-spec sasl_decide(credentials()) -> {ok, map()} | {error, map()} | {ask, Module :: binary()}.
sasl_decide(_Credentials) ->
	erlang:nif_error(not_loaded()).

%% @doc The `tls' section of a listener, in MongooseIM's terms.
-spec tls_options(policy(), listener()) -> {ok, map()} | {error, Message :: binary()}.
tls_options(_Policy, _Listener) ->
	erlang:nif_error(not_loaded()).

%% @doc Judges a chain, leaf first, as a listener's `tls' options say.
-spec verify_chain(policy(), listener(), [binary()], Now :: integer()) ->
	{ok, {}} | {error, [map(), ...]}.
verify_chain(_Policy, _Listener, _Chain, _Now) ->
	erlang:nif_error(not_loaded()).

%% @doc Judges a client's own certificate where neither its chain nor the listener is known: one
%% listener must accept it, and none may have a CRL that revokes it. Then gives the user name by the
%% rules of the kind `certjid_verification'.
-spec verify_creds(policy(), creds(), Now :: integer()) ->
	{ok, binary()} | {error, map()} | {invalid, Message :: binary()}.
verify_creds(_Policy, _Creds, _Now) ->
	erlang:nif_error(not_loaded()).

%% @doc What `certjid config check' warns of.
-spec warnings(policy()) -> [map()].
warnings(_Policy) ->
	erlang:nif_error(not_loaded()).

not_loaded() ->
	{File, Reason} = persistent_term:get(?LOAD_ERROR, {undefined, not_loaded}),
	{nif_not_loaded, File, Reason}.

init() ->
	File = filename:join(priv_dir(), "certjid_nif"),
	case erlang:load_nif(File, 0) of
		ok ->
			ok;
		{error, {upgrade, _}} ->
			%% The library can't be replaced while it is in use. A failure keeps the module that
			%% works, where a success would put one without a library in its place.
			{error, library_in_use};
		{error, {_, Text}} ->
			Reason = unicode:characters_to_binary(Text),
			persistent_term:put(?LOAD_ERROR, {File ++ ".so", Reason}),
			logger:error(#{
				what => certjid_nif_not_loaded,
				message => unicode:characters_to_binary(["the NIF ", File, ".so can't be loaded"]),
				reason => Reason
			}),
			ok
	end.

%% The application may be outside of the code path's lib directories, or not an application at
%% all, as in `erl -pa ebin'.
priv_dir() ->
	case code:priv_dir(certjid) of
		{error, bad_name} ->
			Ebin = filename:dirname(code:which(?MODULE)),
			filename:join(filename:dirname(filename:absname(Ebin)), "priv");
		Dir ->
			Dir
	end.
