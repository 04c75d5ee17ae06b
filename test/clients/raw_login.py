"""Logs in by certificate step by step, over any of the transports, with Python's ssl (OpenSSL).

The argument is a JSON object:
shape      starttls, direct_tls, websocket or bosh
port       on 127.0.0.1
ca         file of the CA of the server
cert, key  files of the client; neither: no certificate
tls        1.2 or 1.3; by default both
response   the text of <auth/>; null: none
header     of the HTTP request with which a WebSocket begins: one more
resume     log in twice, and resume the TLS session in the second connection

Prints a JSON object: handshake, ok or the alert; offered, the SASL mechanisms; login, the full
JID or the condition of the failure; resumed. With TLS 1.3 the client's handshake is over before
the server judges: the alert comes with the first read.
"""

import base64
import json
import os
import re
import select
import socket
import ssl
import sys

STREAMS = "http://etherx.jabber.org/streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


class Stream:
    """RFC 6120."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = ""

    def send(self, xml):
        self.connection.sendall(xml.encode())

    def until(self, pattern):
        while not (match := re.search(pattern, self.buffer, re.S)):
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data.decode()
        text, self.buffer = self.buffer[: match.end()], self.buffer[match.end() :]
        return text

    def open(self):
        self.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS}' to='localhost' version='1.0'>")
        return self.until("</stream:features>|</stream:stream>")

    restart = open

    def ask(self, xml):
        self.send(xml)
        return self.until("<success[^>]*/>|</failure>|</iq>|</stream:stream>")


class WebSocket:
    """RFC 7395."""

    def __init__(self, connection, header=None):
        self.connection = connection
        self.file = connection.makefile("rb")
        more = f"{header}\r\n" if header else ""
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET /ws-xmpp HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n".encode()
        )
        status = self.file.readline()
        if not status:
            raise EOFError
        assert b" 101 " in status, status
        while self.file.readline() != b"\r\n":
            pass

    def send(self, xml):
        data, mask = xml.encode(), os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.connection.sendall(b"\x81" + length + mask + masked)

    def receive(self):
        head = self.file.read(2)
        if len(head) < 2 or head[0] != 0x81:
            raise EOFError
        length = head[1] if head[1] < 126 else int.from_bytes(self.file.read(2), "big")
        return self.file.read(length).decode()

    def open(self):
        self.send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>")
        assert self.receive().startswith("<open ")
        return self.receive()

    restart = open

    def ask(self, xml):
        self.send(xml)
        return self.receive()


class Bosh:
    """XEP-0206."""

    def __init__(self, connection):
        self.connection = connection
        self.file = connection.makefile("rb")
        self.rid = 1000

    def post(self, attributes, content=""):
        self.rid += 1
        body = (
            f"<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' "
            f"rid='{self.rid}' {attributes}>{content}</body>"
        ).encode()
        head = f"POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        self.connection.sendall(head.encode() + body)
        status = self.file.readline()
        if not status:
            raise EOFError
        assert b" 200 " in status, status
        length = 0
        while (line := self.file.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return self.file.read(length).decode()

    def open(self):
        answer = self.post("to='localhost' wait='5' hold='1' ver='1.6' xmpp:version='1.0'")
        self.sid = re.search(" sid=['\"]([^'\"]*)['\"]", answer).group(1)
        return answer

    def restart(self):
        return self.post(f"sid='{self.sid}' to='localhost' xmpp:restart='true'")

    def ask(self, xml):
        return self.post(f"sid='{self.sid}'", xml)


SHAPES = {"starttls": Stream, "direct_tls": Stream, "websocket": WebSocket, "bosh": Bosh}


def connect(options, context, session):
    plain = socket.create_connection(("127.0.0.1", options["port"]), timeout=10)
    if options["shape"] == "starttls":
        stream = Stream(plain)
        assert "<required/>" in stream.open()
        stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        stream.until("<proceed[^>]*/>")
    secure = context.wrap_socket(plain, server_hostname="localhost", session=session)
    if secure.version() == "TLSv1.3" and select.select([secure], [], [], 0.15)[0]:
        # The alert, where the server has refused the certificate; else data of TLS itself, as the
        # server of XMPP doesn't speak first.
        secure.settimeout(0.01)
        try:
            secure.recv(1)
            raise EOFError
        except TimeoutError:
            pass
        secure.settimeout(10)
    return secure


def close(connection):
    """Ends TLS in order: OTP forgets the session otherwise. Not all servers answer."""
    try:
        connection.settimeout(0.3)
        connection.unwrap()
    except OSError:
        pass
    connection.close()


def login(options, context, session=None):
    result = {"handshake": "ok", "offered": [], "login": None, "resumed": False}
    try:
        connection = connect(options, context, session)
        result["resumed"] = connection.session_reused
        header = [options["header"]] if "header" in options else []
        transport = SHAPES[options["shape"]](connection, *header)
        result["offered"] = re.findall("<mechanism>([^<]*)</mechanism>", transport.open())
        response = options.get("response")
        text = "/>" if response is None else f">{response}</auth>"
        answer = transport.ask(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'{text}")
        if "<success" in answer:
            assert "xmpp-bind" in transport.restart()
            result["login"] = re.search("<jid>([^<]*)</jid>", transport.ask(BIND)).group(1)
        else:
            failure = re.search("<failure[^>]*><([a-z-]+)/>", answer)
            result["login"] = failure.group(1) if failure else "closed"
        result["session"] = connection.session
        close(connection)
    except ssl.SSLError as error:
        _, found, alert = (error.reason or "").partition("_ALERT_")
        result["handshake"] = alert.lower() if found else str(error)
    except (ConnectionError, EOFError):
        result["handshake"] = "closed"
    return result


def main():
    options = json.loads(sys.argv[1])
    context = ssl.create_default_context(cafile=options["ca"])
    # The test certificates have no key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if "tls" in options:
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[options["tls"]]
        context.minimum_version = context.maximum_version = version
    if options.get("cert"):
        context.load_cert_chain(options["cert"], options["key"])
    result = login(options, context)
    session = result.pop("session", None)
    if options.get("resume"):
        result = login(options, context, session)
        result.pop("session", None)
    print(json.dumps(result))


main()
