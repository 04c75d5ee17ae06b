"""TLS handshakes with a client certificate, one after the other, by Python's ssl (OpenSSL).

The argument is a JSON object:
port  on 127.0.0.1
ca    file of the CA of the server
jobs  a file with a JSON object a line: tls, 1.2 or 1.3; cert and key, files of the client, whose
      chain is sent as it is

Prints a JSON array with a text for each: what the server sent until it closed the connection, or
"closed" where the handshake failed, or failed later, as the server's refusal comes in TLS 1.3.
"""

import json
import socket
import ssl
import sys

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def handshake(options, job):
    context = ssl.create_default_context(cafile=options["ca"])
    # The test certificates have no key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.minimum_version = context.maximum_version = VERSIONS[job["tls"]]
    # OpenSSL would not even send a certificate with a weak signature.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(job["cert"], job["key"])
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", options["port"]), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                while data := secure.recv(1024):
                    received += data
    except (ssl.SSLError, ConnectionError):
        return "closed"
    return received.decode()


def main():
    options = json.loads(sys.argv[1])
    with open(options["jobs"]) as file:
        print(json.dumps([handshake(options, json.loads(line)) for line in file]))


main()
