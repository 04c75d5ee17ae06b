%% The floor under certjid_nif, in native/bench: the same terms, from nothing.
-module(certjid_bench_floor).

-export([init/1]).
-export([set/2]).
-export([login_names/1]).

init(File) ->
	ok = erlang:load_nif(filename:rootname(File), 0).

set(_CommonName, _XmppAddrs) ->
	erlang:nif_error(not_loaded).

login_names(_Der) ->
	erlang:nif_error(not_loaded).
