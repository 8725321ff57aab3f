"""Raw TCP on real sockets: messages that end where the application said, over TCP and over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from sgcws import Connection, RawTCP, Scan, WebSocketHTTPServer, WebSocketOptions
from sgcws.realtime.inbox import MOST_MESSAGES
from sgcws.tcp import MOST_AT_ONCE
from tests.tls import tls_files

from .pages import fetch
from .program import PATIENCE

LINES = RawTCP(b"\r\n", Scan.ALL)
LIMIT = 1024**2
MANY = 30_000
MORE_THAN_THE_SYSTEM_KEEPS = 24 * 1024**2
"""Bytes that no socket takes unless the other end reads."""


def numbered(count: int) -> list[bytes]:
    """Return that many messages."""
    return [b"%d" % number for number in range(count)]


def as_lines(messages: list[bytes]) -> bytes:
    """Write messages as lines."""
    return b"".join(message + b"\r\n" for message in messages)


class RawTCPTestCase(TestCase):
    """A server that keeps everybody as raw TCP, and its clients, which block in threads."""

    timeout = 120
    secure = False

    async def setUp(self) -> None:  # type: ignore[override]
        """Listen, and write down what is heard."""
        self.answer = LINES
        self.told: list[tuple[Any, ...]] = []
        self.ended: Deferred[None] = Deferred()
        self.server = WebSocketHTTPServer(
            bindings=["tcp:0:interface=127.0.0.1", self.binding()],
            websocket=WebSocketOptions(max_message_size=LIMIT),
            watchdog=None,
        )
        self.server.on_unknown_protocol(lambda connection, first_bytes: self.answer)
        self.server.on_connect(lambda connection: self.told.append(("connect",)))
        self.server.on_binary(lambda connection, data: self.told.append(("binary", data)))
        self.server.on_error(lambda connection, error: self.told.append(("error", error.code)))
        self.server.on_disconnect(self.disconnected)
        self.addCleanup(self.server.stop)
        await self.server.start()
        self.plain_port, self.port = self.server.listening_ports

    def binding(self) -> str:
        """Say where raw TCP comes."""
        if not self.secure:
            return "tcp:0:interface=127.0.0.1"
        self.files = tls_files(self.mktemp())
        return f"ssl:0:interface=127.0.0.1:certKey={self.files.certificate}:privateKey={self.files.private_key}"

    def disconnected(self, connection: Connection, code: int, reason: str) -> None:
        """Write it down, and tell."""
        self.told.append(("disconnect", code))
        self.ended.callback(None)

    @contextlib.contextmanager
    def client(self) -> Iterator[socket.socket]:
        """Connect."""
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.secure:
                client = stack.enter_context(
                    ssl.create_default_context(cafile=self.files.certificate).wrap_socket(
                        client, server_hostname="localhost"
                    )
                )
            yield client

    def send(self, *packets: bytes, reset: bool = False) -> Deferred[None]:
        """Connect, send some packets and leave, abruptly or not; the Deferred fires when the connection has ended."""

        def talk() -> None:
            with self.client() as client, contextlib.suppress(OSError):
                for packet in packets:
                    client.sendall(packet)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif isinstance(client, ssl.SSLSocket):
                    with contextlib.suppress(OSError):
                        client.unwrap()

        return deferToThread(talk).addCallback(lambda _: self.ended)

    def heard(self) -> list[bytes]:
        """Return the messages."""
        return [data for name, *rest in self.told if name == "binary" for data in rest]


class EndOfFrameTests(RawTCPTestCase):
    """The end of a message, over TCP."""

    async def test_all(self) -> None:
        """Messages come whole, however they are cut: each byte by itself, or all in one packet."""
        for packets in ([as_lines([b"hello", b"", b"world"])], [bytes([byte]) for byte in b"hello\r\n\r\nworld\r\n"]):
            self.ended = Deferred()
            self.told.clear()
            await self.send(*packets, b"rest")
            self.assertEqual(self.heard(), [b"hello", b"", b"world"])
            self.assertEqual((self.told[0], self.told[-1]), (("connect",), ("disconnect", 1006)))

    async def test_latest(self) -> None:
        """A message that is over when nothing more has come may have terminators within."""
        self.answer = RawTCP(b"\0", Scan.LATEST)
        await self.send(b"one\0two\0")
        self.assertEqual(self.heard(), [b"one\0two"])

    async def test_none(self) -> None:
        """Without a terminator everything comes, cut as it may be."""
        self.answer = RawTCP()
        await self.send(b"one\r\n", b"two\r\n" * 1000)
        self.assertEqual(b"".join(self.heard()), b"one\r\n" + b"two\r\n" * 1000)

    async def test_conversation(self) -> None:
        """Who sends a line and waits gets the answer, with nothing added; the last one comes before the close."""

        def answer(connection: Connection, line: bytes) -> None:
            connection.write_data(f"{line.decode()}é|")
            if line == b"bye":
                connection.close()

        self.server.on_binary(answer)

        def talk() -> bytes:
            with self.client() as client:
                client.sendall(b"hello\r\n")
                first = client.recv(100)
                client.sendall(b"bye\r\n")
                return first + b"".join(iter(lambda: client.recv(100), b""))

        self.assertEqual((await deferToThread(talk)).decode(), "helloé|byeé|")
        await self.ended
        self.assertEqual(self.told[-1], ("disconnect", 1000))


class FloodTests(RawTCPTestCase):
    """Peers that send much, over TCP."""

    async def test_many(self) -> None:
        """Very many tiny messages all come, in their order, before the end; others are served meanwhile."""
        sent = self.send(as_lines(numbered(MANY)))
        while not self.heard():
            await turn()
        before = len(self.heard())
        self.assertEqual(await deferToThread(fetch, f"http://127.0.0.1:{self.plain_port}/"), "404")
        self.assertLess(before, MANY)
        await sent
        self.assertEqual(self.heard(), numbered(MANY))
        self.assertEqual(self.told[-1], ("disconnect", 1006))

    async def test_share(self) -> None:
        """In no turn of the reactor does one peer have more than its share, of what waited and of what came."""
        sent = self.send(as_lines(numbered(MANY)))
        most = last = 0
        while not self.ended.called:
            most, last = max(most, len(self.told) - last), len(self.told)
            await turn()
        await sent
        self.assertLessEqual(most, 3 * MOST_AT_ONCE)

    async def test_answers_that_nobody_reads(self) -> None:
        """What was read of a peer that left without reading its answers is delivered all the same."""
        self.server.on_binary(lambda connection, data: connection.write_data(data * 100) and None)
        messages = numbered(10 * MOST_AT_ONCE)
        await self.send(as_lines(messages), reset=True)
        self.assertEqual(self.heard(), messages[: len(self.heard())])
        self.assertEqual([name for name, *_ in self.told].count("disconnect"), 1)

    async def test_slow_handler(self) -> None:
        """While a handler takes its time no more is taken in than the inbox holds; then everything comes."""
        waiting: Deferred[None] = Deferred()
        self.server.on_binary(lambda connection, data: waiting)
        sent = self.send(as_lines(numbered(MANY)))
        while not self.server.connections:
            await turn()
        (peer,) = self.server.connections.values()
        while peer.messages_received < 1 + MOST_MESSAGES:
            await turn()
        for _ in range(20):
            await turn()
        self.assertEqual(peer.messages_received, 1 + MOST_MESSAGES)
        waiting.callback(None)
        await sent
        self.assertEqual(self.heard(), numbered(MANY))

    async def test_without_end(self) -> None:
        """A peer that never sends a terminator is closed when it has sent more than a message may be."""
        for scan in (Scan.ALL, Scan.LATEST):
            self.ended = Deferred()
            self.told.clear()
            self.answer = RawTCP(b"\r\n", scan)
            await self.send(b"x" * 1000, *[bytes(64 * 1024)] * 64)
            self.assertEqual(self.told, [("connect",), ("error", 1009), ("disconnect", 1009)])

    async def test_largest(self) -> None:
        """One of just the size that a message may have comes."""
        await self.send(b"x" * LIMIT + b"\r\n")
        self.assertEqual(self.heard(), [b"x" * LIMIT])

    async def test_while_it_writes(self) -> None:
        """A peer that writes before it reads gets all that was sent before the close; what it writes is thrown away."""

        def answer(connection: Connection, line: bytes) -> None:
            connection.write_data(bytes(MORE_THAN_THE_SYSTEM_KEEPS))
            connection.close()

        self.server.on_binary(answer)

        def talk() -> int:
            with self.client() as client:
                client.sendall(b"begin\r\n")
                client.sendall(bytes(MORE_THAN_THE_SYSTEM_KEEPS))
                return sum(map(len, iter(lambda: client.recv(65536), b"")))

        self.assertEqual(await deferToThread(talk), MORE_THAN_THE_SYSTEM_KEEPS)
        await self.ended
        self.assertEqual(self.heard(), [b"begin"])


class SecureTests(RawTCPTestCase):
    """Over TLS, where what comes in is cut in other places, and the end comes with the last of it."""

    secure = True

    async def test_all(self) -> None:
        """Very many messages and the end in one go: all come, in their order, before the end."""
        await self.send(as_lines(numbered(MANY)))
        self.assertEqual(self.heard(), numbered(MANY))
        self.assertEqual([name for name, *_ in self.told].count("disconnect"), 1)
        self.assertEqual(self.told[-1], ("disconnect", 1006))

    async def test_slow_handler(self) -> None:
        """The end waits for a handler that takes its time."""
        waiting: Deferred[None] = Deferred()
        self.server.on_binary(lambda connection, data: waiting)
        sent = self.send(as_lines(numbered(1000)))
        while not self.heard():
            await turn()
        waiting.callback(None)
        await sent
        self.assertEqual(self.heard(), numbered(1000))

    async def test_without_end(self) -> None:
        """A peer that never sends a terminator is closed."""
        await self.send(b"x" * 1000, *[bytes(64 * 1024)] * 64)
        self.assertEqual(self.told, [("connect",), ("error", 1009), ("disconnect", 1009)])


def turn() -> Deferred[None]:
    """Let the reactor turn once."""
    return deferLater(reactor, 0, lambda: None)
