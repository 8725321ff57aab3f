"""``twistd sgcws`` as real processes, from the command line to the last signal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from urllib.request import urlopen

from twisted.trial.unittest import SynchronousTestCase
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from sgcws.options import command_line_parameters

from .program import PATIENCE, TWISTD, Program, connected, free_port, taken_port, until

USED = "Address already in use"

APP = """
from sgcws import WebSocketHTTPServer

def make():
    server = WebSocketHTTPServer(1)

    @server.on_message
    def shout(connection, text):
        connection.write_data(text.upper())

    return server
"""


def closed_with(client: ClientConnection) -> int:
    """Wait for the end of a connection, and return the close code."""
    try:
        while True:
            client.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code


def is_alive(pid: int) -> bool:
    """Tell whether a process still runs; one that has ended but was not asked about its end does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    return True


class TwistdCase(SynchronousTestCase):
    """A directory to start twistd in."""

    def setUp(self) -> None:
        """Make the directory."""
        self.path = Path(self.mktemp()).absolute()
        self.path.mkdir(parents=True)

    def twistd(self, *arguments: str, **more: str) -> Program:
        """Start twistd."""
        return Program(self, *TWISTD, *arguments, path=self.path, more=more)

    def said(self, *arguments: str) -> str:
        """Return what a twistd that has nothing to serve says."""
        program = self.twistd(*arguments, COLUMNS="300")
        self.assertEqual(program.ended(), 0, program.err)
        return program.out

    def assert_ends_with(self, program: Program, *words: str) -> None:
        """Check that a program ends with status 1 and one line, in which there are *words*."""
        self.assertEqual(program.ended(), 1)
        (line,) = program.err.splitlines()
        for word in words:
            self.assertIn(word, line)
        self.assertNotIn("Traceback", program.out)


class HelpTests(TwistdCase):
    """What twistd tells about sgcws."""

    def test_listed(self) -> None:
        """``twistd --help`` lists sgcws with its description."""
        self.assertRegex(self.said("--help"), r"\n +sgcws +HTTP and WebSocket server on one port\n")

    def test_options(self) -> None:
        """``twistd sgcws --help`` shows every option with its doc, the words of a switch and the default."""
        text = self.said("sgcws", "--help")
        for flag, doc, note in command_line_parameters():
            self.assertRegex(text, rf" --{flag}= +")
            self.assertIn(f"{doc} [{note}", text)


class WrongOptionTests(TwistdCase):
    """What is wrong is one line on standard error, and status 1."""

    def test_flags(self) -> None:
        """A wrong flag or value is named, before anything is served or logged."""
        for arguments, words in (
            (("--prot", "1"), ("--prot", "--help")),
            (("--port", "http"), ("--port", "'http'", "0 to 65535")),
            (("--config", "nowhere.toml"), ("--config", "'nowhere.toml'", "No such file")),
            (("--app", "nowhere:app"), ("--app", "'nowhere:app'")),
        ):
            program = self.twistd("--nodaemon", "sgcws", *arguments)
            self.assert_ends_with(program, *words)
            self.assertEqual(program.out, "")

    def test_daemon(self) -> None:
        """A daemon says it before it goes into the background, and leaves nothing behind."""
        self.assert_ends_with(self.twistd("sgcws", "--root", "nowhere"), "--root", "'nowhere'")
        for name in ("--logfile", "--pidfile"):
            self.assert_ends_with(self.twistd(f"{name}=nowhere/a", "sgcws", "--port", "0"), name, "nowhere/a'")
        self.assertEqual(list(self.path.iterdir()), [])

    def test_application_fails(self) -> None:
        """The developer of an application that fails by itself is told where."""
        (self.path / "broken.py").write_text("import json\njson.loads('{')\n")
        self.assert_ends_with(
            self.twistd("--nodaemon", "sgcws", "--app", "broken:app"), str(self.path / "broken.py:2"), "JSONDecodeError"
        )


class BindingTests(TwistdCase):
    """A binding that cannot be had ends twistd with one line and status 1."""

    def test_in_use(self) -> None:
        """A port in use is named, on a terminal once."""
        with taken_port() as port:
            program = self.twistd("--nodaemon", "sgcws", "--port", str(port))
            self.assert_ends_with(program, f"cannot listen on *:{port}: {USED}")
        self.assertNotIn(USED, program.out)
        self.assertEqual(list(self.path.iterdir()), [])

    def test_in_use_beside_others(self) -> None:
        """One binding that cannot be had is enough."""
        with taken_port() as port:
            bindings = ("--binding", "tcp:0:interface=127.0.0.1", "--binding", f"tcp:{port}:interface=127.0.0.1")
            program = self.twistd("--nodaemon", "sgcws", *bindings)
            self.assert_ends_with(program, f"cannot listen on tcp:{port}:interface=127.0.0.1: {USED}")

    def test_no_such_interface(self) -> None:
        """An interface that this machine does not have is named (RFC 5737: nobody has this one)."""
        binding = "tcp:0:interface=192.0.2.1"
        self.assert_ends_with(self.twistd("--nodaemon", "sgcws", "--binding", binding), f"cannot listen on {binding}: ")

    def test_log_file(self) -> None:
        """A log file has the line, too."""
        with taken_port() as port:
            program = self.twistd("--nodaemon", "--logfile=a.log", "sgcws", "--port", str(port))
            self.assert_ends_with(program, USED)
        self.assertEqual((self.path / "a.log").read_text().count(USED), 1)

    def test_daemon(self) -> None:
        """The parent of a daemon says it and ends with status 1; the daemon is gone, and so is its pid file."""
        with taken_port() as port:
            program = self.twistd("sgcws", "--port", str(port))
            self.assertEqual(program.ended(), 1)
        self.assertIn(f"cannot listen on *:{port}: {USED}", program.err)
        self.assertNotIn("Traceback", program.err)
        self.assertEqual([path.name for path in self.path.iterdir()], ["twistd.log"])
        log = (self.path / "twistd.log").read_text()
        self.assertEqual(log.count(USED), 1)
        self.assertNotIn("Traceback", log)


class ServingTests(TwistdCase):
    """twistd serves until it is told to stop."""

    def test_chat(self) -> None:
        """Without an option but the port there is a chat with its page, and an echo on every other path."""
        port = self.twistd("--nodaemon", "sgcws", "--port", "0").port()
        with connected(f"ws://127.0.0.1:{port}/anywhere") as client:
            client.send("hello")
            self.assertEqual(client.recv(timeout=PATIENCE), "hello")
        with connected(f"ws://localhost:{port}/chat") as client:
            client.send(json.dumps({"type": "join", "name": "Ann"}))
            self.assertEqual(json.loads(client.recv(timeout=PATIENCE))["people"], ["Ann"])
        with urlopen(f"http://127.0.0.1:{port}/chat.html", timeout=PATIENCE) as page:
            self.assertEqual((page.status, page.headers.get_content_type()), (200, "text/html"))

    def test_any_port(self) -> None:
        """The log tells where it listens, also if the system chose the port."""
        program = self.twistd("--nodaemon", "sgcws", "--binding", "tcp:0:interface=127.0.0.1")
        port = int(program.says(r"listening on http://127\.0\.0\.1:(\d+)/\n"))
        with connected(f"ws://127.0.0.1:{port}/") as client:
            client.send("hello")
            self.assertEqual(client.recv(timeout=PATIENCE), "hello")

    def test_application(self) -> None:
        """Application and file are found beside, and environment and command line count more than they do."""
        port = free_port()
        (self.path / "an_app.py").write_text(APP)
        (self.path / "www").mkdir()
        (self.path / "www" / "a.txt").write_text("served")
        (self.path / "a.toml").write_text('port = 2\n[http]\ndocument_root = "www"\nserver_header = "mine"\n')
        options = ("--app", "an_app:make", "--config", "a.toml", "--port", str(port))
        self.twistd("--nodaemon", "sgcws", *options, SGCWS_PORT="3", SGCWS_HTTP__SERVER_HEADER="yours")
        with connected(f"ws://127.0.0.1:{port}/") as client:
            client.send("hello")
            self.assertEqual(client.recv(timeout=PATIENCE), "HELLO")
        with urlopen(f"http://127.0.0.1:{port}/a.txt", timeout=PATIENCE) as file:
            self.assertEqual((file.read(), file.headers["Server"]), (b"served", "yours"))

    def test_terminated(self) -> None:
        """SIGTERM closes every WebSocket with 1001 before the process ends, and the pid file is gone with it."""
        program = self.twistd("--nodaemon", "--pidfile=a.pid", "sgcws", "--port", "0")
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            self.assertTrue((self.path / "a.pid").exists())
            program.signal(signal.SIGTERM)
            self.assertEqual(closed_with(client), 1001)
        # twistd tidies up, then ends itself by the signal that it was sent, as its parent expects.
        self.assertEqual(program.ended(), -signal.SIGTERM)
        self.assertIn("Server Shut Down", program.out)
        self.assertNotIn("Traceback", program.out + program.err)
        self.assertFalse((self.path / "a.pid").exists())

    def test_quiet_log(self) -> None:
        """The log of a quiet life says nothing of factories and handshakes, and nothing goes to standard error."""
        program = self.twistd("--nodaemon", "sgcws", "--port", "0")
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            client.send("hello")
            client.recv(timeout=PATIENCE)
        program.signal(signal.SIGINT)
        program.ended()
        self.assertNotIn("actory", program.out)
        self.assertNotIn("hello", program.out)
        self.assertEqual(program.err, "")

    def test_daemon(self) -> None:
        """A daemon serves, can be found by its pid file, and is gone after SIGTERM, with that file."""
        port = free_port()
        program = self.twistd("--pidfile=a.pid", "--logfile=a.log", "sgcws", "--port", str(port))
        self.assertEqual(program.ended(), 0, program.err)
        pid = int((self.path / "a.pid").read_text())
        self.addCleanup(self.kill, pid)
        with connected(f"ws://127.0.0.1:{port}/") as client:
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(closed_with(client), 1001)
        until(lambda: not is_alive(pid))
        self.assertFalse((self.path / "a.pid").exists())
        log = (self.path / "a.log").read_text()
        self.assertIn("Server Shut Down", log)
        self.assertNotIn("Traceback", log)

    def kill(self, pid: int) -> None:
        """End a daemon that a test has left behind."""
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
