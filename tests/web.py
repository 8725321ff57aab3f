"""Requests, answers and frames as bytes, and the rooms of a server put together in memory."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from twisted.internet import task
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.http.root import Root
from sgcws.net.listeners import Acceptor
from sgcws.options import ServerOptions
from sgcws.realtime.shared import Shared
from sgcws.wiring.assembly import assemble
from sgcws.wiring.selfcheck import SelfCheck
from tests.memory import BINARY, CLOSE, PING, PONG, TEXT, MemoryPort, Reactor, Transport

__all__ = [
    "ACCEPT",
    "BINARY",
    "CLOSE",
    "KEY",
    "PING",
    "PONG",
    "TEXT",
    "Answer",
    "Frame",
    "Reactor",
    "Server",
    "ServerTestCase",
    "Socket",
    "cooperate_on",
    "frame",
    "raw_deflate",
    "read_answers",
    "read_frames",
    "request",
    "upgrade",
]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The key of RFC 6455 section 1.3, and what it is answered with."""

ports = itertools.count(50000)


# What a client sends.


def request(path: str = "/", *lines: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """Write a request; its Host is ``localhost`` unless *lines* name one."""
    head = [f"{method} {path} HTTP/{version}", *lines]
    head += [] if any(line.lower().startswith("host:") for line in lines) else ["Host: localhost"]
    head += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*head, "", ""]).encode() + body


def upgrade(
    *lines: str, path: str = "/", without: Iterable[str] = (), method: str = "GET", version: str = "1.1"
) -> bytes:
    """
    Write a request for a WebSocket.

    Args:
        lines: More header lines, which take the place of the usual ones by the same name.
        path: The path.
        without: Names of usual header lines to leave out.
        method: The method.
        version: The HTTP version.
    """
    usual = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    gone = {name.lower() for name in (*without, *(line.partition(":")[0] for line in lines))}
    kept = [f"{name}: {value}" for name, value in usual.items() if name.lower() not in gone]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *kept, *lines, "", ""]).encode()


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\1\2\3\4"
) -> bytes:
    """Write a frame (RFC 6455 section 5.2), masked unless *mask* is None."""
    length = len(payload)
    short = length if length < 126 else 126 if length < 1 << 16 else 127
    longer = b"" if length < 126 else length.to_bytes(2 if length < 1 << 16 else 8)
    head = bytes([fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | short]) + longer
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ key for byte, key in zip(payload, itertools.cycle(mask), strict=False))


def raw_deflate(data: bytes) -> bytes:
    """Compress a message (RFC 7692 section 7.2.1)."""
    squeeze = zlib.compressobj(wbits=-15)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def ended_deflate(data: bytes) -> bytes:
    """Compress a message, and end the stream with it (RFC 7692 section 7.2.3.4)."""
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush(zlib.Z_FINISH)


# What a server sends.


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    reason: str
    headers: dict[bytes, list[bytes]]
    body: bytes

    def header(self, name: str) -> bytes | None:
        """Return the one header by this name, or None."""
        values = self.headers.get(name.lower().encode(), [])
        assert len(values) <= 1, values
        return values[0] if values else None


def read_answers(data: bytes, *, bodies: bool = True) -> list[Answer]:
    """Read answers with known lengths or in chunks; *bodies* is False for answers to HEAD."""
    answers = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers: dict[bytes, list[bytes]] = {}
        for line in lines:
            name, _, value = line.partition(b": ")
            headers.setdefault(name.lower(), []).append(value)
        _, status, reason = first.decode().split(" ", 2)
        body = b""
        if headers.get(b"transfer-encoding") == [b"chunked"]:
            body, data = read_chunks(data)
        elif bodies and int(status) >= 200:
            length = int(headers.get(b"content-length", [b"0"])[0])
            body, data = data[:length], data[length:]
        answers.append(Answer(int(status), reason, headers, body))
    return answers


def read_chunks(data: bytes) -> tuple[bytes, bytes]:
    """Read a body in chunks; return it, and what comes behind it."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2 :]
        if not length:
            return body, data


class Frame(NamedTuple):
    """One frame from the server, which masks none."""

    opcode: int
    payload: bytes
    rsv: int = 0
    fin: bool = True


def read_frames(data: bytes) -> list[Frame]:
    """Read frames."""
    frames = []
    while data:
        first, length, rest = data[0], data[1], data[2:]
        extended = {126: 2, 127: 8}.get(length, 0)
        if extended:
            length, rest = int.from_bytes(rest[:extended]), rest[extended:]
        assert len(rest) >= length, "part of a frame"
        frames.append(Frame(first & 15, rest[:length], first >> 4 & 7, bool(first & 128)))
        data = rest[length:]
    return frames


# The two ends.


@implementer(ITCPTransport)
class Wire(Transport):
    """The server's end of a socket; it can stop writing alone, and notes how it was set up and closed."""

    half_closed = False
    aborted = False
    no_delay = False
    keep_alive = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Note an option."""
        self.no_delay = enabled

    def getTcpNoDelay(self) -> bool:
        """Return an option."""
        return self.no_delay

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Note an option."""
        self.keep_alive = enabled

    def getTcpKeepAlive(self) -> bool:
        """Return an option."""
        return self.keep_alive

    def loseWriteConnection(self) -> None:
        """Tell the client that no more is coming."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborted = True
        super().abortConnection()

    def lost(self, reason: Exception) -> None:
        """Tell the producer and the protocol, as TCP does."""
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        super().lost(reason)


class Socket:
    """
    A client's end, which says what it is told to say and answers nothing by itself.

    Attributes:
        transport: The server's end.
    """

    def __init__(self, reactor: Reactor, port: MemoryPort) -> None:
        self._reactor = reactor
        source = IPv4Address("TCP", "127.0.0.1", next(ports))
        self.transport = Wire(reactor, port.getHost(), source)
        self.transport.protocol = port.factory.buildProtocol(source)
        self.transport.protocol.makeConnection(self.transport)

    @property
    def closed(self) -> bool:
        """Whether the server has closed the socket, once it has had its turn."""
        self._reactor.advance(0)
        return self.transport.closed

    @property
    def paused(self) -> bool:
        """Whether the server has stopped reading."""
        return self.transport.producerState == "paused"

    def send(self, *data: bytes) -> None:
        """Send some bytes, in one piece for each argument."""
        for piece in data:
            self.transport.protocol.dataReceived(piece)

    def received(self) -> bytes:
        """Return what has come since the last time."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def ask(self, data: bytes, *, bodies: bool = True) -> Answer:
        """Send a request and return the one answer that came."""
        self.send(data)
        # A file is sent in parts, one each turn.
        self._reactor.advance(0)
        (answer,) = read_answers(self.received(), bodies=bodies)
        return answer

    def open(self, *lines: str, path: str = "/") -> Answer:
        """Become a WebSocket; return the 101."""
        answer = self.ask(upgrade(*lines, path=path))
        assert answer.status == 101, answer
        return answer

    def frames(self) -> list[Frame]:
        """Return the frames that have come since the last time."""
        return read_frames(self.received())

    def leave(self) -> None:
        """Close the socket without a word."""
        self.transport.lost(ConnectionDone())


class Server:
    """
    The rooms of a server, put together, on one port of a reactor in memory; without a heartbeat unless it is asked for.

    Attributes:
        reactor: Its reactor, which is its clock, too.
        events: What it tells and asks.
        shared: What its peers share.
        root: The root of its resource tree.
        factory: Makes what takes in its sockets.
        told: What it told about connections and failures, in order.
    """

    def __init__(self, **groups: Any) -> None:
        self.reactor = Reactor()
        self.events = Events(self._in_pool, Logger())
        self.options = ServerOptions(**{"heartbeat": None, **groups})
        self.shared = Shared(
            clock=self.reactor, carrier=Carrier(self.reactor), events=self.events, options=self.options
        )
        self.root = Root()
        check = SelfCheck(self.shared, self.reactor, Logger())
        make = assemble(self.shared, self.root, self.reactor, check)
        self.factory = Acceptor(make, lambda: None)
        self._port = self.listen(self.factory)
        self.told: list[Any] = []
        self.events.on_connect(lambda connection: self.told.append("connect"))
        self.events.on_disconnect(lambda connection, code, reason: self.told.append((code, reason)))
        self.events.on_error(lambda connection, error: self.told.append(error.code))
        self.events.on_exception(lambda connection, failure: self.told.append(failure.type))

    def listen(self, factory: Any) -> MemoryPort:
        """Let any factory listen on a port of its own."""
        port: MemoryPort = self.reactor.listenTCP(0, factory)
        return port

    def connect(self, port: MemoryPort | None = None) -> Socket:
        """Connect a client, to our own port if no other is named."""
        return Socket(self.reactor, port or self._port)

    def websocket(self, *lines: str) -> tuple[Socket, Any]:
        """Connect a WebSocket; return both ends."""
        socket = self.connect()
        before = {peer.guid for peer in self.shared.registry.messaging()}
        socket.open(*lines)
        (peer,) = (peer for peer in self.shared.registry.messaging() if peer.guid not in before)
        return socket, peer

    def _in_pool(self, function: Any, *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self.reactor, self.reactor.getThreadPool(), function, *args)


class ServerTestCase(SynchronousTestCase):
    """Tests that talk to a `Server`."""

    def setUp(self) -> None:
        """Start one with default options."""
        self.serve()

    def serve(self, **groups: Any) -> Server:
        """Start one with other options; the tests talk to it from now on."""
        self.server = Server(**groups)
        self.events = self.server.events
        self.reactor = self.server.reactor
        cooperate_on(self, self.reactor)
        return self.server

    def ask(self, data: bytes, *, bodies: bool = True) -> Answer:
        """Send a request over a new socket and return the one answer that came."""
        return self.server.connect().ask(data, bodies=bodies)

    def assertEmpty(self) -> None:
        """Fail if the server knows of anybody, or waits for any time to come."""
        self.reactor.advance(0)
        self.assertEqual(self.server.shared.registry.everyone(), ())
        self.assertEqual(self.reactor.getDelayedCalls(), [])


def cooperate_on(case: SynchronousTestCase, clock: Any) -> None:
    """Let the parts of a file be sent in turns of *clock*; Twisted takes the global reactor for that."""
    turns = task.Cooperator(scheduler=lambda turn: clock.callLater(0, turn))
    case.patch(task, "_theCooperator", turns)
