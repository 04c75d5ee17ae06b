%% JSON (RFC 8259) to Erlang terms, for the case files: OTP has had a module for it since 27 only.
%% Objects become maps with binary keys, strings binaries, null the atom null.
-module(certjid_test_json).

-export([decode/1]).
-export([lines/1]).

%% The values of a file with one per line.
lines(File) ->
	{ok, Text} = file:read_file(File),
	[decode(Line) || Line <- binary:split(Text, <<"\n">>, [global, trim_all])].

decode(Text) ->
	{Value, Rest} = value(skip(Text)),
	<<>> = skip(Rest),
	Value.

value(<<"{", Rest/binary>>) -> object(skip(Rest), #{});
value(<<"[", Rest/binary>>) -> array(skip(Rest), []);
value(<<$", Rest/binary>>) -> string(Rest, []);
value(<<"true", Rest/binary>>) -> {true, Rest};
value(<<"false", Rest/binary>>) -> {false, Rest};
value(<<"null", Rest/binary>>) -> {null, Rest};
value(Text) -> number(Text).

object(<<"}", Rest/binary>>, Acc) ->
	{Acc, Rest};
object(<<",", Rest/binary>>, Acc) ->
	object(skip(Rest), Acc);
object(<<$", Rest0/binary>>, Acc) ->
	{Key, Rest1} = string(Rest0, []),
	<<":", Rest2/binary>> = skip(Rest1),
	{Value, Rest} = value(skip(Rest2)),
	object(skip(Rest), Acc#{Key => Value}).

array(<<"]", Rest/binary>>, Acc) ->
	{lists:reverse(Acc), Rest};
array(<<",", Rest/binary>>, Acc) ->
	array(skip(Rest), Acc);
array(Text, Acc) ->
	{Value, Rest} = value(Text),
	array(skip(Rest), [Value | Acc]).

string(<<$", Rest/binary>>, Acc) ->
	{unicode:characters_to_binary(lists:reverse(Acc)), Rest};
string(<<"\\u", High:4/binary, "\\u", Low:4/binary, Rest/binary>> = Text, Acc) ->
	case {binary_to_integer(High, 16), binary_to_integer(Low, 16)} of
		{H, L} when H >= 16#D800, H < 16#DC00 ->
			string(Rest, [16#10000 + (H - 16#D800) * 16#400 + L - 16#DC00 | Acc]);
		{H, _} ->
			<<_:6/binary, Next/binary>> = Text,
			string(Next, [H | Acc])
	end;
string(<<"\\u", Hex:4/binary, Rest/binary>>, Acc) ->
	string(Rest, [binary_to_integer(Hex, 16) | Acc]);
string(<<"\\", Escape, Rest/binary>>, Acc) ->
	string(Rest, [unescape(Escape) | Acc]);
string(<<Char/utf8, Rest/binary>>, Acc) ->
	string(Rest, [Char | Acc]).

unescape($b) -> $\b;
unescape($f) -> $\f;
unescape($n) -> $\n;
unescape($r) -> $\r;
unescape($t) -> $\t;
unescape(Char) -> Char.

number(Text) ->
	{match, [{0, Length}]} = re:run(Text, "^-?[0-9]+"),
	<<Digits:Length/binary, Rest/binary>> = Text,
	{binary_to_integer(Digits), Rest}.

skip(<<Space, Rest/binary>>) when Space =:= $\s; Space =:= $\t; Space =:= $\n; Space =:= $\r ->
	skip(Rest);
skip(Text) ->
	Text.
