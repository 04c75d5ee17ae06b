// Logs in by certificate with @xmpp/client. The argument is a JSON object:
//
// jid            the client's bare JID
// port           on 127.0.0.1
// direct_tls     true or false (STARTTLS)
// ca             file of the CA of the server
// cert, key      files of the client, or
// p12, password  a PKCS#12 file; neither: no certificate
// authzid        the authorization identity; none by default
// packages       the folder with node_modules
//
// Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
// condition.

import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import tls from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const options = JSON.parse(process.argv[2]);

// Of Node.js 20 on, but for Debian 12's.
globalThis.crypto ??= webcrypto;

// It calls tls.connect without a place for a certificate.
const file = (name) => options[name] && readFileSync(options[name]);
const credentials = {
  ca: file("ca"),
  cert: file("cert"),
  key: file("key"),
  pfx: file("p12"),
  passphrase: options.password,
  servername: "localhost",
};
const connect = tls.connect;
tls.connect = (given, ...more) => connect({ ...given, ...credentials }, ...more);

const require = createRequire(`${options.packages}/package.json`);
const { client } = await import(pathToFileURL(require.resolve("@xmpp/client")));

class External {
  name = "EXTERNAL";
  clientFirst = true;
  response() {
    return options.authzid ?? "";
  }
  challenge() {}
}

const [username, domain] = options.jid.split("@");
const scheme = options.direct_tls ? "xmpps" : "xmpp";
const xmpp = client({
  service: `${scheme}://127.0.0.1:${options.port}`,
  domain,
  username,
  credentials: (authenticate) => authenticate({}, "EXTERNAL"),
});
xmpp.saslFactory._mechs.length = 0;
xmpp.saslFactory.use("EXTERNAL", External);
xmpp.reconnect.stop();
// Its own two seconds are not enough on a machine that builds at the same time.
xmpp.timeout = 30_000;

// Once it is there, the end of the connection is no outcome.
let session;

function finish(outcome, details = {}) {
  console.log(JSON.stringify(session ?? { outcome, ...details }));
  process.exit(0);
}

function failed(error) {
  if (error.name === "SASLError" && /No compatible mechanism/.test(error.message)) {
    finish("no_auth");
  } else if (error.name === "SASLError") {
    finish("failed_auth", { condition: error.condition });
  } else if (error.code?.startsWith("ERR_SSL_") || error.code === "ECONNRESET") {
    finish("disconnected");
  }
  console.error(error);
}

// It waits for ever where no mechanism at all is offered.
xmpp.on("element", (element) => {
  const has = (name) => element.children.some((child) => child.name === name);
  if (element.name.endsWith("features") && !["starttls", "mechanisms", "bind"].some(has)) {
    finish("no_auth");
  }
});
xmpp.on("error", failed);
// Nobody awaits what an alert of TLS interrupts.
process.on("unhandledRejection", failed);
xmpp.on("disconnect", () => finish("disconnected"));
xmpp.on("online", async (jid) => {
  session = { outcome: "session_start", jid: jid.toString() };
  xmpp.removeAllListeners("disconnect");
  // Not every server answers the end of the stream.
  await Promise.race([xmpp.stop().catch(() => {}), sleep(1000)]);
  finish();
});
setTimeout(() => {
  console.error("no outcome in 60 seconds");
  process.exit(1);
}, 60_000);
await xmpp.start().catch(failed);
