%% A stand-in for MongooseIM's module: the host type <<"affixed">> has a prefix and a suffix, and the
%% path of the configuration file is the application's own setting, as in MongooseIM.
-module(mongoose_config).

-export([get_config_path/0]).
-export([get_opt/1]).

get_config_path() ->
	application:get_env(mongooseim, config, "etc/mongooseim.toml").

get_opt([{auth, <<"affixed">>}, sasl_external_common_name, prefix]) -> <<"user_">>;
get_opt([{auth, <<"affixed">>}, sasl_external_common_name, suffix]) -> <<"-test">>;
get_opt(Path) -> error({config_option_not_found, Path}).
