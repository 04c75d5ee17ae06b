"""Logs in by certificate with slixmpp. The argument is a JSON object:

jid            the client's bare JID
port           on 127.0.0.1
direct_tls     true or false (STARTTLS)
ca             file of the CA of the server
cert, key      files of the client, or
p12, password  a PKCS#12 file, which slixmpp does not read: it is unpacked with cryptography
authzid        the authorization identity; none by default
sasl_password  logs in with it instead of EXTERNAL

Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
condition.
"""

import asyncio
import json
import ssl
import sys
import tempfile

import slixmpp
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

options = json.loads(sys.argv[1])


def unpack(directory):
    """The certificate and key of the PKCS#12 file, as slixmpp wants them."""
    with open(options["p12"], "rb") as file:
        key, certificate, _ = pkcs12.load_key_and_certificates(file.read(), options["password"].encode())
    for name, data in [
        ("cert", certificate.public_bytes(Encoding.PEM)),
        ("key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ]:
        options[name] = f"{directory}/{name}.pem"
        with open(options[name], "wb") as file:
            file.write(data)


async def login():
    # The test certificates have no key identifiers.
    context = ssl.create_default_context(cafile=options["ca"])
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    password = options.get("sasl_password")
    mechanism = "SCRAM-SHA-1" if password else "EXTERNAL"
    client = slixmpp.ClientXMPP(options["jid"], password or "", sasl_mech=mechanism, ssl_context=context)
    client.certfile, client.keyfile = options.get("cert"), options.get("key")
    client.enable_direct_tls = options["direct_tls"]
    client.enable_starttls = not options["direct_tls"]
    if "authzid" in options:
        client.credentials["authzid"] = options["authzid"]
    done = asyncio.get_running_loop().create_future()

    def finish(outcome, **details):
        if not done.done():
            done.set_result({"outcome": outcome, **details})

    client.add_event_handler("session_start", lambda _: finish("session_start", jid=client.boundjid.full))
    client.add_event_handler("failed_auth", lambda stanza: finish("failed_auth", condition=stanza["condition"]))
    client.add_event_handler("no_auth", lambda _: finish("no_auth"))
    # Where no mechanism at all is offered.
    client.add_event_handler("stream_negotiated", lambda _: client.authenticated or finish("no_auth"))
    client.add_event_handler("disconnected", lambda _: finish("disconnected"))
    client.add_event_handler("connection_failed", lambda reason: finish("disconnected"))
    client.connect("127.0.0.1", options["port"])
    result = await asyncio.wait_for(done, 10)
    client.disconnect()
    print(json.dumps(result), flush=True)
    await asyncio.sleep(0.05)


with tempfile.TemporaryDirectory() as directory:
    if "p12" in options:
        unpack(directory)
    asyncio.run(login())
