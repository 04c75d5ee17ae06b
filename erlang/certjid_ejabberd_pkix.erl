%% @doc certjid in the place of ejabberd's own decision on certificates, for {@link mod_certjid}'s
%% option `takeover'.
%%
%% ejabberd (p1_xmpp) calls `xmpp_stream_pkix:authenticate/2' for SASL EXTERNAL and has no setting
%% for another module. So this module is loaded under that name, and the one that was there under
%% {@link original()}. All but the clients' logins on hosts with `takeover' goes to the original:
%% other hosts, servers' certificates, outgoing streams. Both are made from the files on the code
%% path, by giving the compiled module another name; nothing on the disk changes.
-module(certjid_ejabberd_pkix).

-export([install/0]).
-export([uninstall/0]).

%% xmpp_stream_pkix.
-export([authenticate/1]).
-export([authenticate/2]).
-export([format_error/1]).
-export([get_cert_domains/1]).

%% How install/0 knows itself.
-certjid(takeover).

-define(REPLACED, xmpp_stream_pkix).
-define(ORIGINAL, certjid_original_xmpp_stream_pkix).

-type original() :: ?ORIGINAL.
-export_type([original/0]).

%% RFC 6120 section 6.5, as far as certjid answers with them.
-define(CONDITIONS, [
	'incorrect-encoding', 'invalid-authzid', 'invalid-mechanism', 'malformed-request',
	'not-authorized', 'temporary-auth-failure'
]).

%% @doc Takes the place, if it is not taken. Fails where there is nothing to replace, or where it
%% has functions that this module does not know.
-spec install() -> ok.
install() ->
	case is_installed() of
		true ->
			ok;
		false ->
			Here = exports(?MODULE),
			[] = exports(?REPLACED) -- Here,
			ok = load(?REPLACED, ?ORIGINAL),
			ok = load(?MODULE, ?REPLACED)
	end.

%% @doc Puts the original back.
-spec uninstall() -> ok.
uninstall() ->
	case is_installed() of
		true -> load(?REPLACED, ?REPLACED);
		false -> ok
	end.

is_installed() ->
	code:is_loaded(?REPLACED) =/= false
		andalso proplists:is_defined(certjid, call(?REPLACED, module_info, [attributes])).

exports(Module) ->
	[Export || {Name, _} = Export <- call(Module, module_info, [exports]), Name =/= module_info].

%% Loads the compiled module From as To.
load(From, To) ->
	{From, Beam, File} = code:get_object_code(From),
	{module, To} = code:load_binary(To, File, rename(Beam, From, To)),
	ok.

%% A module's own name is the first of its atoms. The chunk is written as up to OTP 27; later
%% ones read it too.
rename(Beam, From, To) ->
	{ok, {_, [{atoms, [{1, From} | Others]}]}} = beam_lib:chunks(Beam, [atoms]),
	Names = [atom_to_binary(Atom) || Atom <- [To | [Atom || {_, Atom} <- Others]]],
	Atoms = [<<(length(Names)):32>> | [[byte_size(Name), Name] || Name <- Names]],
	{ok, _, Chunks} = beam_lib:all_chunks(Beam),
	{ok, Renamed} = beam_lib:build_module(
		lists:keyreplace("AtU8", 1, Chunks, {"AtU8", iolist_to_binary(Atoms)})
	),
	Renamed.

-spec authenticate(mod_certjid:stream()) -> {ok, binary()} | {error, atom(), binary()}.
authenticate(State) ->
	authenticate(State, <<>>).

-spec authenticate(mod_certjid:stream(), binary()) ->
	{ok, binary()} | {error, atom(), binary()}.
authenticate(#{xmlns := <<"jabber:client">>, stream_direction := in} = State, Authzid) ->
	case mod_certjid:authenticate(State) of
		ignore -> call(?ORIGINAL, authenticate, [State, Authzid]);
		Decision -> Decision
	end;
authenticate(State, Authzid) ->
	call(?ORIGINAL, authenticate, [State, Authzid]).

%% @doc What the client is told: the condition, without a text.
-spec format_error(atom()) -> {atom(), binary()}.
format_error(Reason) ->
	case lists:member(Reason, ?CONDITIONS) of
		true -> {Reason, <<>>};
		false -> call(?ORIGINAL, format_error, [Reason])
	end.

-spec get_cert_domains(term()) -> [binary()].
get_cert_domains(Cert) ->
	call(?ORIGINAL, get_cert_domains, [Cert]).

%% Hides the calls from tools that would look for ejabberd.
call(Module, Function, Args) ->
	apply(Module, Function, Args).
