-- Lets clients log in to Prosody by TLS certificate (SASL EXTERNAL): certjid's sidecar decides.
-- For Prosody 0.12 with Lua 5.4. Set up as docs/prosody.md says.

local async = require "util.async";
local base64 = require "util.encodings".base64;
local it = require "util.iterators";
local json = require "util.json";
local resolve_path = require "util.paths".resolve_relative_path;
local server = require "net.server";
local st = require "util.stanza";
local timers = require "util.timer";
local unix = require "socket.unix";

local xmlns_sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
local frame_limit = 262144;

-- What a client may be told (RFC 6120 section 6.5), of what the sidecar answers.
local conditions = {
	["incorrect-encoding"] = true;
	["invalid-authzid"] = true;
	["invalid-mechanism"] = true;
	["not-authorized"] = true;
	["temporary-auth-failure"] = true;
};

-- Relative to the configuration file, as the paths of certificates are.
local socket_path = resolve_path(prosody.paths.config or ".",
	module:get_option_string("certjid_socket", "/run/certjid/certjid.sock"));
local timeout = module:get_option_number("certjid_timeout", 2);
local listener = module:get_option("certjid_listener");
local passwords_name = module:get_option_string("certjid_passwords");

-- The users that have logged in: nobody else knows who exists.
local known_users = module:open_store("certjid_users");

-- Asking the sidecar ---------------------------------------------------------------------------

local function decode(payload)
	local ok, reply = pcall(json.decode, payload);
	if ok and type(reply) == "table" and reply.id == 1 then return reply; end
	return nil, "its reply can't be understood";
end

-- The sidecar's reply, or nil and why there is none. Only the session that asks waits; a
-- connection for each question, so that nothing of a sidecar that hung is left for the next.
local function ask(question)
	local socket = (type(unix) == "table" and unix.stream or unix)();
	socket:settimeout(0);
	local ok, err = socket:connect(socket_path);
	if not ok then
		socket:close();
		return nil, err;
	end

	local listeners = {};
	local connection, why_not = server.wrapclient(socket, nil, nil, listeners);
	if not connection then
		socket:close();
		return nil, why_not;
	end

	local wait, done = async.waiter();
	local received, finished, reply, failure, timer = "", false, nil, nil, nil;
	local function finish(answer, why)
		if finished then return; end
		finished, reply, failure = true, answer, why;
		timers.stop(timer);
		connection:close();
		done();
	end
	timer = timers.add_task(timeout, function()
		finish(nil, ("no answer within %g s"):format(timeout));
	end);
	function listeners.onincoming(_, data)
		received = received .. data;
		if #received < 4 then return; end
		local length = string.unpack(">I4", received);
		if length > frame_limit then
			finish(nil, "its reply is too long");
		elseif #received >= 4 + length then
			finish(decode(received:sub(5, 4 + length)));
		end
	end
	function listeners.ondisconnect(_, why)
		finish(nil, why or "it closed the connection");
	end

	question.id = 1;
	connection:write(string.pack(">s4", json.encode(question)));
	wait();
	return reply, failure;
end

-- The client's certificates in PEM, its own first; nil where it sent none.
local function chain_of(session)
	local socket = session.conn and session.conn:socket();
	local leaf = socket and socket.getpeercertificate and socket:getpeercertificate();
	if not leaf then return nil; end
	local chain = { leaf:pem() };
	for _, certificate in ipairs(socket.getpeerchain and socket:getpeerchain() or {}) do
		local pem = certificate:pem();
		if pem ~= chain[1] then table.insert(chain, pem); end
	end
	return table.concat(chain, "\n");
end

local function listener_of(session)
	if type(listener) == "number" then return { port = listener }; end
	return listener or (session.websocket_request or session.bosh_version) and "http" or "c2s";
end

local function question_about(session, request, chain)
	return { request = request, listener = listener_of(session), host = module.host, chain = chain };
end

-- Whether EXTERNAL is offered: asked once in a stream. Without an answer it is, so that the login
-- ends with temporary-auth-failure and not with a client that finds no mechanism.
local function is_offered(session)
	if session.certjid_offered ~= nil then return session.certjid_offered; end
	local chain = chain_of(session);
	if not chain then
		session.log("info", "certjid: EXTERNAL is not offered (no_peer_cert): the client sent no certificate");
		return false;
	end
	-- BOSH opens its sessions where nothing can wait.
	if not coroutine.isyieldable() then
		session.certjid_offered = true;
		return true;
	end

	local reply, failure = ask(question_about(session, "mechanisms", chain));
	session.certjid_failure = failure;
	session.certjid_offered = not reply or reply.error ~= nil or reply.external == true;
	if not session.certjid_offered then
		session.log("info", "certjid: EXTERNAL is not offered (%s): %s", reply.reason, reply.message);
	end
	return session.certjid_offered;
end

local function remember(username)
	if known_users:get(username) then return; end
	local ok, err = known_users:set(username, { since = os.time() });
	if not ok then module:log("warn", "The user %s can't be stored: %s", username, err); end
end

-- The user name; or nil and the condition for the client.
local function authenticate(session)
	-- A sidecar that just left the offer without an answer is not waited for twice.
	local reply, failure = nil, session.certjid_failure;
	session.certjid_failure = nil;
	if not failure then
		local question = question_about(session, "authenticate", chain_of(session));
		question.initial_response = session.certjid_initial_response;
		reply, failure = ask(question);
	end

	if not reply then
		session.log("error", "certjid: no decision: the sidecar at %s: %s", socket_path, failure);
		return nil, "temporary-auth-failure";
	elseif reply.error then
		session.log("error", "certjid: the sidecar refuses the question (%s): %s", reply.error, reply.message);
		return nil, "not-authorized";
	elseif reply.allowed == true and type(reply.username) == "string" then
		session.log("info", "certjid: %s may log in (%s, %s, %s)", reply.jid, reply.kind, reply.source, reply.method);
		remember(reply.username);
		return reply.username;
	elseif reply.allowed == false and conditions[reply.condition] then
		session.log("info", "certjid: refused with %s (%s): %s", reply.condition, reply.reason, reply.message);
		return nil, reply.condition;
	end
	session.log("error", "certjid: no decision: the sidecar at %s: its reply can't be understood", socket_path);
	return nil, "temporary-auth-failure";
end

-- Passwords of another module, for clients without a certificate ---------------------------------

local function find_passwords()
	if not passwords_name then return nil; end
	module:depends("auth_" .. passwords_name);
	for _, provider in ipairs(module:get_host_items("auth-provider")) do
		if provider.name == passwords_name then return provider; end
	end
	error(("mod_auth_%s provides no users"):format(passwords_name));
end

local passwords = find_passwords();

-- The SASL handler, as mod_saslauth uses it -------------------------------------------------------

local handler = {};
local handler_mt = { __index = handler };

local function new_handler(session, inner, userdata)
	return setmetatable({ session = session, inner = inner, userdata = userdata }, handler_mt);
end

function handler:mechanisms()
	local mechanisms = {};
	for mechanism in pairs(self.inner and self.inner:mechanisms() or {}) do
		mechanisms[mechanism] = true;
	end
	mechanisms.EXTERNAL = is_offered(self.session) or nil;
	return mechanisms;
end

function handler:select(mechanism)
	local selected;
	if mechanism == "EXTERNAL" then
		selected = is_offered(self.session);
	else
		selected = self.inner and self.inner:select(mechanism);
	end
	if selected then self.selected = mechanism; end
	return selected;
end

function handler:process(message)
	if self.selected == "EXTERNAL" then
		local username, condition = authenticate(self.session);
		if not username then return "failure", condition; end
		self.username = username;
		return "success";
	end
	self.inner.userdata = self.userdata;
	local status, ret, text = self.inner:process(message);
	self.username, self.scope = self.inner.username, self.inner.scope;
	return status, ret, text;
end

function handler:clean_clone()
	return new_handler(self.session, self.inner and self.inner:clean_clone(), self.userdata);
end

function handler:add_cb_handler(name, callback)
	if self.inner then self.inner:add_cb_handler(name, callback); end
	return self;
end

-- mod_saslauth decodes the text of <auth/> before it asks, and takes "YQ" for "": the sidecar gets
-- the text as it is on the wire. Elements in <auth/> would raise an error there.
module:hook("stanza/" .. xmlns_sasl .. ":auth", function(event)
	local session, stanza = event.origin, event.stanza;
	if session.type ~= "c2s_unauthed" or stanza.attr.mechanism ~= "EXTERNAL" then return; end

	local function refuse(condition, why)
		session.log("info", "certjid: refused with %s: %s", condition, why);
		session.send(st.stanza("failure", { xmlns = xmlns_sasl }):tag(condition));
		return true;
	end
	if stanza.tags[1] then return refuse("malformed-request", "<auth/> contains elements"); end
	local text = stanza[1];
	if text and not base64.decode(text) then
		return refuse("incorrect-encoding", "the text of <auth/> is not base64");
	end
	session.certjid_initial_response = text;
end, 10);

-- The provider, for core.usermanager --------------------------------------------------------------

local provider = {};

function provider.get_sasl_handler(session)
	return new_handler(session, passwords and passwords.get_sasl_handler(session));
end

function provider.user_exists(username)
	if known_users:get(username) then return true; end
	if passwords then return passwords.user_exists(username); end
	return nil, "Nobody has logged in by this name.";
end

function provider.users()
	local names = {};
	for name in known_users:users() do names[name] = true; end
	if passwords and passwords.users then
		for name in passwords.users() do names[name] = true; end
	end
	return it.keys(names);
end

-- Deletes what Prosody knows; the certificate stays good until it is revoked.
function provider.delete_user(username)
	if passwords and passwords.user_exists(username) then
		local ok, err = passwords.delete_user(username);
		if not ok then return nil, err; end
	end
	return known_users:set(username, nil);
end

for _, name in ipairs { "test_password", "get_password", "set_password", "create_user" } do
	provider[name] = passwords and passwords[name] or function()
		return nil, "Users of this host log in by certificate, without a password.";
	end
end

module:provides("auth", provider);
