"""Logs in by certificate with poezio, a client for the terminal. The argument is a JSON object:

jid        the client's bare JID
port       on 127.0.0.1; STARTTLS, as poezio has no setting for the other
ca         file of the CA of the server
cert, key  files of the client: without a certificate it waits for somebody to type a password

Prints a JSON object: outcome, session_start, failed_auth, no_auth or disconnected; jid, or
condition. They are read from its debug log. It does not run as root.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time

SECONDS = 60

options = json.loads(sys.argv[1])


def configure(directory):
    """A home with a configuration, readable by whoever runs poezio."""
    settings = {
        "jid": options["jid"],
        "custom_host": "127.0.0.1",
        "custom_port": options["port"],
        "auto_reconnect": "false",
        "use_log": "false",
        "plugins_autoload": "",
    }
    for name, setting in [("ca", "ca_cert_path"), ("cert", "certfile"), ("key", "keyfile")]:
        if name in options:
            settings[setting] = shutil.copy(options[name], f"{directory}/{name}.pem")
    with open(f"{directory}/poezio.cfg", "w") as file:
        file.write("[Poezio]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
    if os.getuid() == 0:
        for name in [".", *os.listdir(directory)]:
            shutil.chown(f"{directory}/{name}", "nobody", "nogroup")


def run(directory):
    """Becomes poezio."""
    command = ["/usr/bin/python3", "/usr/bin/poezio", "-f", "poezio.cfg", "-d", "debug.log"]
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    os.chdir(directory)
    os.environ.update(HOME=directory, TERM="xterm", LC_ALL="C.UTF-8", XDG_CONFIG_HOME=directory)
    os.environ.pop("PYTHONPATH", None)
    os.execvp(command[0], command)


def outcome(log):
    if found := re.search(r"<jid>([^<]*)</jid>", log):
        return {"outcome": "session_start", "jid": found[1]}
    # The first features behind TLS: it goes on to PLAIN, or waits, where EXTERNAL is not among them.
    # A line whose end has not been written yet says nothing.
    if (found := re.search(r"RECV: <stream:features(?!.*<starttls).*\n", log)) and "EXTERNAL" not in found[0]:
        return {"outcome": "no_auth"}
    if found := re.search(r"RECV: <failure[^>]*><([a-z-]+)", log):
        return {"outcome": "failed_auth", "condition": found[1]}
    if re.search(r"Event triggered: (disconnected|connection_failed)|connection_lost", log):
        return {"outcome": "disconnected"}
    return None


def drawn(terminal):
    """What it draws; nothing once it has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def main(directory):
    configure(directory)
    child, terminal = pty.fork()
    if child == 0:
        run(directory)
    log, end = "", time.monotonic() + SECONDS
    try:
        while time.monotonic() < end and not (result := outcome(log)):
            # What it draws must be taken, or it stops.
            ended = select.select([terminal], [], [], 0.05)[0] and not drawn(terminal)
            if os.path.exists(f"{directory}/debug.log"):
                with open(f"{directory}/debug.log", errors="replace") as file:
                    log = file.read()
            if ended:
                result = outcome(log)
                break
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not result:
        sys.exit(f"no outcome: it ended, or {SECONDS} seconds passed\n{log}")
    print(json.dumps(result))


with tempfile.TemporaryDirectory() as home:
    main(home)
