"""Every example runs, as its first lines say."""

from __future__ import annotations

import re
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any
from urllib.request import urlopen

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import ClientConnection

from .program import PATIENCE, TWISTD, Program, connected, free_port

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def hear(client: ClientConnection) -> str:
    """Return the next text message."""
    message = client.recv(timeout=PATIENCE)
    assert isinstance(message, str)
    return message


def fetch(url: str) -> str:
    """Return what is at a URL."""
    with urlopen(url, timeout=PATIENCE) as response:
        text: str = response.read().decode()
        return text


def example_module(name: str) -> Any:
    """Import an example without running it."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ExampleCase(SynchronousTestCase):
    """A directory to run the examples in."""

    def setUp(self) -> None:
        """Make the directory."""
        self.path = Path(self.mktemp()).absolute()
        self.path.mkdir(parents=True)

    def example(self, name: str, *arguments: str, stdin: int = PIPE) -> Program:
        """Start an example."""
        return Program(self, str(EXAMPLES / name), *arguments, path=self.path, stdin=stdin)

    def assert_stops(self, program: Program) -> None:
        """Check that SIGINT ends a program without a complaint."""
        program.signal(signal.SIGINT)
        self.assertEqual(program.ended(), 0, program.err)
        self.assertNotIn("Traceback", program.out + program.err)


class AllTests(SynchronousTestCase):
    """The folder of examples."""

    def test_complete(self) -> None:
        """There is a test here for every example."""
        found = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".tac"))
        self.assertEqual(found, ["chat_client.py", "chat_server.py", "compose.py", "echo.py", "server.tac"])


class ServerTests(ExampleCase):
    """The examples of servers."""

    def test_echo(self) -> None:
        """``echo.py`` gives text and bytes back."""
        program = self.example("echo.py", "--port", "0")
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            for message in ("grüße", b"\x00\xff"):
                client.send(message)
                self.assertEqual(client.recv(timeout=PATIENCE), message)
        self.assert_stops(program)

    def test_chat_server(self) -> None:
        """``chat_server.py`` tells everybody who comes and goes, and what is said."""
        program = self.example("chat_server.py", "--port", "0")
        url = f"ws://127.0.0.1:{program.port()}/"
        with connected(url) as ann:
            ann.send("Ann")
            self.assertEqual(hear(ann), "* Ann has come")
            with connected(url) as bob:
                bob.send(" Bob ")
                self.assertEqual((hear(ann), hear(bob)), ("* Bob has come", "* Bob has come"))
                bob.send("hello")
                self.assertEqual((hear(ann), hear(bob)), ("Bob: hello", "Bob: hello"))
            self.assertEqual(hear(ann), "* Bob has left")
        self.assert_stops(program)

    def test_compose(self) -> None:
        """``compose.py`` serves one clock on both ports, and one conversation."""
        program = self.example("compose.py", "--port", "0", "--site-port", "0")
        port, site_port = program.port(), int(program.says(r"the site listens on http://localhost:(\d+)/"))
        for url in (f"http://127.0.0.1:{port}/time", f"http://127.0.0.1:{site_port}/clock"):
            self.assertRegex(fetch(url), r"^\d\d:\d\d:\d\d\n$")
        with connected(f"ws://127.0.0.1:{port}/") as one, connected(f"ws://127.0.0.1:{site_port}/live") as other:
            other.send("hello")
            self.assertEqual((hear(one), hear(other)), ("hello", "hello"))
        self.assert_stops(program)

    def test_tac(self) -> None:
        """``server.tac`` runs under twistd."""
        command = (*TWISTD, "--nodaemon", "--python", str(EXAMPLES / "server.tac"))
        program = Program(self, *command, path=self.path, more={"PORT": "0"})
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            client.send("hello")
            self.assertEqual(hear(client), "hello")
        program.signal(signal.SIGTERM)
        self.assertEqual(program.ended(), -signal.SIGTERM)
        self.assertNotIn("Traceback", program.out + program.err)


class ChatClientTests(ExampleCase):
    """``chat_client.py``, against the chat that ``twistd sgcws`` serves."""

    def chat(self, port: int = 0) -> tuple[Program, str]:
        """Start the chat, and return it with its address."""
        command = (*TWISTD, "--nodaemon", "--pidfile=", "sgcws", "--port", str(port))
        program = Program(self, *command, path=self.path)
        return program, f"ws://127.0.0.1:{program.port()}/chat"

    def join(self, url: str, name: str) -> Program:
        """Start a client, and wait until it is in."""
        client = self.example("chat_client.py", url, "--name", name)
        client.says(rf"\* you are {name}; here: .*\n")
        return client

    @contextmanager
    def two(self, url: str) -> Iterator[tuple[Program, Program]]:
        """Give two clients who are both in."""
        ann, bob = self.join(url, "Ann"), self.join(url, "Bob")
        ann.says(r"\* Bob has come\n")
        yield ann, bob

    def test_conversation(self) -> None:
        """Who comes and goes and what is said is shown to everybody; who comes later is told the last lines."""
        _, url = self.chat()
        with self.two(url) as (ann, bob):
            bob.type("grüße")
            ann.says("Bob: grüße\n")
            bob.says("Bob: grüße\n")
            self.join(url, "Cleo").says("Bob: grüße\n")
            bob.close_input()
            ann.says(r"\* Bob has left\n")
            self.assertEqual((bob.ended(), bob.err), (0, ""))
            ann.signal(signal.SIGINT)
            self.assertEqual((ann.ended(), ann.err), (0, ""))

    def test_piped(self) -> None:
        """Lines from a pipe are said, the last one without an end of line too, and then the client leaves."""
        _, url = self.chat()
        ann = self.join(url, "Ann")
        pipe = self.example("chat_client.py", url, "--name", "Pipe")
        pipe.type("one\ntwo", end="")
        pipe.close_input()
        self.assertEqual((pipe.ended(), pipe.err), (0, ""))
        ann.says(r"\* Pipe has come\nPipe: one\nPipe: two\n\* Pipe has left\n")

    def test_piped_refused(self) -> None:
        """A line from a pipe that the server refuses is a failure."""
        _, url = self.chat()
        pipe = self.example("chat_client.py", url, "--name", "Pipe")
        pipe.type(f"one\n{'x' * 2001}\ntwo")
        pipe.close_input()
        self.assertEqual(pipe.ended(), 1)
        self.assertIn("at most 2000 characters", pipe.err)
        self.assertIn("Pipe: one\n", pipe.out)
        self.assertIn("Pipe: two\n", pipe.out)

    def test_no_input(self) -> None:
        """Without any input the client joins and leaves, or says why it could not."""
        _, url = self.chat()
        ann = self.join(url, "Ann")
        visit = self.example("chat_client.py", url, "--name", "Visit", stdin=DEVNULL)
        self.assertEqual((visit.ended(), visit.err), (0, ""))
        self.assertIn("* you are Visit; here: Ann, Visit\n", visit.out)
        ann.says(r"\* Visit has come\n\* Visit has left\n")
        for address, wanted in (
            (f"ws://127.0.0.1:{free_port()}/chat", "refused"),
            (url.replace("/chat", "/else"), "what answers there is not the chat"),
            (url, "Somebody here has this name already"),
        ):
            client = self.example("chat_client.py", address, "--name", "Ann", stdin=DEVNULL)
            self.assertEqual(client.ended(), 1)
            self.assertRegex(client.err, rf"^{re.escape(address)}: .*{wanted}.*\n$")

    def test_unsaid(self) -> None:
        """The end of the input while the connection is lost is a failure if lines are still to be said, else none."""
        for typed, status, wanted in ((["lost", "too"], 1, "not all was said"), ([], 0, "")):
            server, url = self.chat()
            ann = self.join(url, "Ann")
            server.signal(signal.SIGTERM)
            ann.says(r"trying to connect again\n")
            for line in typed:
                ann.type(line)
            ann.close_input()
            self.assertEqual(ann.ended(), status)
            self.assertIn(wanted, ann.err)

    def test_silence(self) -> None:
        """A server that takes the connection and never answers is not waited for without end."""
        clock = Clock()
        talk = example_module("chat_client").Talk("Ann", clock)
        talk.leave()
        self.assertNoResult(talk.ended)
        clock.advance(PATIENCE)
        self.assertIn("no answer", str(self.failureResultOf(talk.ended, RuntimeError).value))

    def test_reconnects(self) -> None:
        """A server that is started again is found again, under the same name, and nothing is shown twice."""
        port = free_port()
        server, url = self.chat(port)
        ann = self.join(url, "Ann")
        ann.type("before")
        ann.says("Ann: before\n")
        server.signal(signal.SIGTERM)
        ann.says(r"\* the connection is lost; trying to connect again\n")
        ann.type("meanwhile")
        server.ended()
        self.chat(port)
        ann.says(r"again\n\* you are Ann; here: Ann\nAnn: meanwhile\n")
        self.assertEqual(ann.out.count("before"), 1)

    def test_steers_no_terminal(self) -> None:
        """What others say cannot steer the terminal."""
        transport = StringTransport()
        terminal = example_module("chat_client").Terminal(None)
        terminal.makeConnection(transport)
        terminal.show("a\x1b[2J\n\u202eé")
        self.assertEqual(transport.value().decode(), "a\ufffd[2J\ufffd\ufffdé\n")

    def test_cannot_connect(self) -> None:
        """An address where nobody answers, or somebody else, is named with what is wrong."""
        _, chat = self.chat()
        self.join(chat, "Ann")
        echo = self.example("echo.py", "--port", "0").port()
        for url, wanted in (
            (f"ws://127.0.0.1:{free_port()}/chat", "refused"),
            (f"ws://127.0.0.1:{echo}/chat", "what answers there is not the chat"),
            (f"wss://127.0.0.1:{echo}/chat", "SSL"),
            (chat, "Somebody here has this name already"),
        ):
            client = self.example("chat_client.py", url, "--name", "Ann")
            self.assertEqual(client.ended(), 1)
            self.assertRegex(client.err, rf"^{re.escape(url)}: .*{wanted}.*\n$")

    def test_no_address(self) -> None:
        """What is no WebSocket address is refused at once."""
        client = self.example("chat_client.py", "http://127.0.0.1/", "--name", "Ann")
        self.assertEqual(client.ended(), 2)
        self.assertIn("'http://127.0.0.1/' is no WebSocket address", client.err)
        for url in ("127.0.0.1:8080", "ws:///chat", "ws://host:x/", "ws://host:0/"):
            self.assertRaises(ArgumentTypeError, example_module("chat_client").websocket_url, url)
