%% @doc The requests of {@link certjid} and {@link certjid_sidecar}: checked, with all keys there.
%%
%% An unknown key is an error: otherwise a misspelt `authzid' would be a login without one.
-module(certjid_request).

-export([normalize/1]).
-export([listener/1]).

-type listener() :: c2s | http | {port, inet:port_number()} | binary().
-export_type([listener/0]).

-type t() :: #{
	%% The listener that took the connection: its kind or its port.
	listener := listener(),
	%% The `to' of the client's stream.
	host := binary(),
	%% Where the host is a dynamic domain.
	host_type => binary() | undefined,
	%% The client's certificates in DER, leaf first, or as text: PEM, or one certificate in nginx's
	%% escaped PEM or RFC 9440's form (the sidecar takes those two as `forwarded'). Or, not both,
	%% one certificate in any form.
	chain => [binary()] | binary(),
	cert => certjid_cert:cert() | undefined,
	%% The decoded authorization identity; empty is absent. Or, not both, the text of <auth/>.
	authzid => binary() | undefined,
	initial_response => binary() | undefined,
	%% The server's own TLS verification result.
	verified => boolean() | undefined
}.
-export_type([t/0]).

-type normalized() :: #{
	listener := certjid_nif:listener(),
	host := binary(),
	host_type := binary() | undefined,
	chain := [binary()] | binary(),
	authzid := absent | {decoded, binary()} | {initial_response, binary()},
	verified := boolean() | undefined
}.
-export_type([normalized/0]).

-define(KEYS,
	[listener, host, host_type, chain, cert, authzid, initial_response, verified]).

%% @doc The request with all of its keys. `error' with a message where a certificate record
%% can't be encoded; fails with `badarg' where the request isn't a {@link t()}.
-spec normalize(t()) -> {ok, normalized()} | {error, Message :: binary()}.
normalize(#{listener := Listener, host := Host} = Request)
		when is_binary(Host), map_size(Request) =< length(?KEYS) ->
	map_size(maps:without(?KEYS, Request)) =:= 0 orelse error(badarg, [Request]),
	case chain(Request) of
		{ok, Chain} ->
			{ok, #{
				listener => listener(Listener),
				host => Host,
				host_type => optional(fun is_binary/1, host_type, Request),
				chain => Chain,
				authzid => authzid(Request),
				verified => optional(fun is_boolean/1, verified, Request)
			}};
		{error, Message} ->
			{error, Message}
	end;
normalize(Request) ->
	error(badarg, [Request]).

%% @doc The listener as the NIF takes it. Fails with `badarg' if it is not a listener.
-spec listener(listener()) -> certjid_nif:listener().
listener({port, Port}) when is_integer(Port), Port >= 0, Port =< 65535 -> {port, Port};
listener(c2s) -> {name, <<"c2s">>};
listener(http) -> {name, <<"http">>};
listener(Name) when is_binary(Name) -> {name, Name};
listener(Listener) -> error(badarg, [Listener]).

chain(#{chain := _, cert := _} = Request) ->
	error(badarg, [Request]);
chain(#{chain := Chain}) when is_binary(Chain) ->
	{ok, Chain};
chain(#{chain := Chain} = Request) ->
	is_chain(Chain) orelse error(badarg, [Request]),
	{ok, Chain};
chain(#{cert := undefined}) ->
	{ok, []};
chain(#{cert := Text}) when is_binary(Text) ->
	{ok, Text};
chain(#{cert := Cert}) ->
	case certjid_cert:der(Cert) of
		{ok, Der} -> {ok, [Der]};
		{error, Message} -> {error, Message}
	end;
chain(_Request) ->
	{ok, []}.

%% An improper list is not a chain.
is_chain([Der | Issuers]) -> is_binary(Der) andalso is_chain(Issuers);
is_chain(End) -> End =:= [].

authzid(Request) ->
	Authzid = optional(fun is_binary/1, authzid, Request),
	Response = optional(fun is_binary/1, initial_response, Request),
	case {Authzid, Response} of
		{undefined, undefined} -> absent;
		{_, undefined} -> {decoded, Authzid};
		{undefined, _} -> {initial_response, Response};
		_ -> error(badarg, [Request])
	end.

optional(IsValid, Key, Request) ->
	case Request of
		#{Key := Value} when Value =/= undefined ->
			IsValid(Value) orelse error(badarg, [Request]),
			Value;
		_ ->
			undefined
	end.
