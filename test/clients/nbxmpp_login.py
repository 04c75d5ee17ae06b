"""Logs in by certificate with nbxmpp, the library of Gajim. The argument is a JSON object:

jid            the client's bare JID
port           on 127.0.0.1
direct_tls     true or false (STARTTLS)
ca             file of the CA of the server
p12, password  a PKCS#12 file, or
cert, key      files of the client; neither: no certificate

Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
condition. The authorization identity is always the JID.
"""

import json
import sys

import gi

gi.require_version("Soup", "3.0")
from gi.repository import Gio, GLib  # noqa: E402
from nbxmpp import tcp  # noqa: E402
from nbxmpp.client import Client  # noqa: E402
from nbxmpp.const import ConnectionProtocol, ConnectionType, StreamError  # noqa: E402

options = json.loads(sys.argv[1])


def certificate():
    if "p12" in options:
        return Gio.TlsCertificate.new_from_file_with_password(options["p12"], options["password"])
    if "cert" in options:
        return Gio.TlsCertificate.new_from_files(options["cert"], options["key"])
    return None


class TlsClientConnection:
    """nbxmpp takes a client certificate, and leaves it out of the connection. GLib takes the CA
    of the server from the system, unless it is told."""

    @staticmethod
    def new(stream, identity):
        connection = Gio.TlsClientConnection.new(stream, identity)
        connection.set_database(Gio.TlsFileDatabase.new(options["ca"]))
        if (own := certificate()) is not None:
            connection.set_certificate(own)
        return connection


class GioOfTcp:
    """Gio, but for TlsClientConnection."""

    TlsClientConnection = TlsClientConnection

    def __getattr__(self, name):
        return getattr(Gio, name)


tcp.Gio = GioOfTcp()

loop = GLib.MainLoop()
result = {"outcome": "disconnected"}


def connected(client, _signal):
    result.update(outcome="session_start", jid=str(client.get_bound_jid()))
    client.disconnect()


def ended(client, _signal):
    domain, error, _text = client.get_error()
    if domain == StreamError.SASL and not authenticated:
        result.update(outcome="no_auth")
    elif domain == StreamError.SASL:
        result.update(outcome="failed_auth", condition=error)
    loop.quit()


authenticated = []


def sent(_client, _signal, data):
    if "<auth " in str(data):
        authenticated.append(True)


def late():
    print("no outcome in 60 seconds", file=sys.stderr)
    result.clear()
    loop.quit()


name, domain = options["jid"].split("@")
client = Client()
client.set_domain(domain)
client.set_username(name)
client.set_mechs({"EXTERNAL"})
kind = ConnectionType.DIRECT_TLS if options.get("direct_tls") else ConnectionType.START_TLS
client.set_custom_host(f"127.0.0.1:{options['port']}", ConnectionProtocol.TCP, kind)
client.subscribe("connected", connected)
client.subscribe("disconnected", ended)
client.subscribe("connection-failed", ended)
client.subscribe("stanza-sent", sent)
GLib.timeout_add_seconds(60, late)
client.connect()
loop.run()
if not result:
    sys.exit(1)
print(json.dumps(result))
