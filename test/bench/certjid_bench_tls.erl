%% What goes before a login: the CPU time that a TLS 1.3 handshake with a client certificate takes
%% in an OTP server. The clients are OpenSSL's, and do not count.
-module(certjid_bench_tls).

-export([main/1]).

-define(ACCEPTORS, 8).
-define(CLIENTS, 2).
-define(SECONDS, 4).

main([Folder]) ->
	{ok, _} = application:ensure_all_started(ssl),
	File = fun(Name) -> filename:join(Folder, Name) end,
	{ok, Listener} = ssl:listen(0, [
		{ip, {127, 0, 0, 1}},
		{versions, ['tlsv1.3']},
		{certfile, File("server.pem")},
		{keyfile, File("server.key")},
		{cacertfile, File("ca.pem")},
		{verify, verify_peer},
		{fail_if_no_peer_cert, true}
	]),
	{ok, {_, Port}} = ssl:sockname(Listener),
	Count = counters:new(1, []),
	_ = [spawn_link(fun() -> accept(Listener, Count) end) || _ <- lists:seq(1, ?ACCEPTORS)],
	Clients = [client(Folder, Port) || _ <- lists:seq(1, ?CLIENTS)],
	timer:sleep(1000),
	Begun = {cpu(), counters:get(Count, 1)},
	timer:sleep(?SECONDS * 1000),
	Ended = {cpu(), counters:get(Count, 1)},
	_ = [port_close(Client) || Client <- Clients],
	Handshakes = element(2, Ended) - element(2, Begun),
	Micros = (element(1, Ended) - element(1, Begun)) / Handshakes,
	io:format("TLS 1.3 handshake in an OTP server, P-256: ~b us of CPU time, of ~b~n",
		[round(Micros), Handshakes]),
	halt(0).

accept(Listener, Count) ->
	{ok, Accepted} = ssl:transport_accept(Listener),
	{ok, Socket} = ssl:handshake(Accepted, 5000),
	counters:add(Count, 1, 1),
	_ = ssl:close(Socket),
	accept(Listener, Count).

%% Connects anew again and again.
client(Folder, Port) ->
	open_port({spawn_executable, os:find_executable("openssl")}, [
		exit_status, binary, stderr_to_stdout,
		{args, ["s_time", "-new", "-tls1_3", "-time", integer_to_list(?SECONDS + 5),
			"-connect", "127.0.0.1:" ++ integer_to_list(Port),
			"-cert", filename:join(Folder, "alice.pem"), "-key", filename:join(Folder, "alice.key")]}
	]).

%% Of this process, user and system, in microseconds.
cpu() ->
	{ok, Stat} = file:read_file("/proc/self/stat"),
	Fields = string:lexemes(lists:last(binary:split(Stat, <<") ">>)), " "),
	Ticks = binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields)),
	Ticks * 10000.
