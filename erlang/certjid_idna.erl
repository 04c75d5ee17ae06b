%% @doc Domains in ASCII (RFC 3490 ToASCII, of a domain that nameprep has prepared), over
%% Punycode (RFC 3492).
-module(certjid_idna).

-export([to_ascii/1]).

%% RFC 3492 section 5.
-define(BASE, 36).
-define(T_MIN, 1).
-define(T_MAX, 26).
-define(SKEW, 38).
-define(DAMP, 700).
-define(INITIAL_BIAS, 72).
-define(INITIAL_N, 128).

%% RFC 1035 section 2.3.4, in bytes.
-define(MAX_LABEL, 63).

%% @doc The domain with each label in ASCII; `error' where it isn't UTF-8, or a label is empty or
%% longer than 63 bytes.
-spec to_ascii(binary()) -> {ok, binary()} | error.
to_ascii(Domain) ->
	try
		Labels = [label(Label) || Label <- binary:split(Domain, <<".">>, [global])],
		{ok, iolist_to_binary(lists:join($., Labels))}
	catch throw:invalid ->
		error
	end.

label(Label) ->
	Ascii = case unicode:characters_to_list(Label) of
		Chars when is_list(Chars) ->
			case lists:all(fun(Char) -> Char < ?INITIAL_N end, Chars) of
				true -> Label;
				false -> <<"xn--", (punycode(Chars))/binary>>
			end;
		_ ->
			throw(invalid)
	end,
	case byte_size(Ascii) of
		Size when Size > 0, Size =< ?MAX_LABEL -> Ascii;
		_ -> throw(invalid)
	end.

%% RFC 3492 section 6.3. A label that is too long is not encoded: the time is quadratic.
punycode(Chars) when length(Chars) > ?MAX_LABEL ->
	throw(invalid);
punycode(Chars) ->
	Basic = [Char || Char <- Chars, Char < ?INITIAL_N],
	Length = length(Basic),
	Delimiter = [$- || Length > 0],
	Digits = punycode(Chars, ?INITIAL_N, 0, ?INITIAL_BIAS, Length, Length),
	list_to_binary([Basic, Delimiter, Digits]).

punycode(Chars, _N, _Delta, _Bias, _Basic, Handled) when Handled =:= length(Chars) ->
	[];
punycode(Chars, N, Delta0, Bias0, Basic, Handled0) ->
	Next = lists:min([Char || Char <- Chars, Char >= N]),
	Delta1 = Delta0 + (Next - N) * (Handled0 + 1),
	{Digits, Delta, Bias, Handled} = lists:foldl(fun
		(Char, {Acc, Delta, Bias, Handled}) when Char < Next ->
			{Acc, Delta + 1, Bias, Handled};
		(Next1, {Acc, Delta, Bias, Handled}) when Next1 =:= Next ->
			Adapted = adapt(Delta, Handled + 1, Handled =:= Basic),
			{[Acc, variable_length(Delta, Bias, ?BASE)], 0, Adapted, Handled + 1};
		(_, Acc) ->
			Acc
	end, {[], Delta1, Bias0, Handled0}, Chars),
	[Digits | punycode(Chars, Next + 1, Delta + 1, Bias, Basic, Handled)].

variable_length(Number, Bias, K) ->
	case max(?T_MIN, min(?T_MAX, K - Bias)) of
		Threshold when Number < Threshold ->
			[digit(Number)];
		Threshold ->
			Rest = Number - Threshold,
			Radix = ?BASE - Threshold,
			[digit(Threshold + Rest rem Radix) | variable_length(Rest div Radix, Bias, K + ?BASE)]
	end.

digit(Number) when Number < 26 -> $a + Number;
digit(Number) -> $0 + Number - 26.

adapt(Delta, Length, First) ->
	Damped = case First of
		true -> Delta div ?DAMP;
		false -> Delta div 2
	end,
	adapt_loop(Damped + Damped div Length, 0).

adapt_loop(Delta, K) when Delta > ((?BASE - ?T_MIN) * ?T_MAX) div 2 ->
	adapt_loop(Delta div (?BASE - ?T_MIN), K + ?BASE);
adapt_loop(Delta, K) ->
	K + (?BASE - ?T_MIN + 1) * Delta div (Delta + ?SKEW).
