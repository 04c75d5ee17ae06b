%% A stand-in for MongooseIM's module: the host type <<"affixed">> has a prefix and a suffix.
-module(mongoose_config).

-export([get_opt/1]).

get_opt([{auth, <<"affixed">>}, sasl_external_common_name, prefix]) -> <<"user_">>;
get_opt([{auth, <<"affixed">>}, sasl_external_common_name, suffix]) -> <<"-test">>;
get_opt(Path) -> error({config_option_not_found, Path}).
