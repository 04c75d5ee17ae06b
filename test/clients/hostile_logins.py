"""Many logins by hostile certificates and authorization identities, over direct TLS. The argument
is a JSON object:

port      on 127.0.0.1
certs     folder of certificates (*.crt)
key       file of their key
victim    a JID that must not be had
logins    how many <auth/> to send; a connection has several, as long as the server lets it
workers   processes that do so at once
seed      of the random choices

Prints a JSON object: logins; connections; unusable, how many certificates were left out, as OpenSSL won't send them;
answers, how often each; and successes, the certificate and the text of <auth/> of each.
"""

import base64
import collections
import functools
import json
import multiprocessing
import pathlib
import random
import re
import socket
import ssl
import sys

options = json.loads(sys.argv[1])

STREAM = (
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    b" to='localhost' version='1.0'>"
)
PER_CONNECTION = 4


def text(rng):
    """The text of <auth/>, in XML."""
    victim = options["victim"]
    raw = rng.choice([
        victim,
        victim,
        victim.upper(),
        victim + "/" + "r" * rng.randrange(2000),
        victim.replace("@", "@@"),
        victim.replace("@", "\0@"),
        victim.replace("@", "\u200d@"),
        "x" * rng.randrange(1, 5000) + "@localhost",
        "@localhost",
        "localhost",
        "",
        "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(40))),
    ]).encode()
    if rng.random() < 0.2:
        raw = bytes(rng.randrange(256) for _ in range(rng.randrange(60)))
    encoded = base64.b64encode(raw).decode()
    return rng.choice([encoded] * 8 + ["=", "", encoded[1:], "&#x41;" + encoded])


@functools.cache
def context_with(file):
    """None where OpenSSL won't send the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.load_cert_chain(file, options["key"])
        return context
    except ssl.SSLError:
        return None


class Connection:
    def __init__(self, context):
        plain = socket.create_connection(("127.0.0.1", options["port"]), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain)
        self.buffer = b""

    def ask(self, data, pattern):
        self.socket.sendall(data)
        while not (match := re.search(pattern, self.buffer, re.S)):
            received = self.socket.recv(65536)
            if not received:
                raise EOFError
            self.buffer += received
        answer, self.buffer = self.buffer[: match.end()], self.buffer[match.end() :]
        return answer


def work(seed, logins):
    rng = random.Random(seed)
    files = sorted(pathlib.Path(options["certs"]).glob("*.crt"))
    unusable = set()
    answers, successes, connections, sent = collections.Counter(), [], 0, 0
    while sent < logins and connections < 2 * logins:
        file = rng.choice(files)
        context = context_with(file)
        if context is None:
            unusable.add(file.name)
            continue
        connections += 1
        connection = Connection(context)
        begun = sent
        try:
            features = connection.ask(STREAM, b"</stream:features>")
            # What is not offered is tried once.
            tries = PER_CONNECTION if b"EXTERNAL" in features else 1
            for _ in range(min(tries, logins - sent)):
                auth = text(rng)
                sent += 1
                answer = connection.ask(
                    f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>{auth}</auth>".encode(),
                    b"<success[^>]*/>|</failure>|</stream:stream>",
                )
                if b"<success" in answer:
                    answers["success"] += 1
                    successes.append([file.name, auth])
                    break
                if not (condition := re.search(b"<failure[^>]*><([a-z-]+)/>", answer)):
                    raise EOFError
                answers[condition.group(1).decode()] += 1
        except (EOFError, OSError):
            if sent <= begun + 1:
                answers["closed"] += 1
            else:
                # The server has ended the stream after the login before, and not read this one.
                sent -= 1
        finally:
            connection.socket.close()
    return answers, successes, connections, unusable, sent


def main():
    workers = options["workers"]
    share = options["logins"] // workers
    with multiprocessing.Pool(workers) as pool:
        results = pool.starmap(work, [(options["seed"] * workers + n, share) for n in range(workers)])
    print(json.dumps({
        "logins": sum(result[4] for result in results),
        "connections": sum(result[2] for result in results),
        "unusable": len(set.union(*(result[3] for result in results))),
        "answers": sum((result[0] for result in results), collections.Counter()),
        "successes": [success for result in results for success in result[1]],
    }))


main()
