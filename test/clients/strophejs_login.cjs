// Logs in by certificate with strophe.js over WebSocket. The argument is a JSON object:
//
// jid            the client's bare JID
// port           on 127.0.0.1
// path           of the WebSocket; /ws-xmpp by default
// ca             file of the CA of the server
// cert, key      files of the client, or
// p12, password  a PKCS#12 file; neither: no certificate
// packages       the folder with node_modules
//
// Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
// condition. The authorization identity is always the JID.

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const options = JSON.parse(process.argv[2]);
const packaged = createRequire(`${options.packages}/package.json`);
const { Strophe } = packaged("strophe.js");
const WebSocket = packaged("ws");

// A browser has the certificate, Node's WebSocket must be given it.
const file = (name) => options[name] && readFileSync(options[name]);
globalThis.WebSocket = class extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, {
      ca: file("ca"),
      cert: file("cert"),
      key: file("key"),
      pfx: file("p12"),
      passphrase: options.password,
      servername: "localhost",
    });
  }
};

let offered;
let condition;
let reached;

function finish(outcome, details = {}) {
  console.log(JSON.stringify({ outcome, ...details }));
  process.exit(0);
}

const address = `wss://127.0.0.1:${options.port}${options.path ?? "/ws-xmpp"}`;
const connection = new Strophe.Connection(address, { mechanisms: [Strophe.SASLExternal] });
connection.rawInput = (data) => {
  offered ??= /features/.test(data) ? />EXTERNAL</.test(data) : undefined;
  // It has no word of its own for the condition.
  condition ??= data.match(/<failure[^>]*><([a-z-]+)/)?.[1];
};
connection.connect(options.jid, null, (status, what) => {
  const { CONNECTED, AUTHFAIL, CONNFAIL, DISCONNECTED } = Strophe.Status;
  switch (status) {
    case CONNECTED:
      reached = connection.jid;
      connection.disconnect();
      break;
    case AUTHFAIL:
      finish("failed_auth", { condition });
      break;
    case CONNFAIL:
      console.error("connection failed:", what);
      if (offered === undefined) finish("disconnected");
      break;
    case DISCONNECTED:
      if (reached) finish("session_start", { jid: reached });
      finish(offered === false ? "no_auth" : "disconnected");
  }
});
setTimeout(() => {
  console.error("no outcome in 60 seconds");
  process.exit(1);
}, 60_000);
