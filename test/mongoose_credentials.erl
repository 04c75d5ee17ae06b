%% A stand-in for MongooseIM's module, with the accessors that certjid_verification calls.
-module(mongoose_credentials).

-export([new/1]).
-export([get/3]).
-export([lserver/1]).
-export([host_type/1]).

new(Fields) -> {?MODULE, Fields}.

get({?MODULE, Fields}, Key, Default) -> maps:get(Key, Fields, Default).

lserver({?MODULE, #{lserver := Host}}) -> Host.

host_type({?MODULE, #{host_type := HostType}}) -> HostType.
