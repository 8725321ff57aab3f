"""Clients of other makers talk to one server on its one port."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from sgcws import Connection, Request, Response, WebSocketHTTPServer

NODE = Path(__file__).parent.parent / "node"

PATIENCE = 20
"""Seconds after which an outside program is taken to hang."""


def run(*command: str) -> str:
    """Run a program to its end and return what it wrote, or fail with what it complained of."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def need(program: str) -> str:
    """Return the path of an outside program, or skip the test."""
    found = shutil.which(program)
    if found is None:
        raise SkipTest(f"{program} is not installed")
    return found


class AutobahnClient(WebSocketClientProtocol):
    """Sends one text and one binary message, and closes when both have come back."""

    def onOpen(self) -> None:
        """Send the messages."""
        self.factory.came = []
        self.sendMessage("grüße".encode())
        self.sendMessage(b"\x00\xff", isBinary=True)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Note an echo."""
        self.factory.came.append((payload, isBinary))
        if len(self.factory.came) == 2:
            self.sendClose(3000, "enough")

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        """Tell how it ended."""
        self.factory.ended.callback((wasClean, self.factory.came))


class ClientTests(TestCase):
    """One server that answers commands and echoes messages."""

    timeout = 60

    async def setUp(self) -> None:
        """Start the server on a free port."""
        self.server = WebSocketHTTPServer(0)
        self.ended: list[tuple[int, str]] = []

        @self.server.on_message
        def text(connection: Connection, message: str) -> None:
            connection.write_data(message)

        @self.server.on_binary
        def binary(connection: Connection, data: bytes) -> None:
            connection.write_data(data)

        @self.server.on_disconnect
        def ended(connection: Connection, code: int, reason: str) -> None:
            self.ended.append((code, reason))

        @self.server.on_command_get
        def get(request: Request, response: Response) -> None:
            response.text = f"{request.method} {request.path} {request.body.decode()}"

        self.addCleanup(self.server.stop)
        await self.server.start()
        self.port = self.server.listening_ports[0]

    async def test_curl(self) -> None:
        """Curl gets and posts, over IPv4 and by name, and asks several things on one connection."""
        curl = need("curl")
        url = f"http://127.0.0.1:{self.port}"
        self.assertEqual(await deferToThread(run, curl, "-sS", f"{url}/a%20b"), "GET /a b ")
        self.assertEqual(await deferToThread(run, curl, "-sS", "-d", "x=1", f"{url}/form"), "POST /form x=1")
        both = await deferToThread(run, curl, "-sS", f"http://localhost:{self.port}/1", f"http://localhost:{self.port}/2")
        self.assertEqual(both, "GET /1 GET /2 ")

    async def test_websockets(self) -> None:
        """The websockets library, with its own compression, gets its messages back and closes with its code."""
        if find_spec("websockets") is None:
            raise SkipTest("the websockets library is not installed")
        from websockets.sync.client import connect

        def talk() -> list[Any]:
            with connect(f"ws://127.0.0.1:{self.port}/any/path") as client:
                came = []
                for message in ("grüße", b"\x00\xff", "x" * 100_000):
                    client.send(message)
                    came.append(client.recv(timeout=PATIENCE))
                client.close(3001, "done")
                return came

        self.assertEqual(await deferToThread(talk), ["grüße", b"\x00\xff", "x" * 100_000])
        await self.server.stop()
        self.assertEqual(self.ended, [(3001, "done")])

    async def test_node_ws(self) -> None:
        """Node's ws gets its messages back, with its own ping answered."""
        node = need("node")
        if not (NODE / "node_modules" / "ws").is_dir():
            raise SkipTest("Node's ws is not installed; npm install --prefix tests/node does it")
        script = str(NODE / "echo_client.mjs")
        self.assertEqual(
            await deferToThread(run, node, script, f"ws://127.0.0.1:{self.port}/"),
            "text grüße\nbinary 00ff\npong 70696e67\nclosed 1000\n",
        )

    async def test_autobahn(self) -> None:
        """Autobahn's own client gets its messages back and closes cleanly."""
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{self.port}/", reactor=reactor)
        factory.protocol = AutobahnClient
        # Its timers are batched on the global reactor and would outlive the test.
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0, serverConnectionDropTimeout=0)
        factory.ended = Deferred()
        await HostnameEndpoint(reactor, "127.0.0.1", self.port).connect(factory)
        clean, came = await factory.ended
        self.assertTrue(clean)
        self.assertEqual(came, [("grüße".encode(), False), (b"\x00\xff", True)])
        await self.server.stop()
        self.assertEqual(self.ended, [(3000, "enough")])
