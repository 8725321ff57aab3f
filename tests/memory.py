"""A reactor, its ports and its clients in memory, on a clock that a test advances."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, execute
from twisted.internet.error import (
    CannotListenError,
    ConnectBindError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionRefusedError,
    UserError,
)
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "Client", "MemoryPort", "Reactor"]

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

SOURCE_PORTS = itertools.count(50000)


@implementer(IListeningPort)
class MemoryPort:
    """A listening port of a `Reactor`."""

    def __init__(self, reactor: Reactor, number: int, factory: Any, interface: str) -> None:
        self.reactor, self.number, self.factory, self.interface = reactor, number, factory, interface

    def startListening(self) -> None:
        """Take its number."""
        if self.number in self.reactor.taken:
            raise CannotListenError(self.interface, self.number, OSError(errno.EADDRINUSE, "Address already in use"))
        self.reactor.open[self.number] = self
        self.factory.doStart()

    def stopListening(self) -> Deferred[None]:
        """Give its number back, at once or in the next turn of the reactor."""
        if self.reactor.closes_at_once:
            return execute(self.die)
        closed: Deferred[None] = deferLater(self.reactor, 0, self.die)
        return closed

    def die(self) -> None:
        """Go away, as a socket with an error does without having been asked."""
        if self.reactor.open.pop(self.number, None) is not None:
            self.factory.doStop()

    def getHost(self) -> IPv4Address | IPv6Address:
        """Return its address."""
        kind = IPv6Address if ":" in self.interface else IPv4Address
        return kind("TCP", self.interface or "0.0.0.0", self.number)


class Pool:
    """A thread pool without threads: what is called in it waits until `run`."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def callInThreadWithCallback(self, on_result: Any, function: Any, *args: Any) -> None:
        """Keep a call."""

        def run() -> None:
            try:
                result = function(*args)
            except Exception:
                on_result(False, Failure())
            else:
                on_result(True, result)

        self.waiting.append(run)

    def run(self) -> None:
        """Make all calls that wait."""
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()


class Reactor(MemoryReactorClock):
    """
    A reactor in memory that runs from `begin` on.

    Attributes:
        open: The ports that listen now, by number.
        taken: Numbers that cannot be had.
        deaf: Whether ports accept nothing: who connects is connected to nobody.
        full: Whether no descriptor is left to connect with.
        closes_at_once: Whether closing a port takes no turn of this reactor, other than with a real one.
        latency: Seconds that bytes between two protocols are on their way.
        pool: Its thread pool.
    """

    deaf = False
    full = False
    closes_at_once = True
    latency = 0.0

    def __init__(self, running: bool = True) -> None:
        super().__init__()
        self.open: dict[int, MemoryPort] = {}
        self.taken: set[int] = set()
        self.pool = Pool()
        if running:
            self.begin()

    def begin(self) -> None:
        """Run from now on."""
        self.running = self.hasRun = True
        hooks, self.whenRunningHooks = self.whenRunningHooks, []
        for function, args, kwargs in hooks:
            function(*args, **kwargs)

    def fire(self, phase: str, event: str) -> list[Any]:
        """Call the triggers of a system event, and return what they returned."""
        return [function(*args, **kwargs) for function, args, kwargs in self.triggers.get(phase, {}).get(event, ())]

    def getThreadPool(self) -> Pool:
        """Return its thread pool."""
        return self.pool

    def callFromThread(self, function: Any, *args: Any, **kwargs: Any) -> None:
        """Call at once: there is one thread."""
        function(*args, **kwargs)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        """Listen; 0 chooses a number."""
        found = MemoryPort(self, port or 40000 + len(self.open), factory, interface)
        found.startListening()
        return found

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: tuple[str, int] | None = None
    ) -> Any:
        """Connect a factory's client to a port of this reactor."""
        connector = Connector(self, port, factory, bindAddress or (host, 0))
        factory.doStart()
        factory.startedConnecting(connector)
        self.callLater(0, connector.go_on)
        return connector

    def connect(self, number: int | None = None) -> Client:
        """Connect a client to a listening port, the first if none is named."""
        return Client(self, next(iter(self.open.values())) if number is None else self.open[number])


class Transport(StringTransport):
    """The server's end of a socket; closing it takes one turn of the reactor, as with TCP."""

    protocol: Any = None
    socket: Any = None

    def __init__(self, clock: Any, host: Any, peer: Any) -> None:
        super().__init__(hostAddress=host, peerAddress=peer)
        self.clock = clock
        self.closed = False

    def _checkState(self) -> None:
        """Allow everything at any time, as TCP does."""

    def unregisterProducer(self) -> None:
        """Forget the producer, if there is one."""
        self.producer = None

    def loseConnection(self) -> None:
        """Close."""
        self.disconnecting = True
        self.clock.callLater(0, self.lost, ConnectionDone())

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborting = True
        self.clock.callLater(0, self.lost, ConnectionAborted())

    def lost(self, reason: Exception) -> None:
        """Tell the protocol, once."""
        if not self.closed:
            self.closed = True
            self.protocol.connectionLost(Failure(reason))


class Pipe(Transport):
    """One end of a socket of which both ends are protocols."""

    other: Pipe | None = None

    def write(self, data: bytes) -> None:
        """Bring some bytes to the other end, not before the next turn of the reactor."""
        self.clock.callLater(self.clock.latency, self._bring, data)

    def writeSequence(self, data: Any) -> None:
        """Bring some bytes to the other end."""
        self.write(b"".join(data))

    def _bring(self, data: bytes) -> None:
        if self.other is not None and not self.other.closed:
            self.other.protocol.dataReceived(data)

    def lost(self, reason: Exception) -> None:
        """Tell the protocol, once, and the other end after it."""
        if not self.closed:
            super().lost(reason)
            if self.other is not None:
                self.clock.callLater(0, self.other.lost, ConnectionDone())


class Connector:
    """
    An attempt to connect to a port of a `Reactor`.

    Attributes:
        transport: Stands for the socket, which is bound from the start on.
    """

    def __init__(self, reactor: Reactor, number: int, factory: Any, bound: tuple[str, int]) -> None:
        self._reactor, self._number, self._factory = reactor, number, factory
        kind = IPv6Address if ":" in bound[0] else IPv4Address
        source = kind("TCP", bound[0], bound[1] or next(SOURCE_PORTS))
        self.transport = Pipe(reactor, source, kind("TCP", bound[0], number))
        self.transport.socket = None if reactor.full else object()
        self._over = False

    def go_on(self) -> None:
        """Connect, or fail."""
        port = self._reactor.open.get(self._number)
        if self._reactor.full:
            self._fail(ConnectBindError())
        elif port is None:
            self._fail(ConnectionRefusedError())
        elif not self._over:
            self._over = True
            self._connect(port)

    def stopConnecting(self) -> None:
        """Give up."""
        self._fail(UserError())

    def _fail(self, reason: Exception) -> None:
        if not self._over:
            self._over = True
            self._factory.clientConnectionFailed(self, Failure(reason))

    def _connect(self, port: MemoryPort) -> None:
        near = self.transport
        near.protocol = self._factory.buildProtocol(near.getPeer())
        if not self._reactor.deaf:
            near.other = far = Pipe(self._reactor, near.getPeer(), near.getHost())
            far.other = near
            far.protocol = port.factory.buildProtocol(near.getHost())
            far.protocol.makeConnection(far)
        near.protocol.makeConnection(near)


class Client:
    """
    The other end: a client that says what it is told to say, and answers nothing by itself.

    Attributes:
        transport: The server's end.
    """

    def __init__(self, reactor: Reactor, port: MemoryPort) -> None:
        self._reactor = reactor
        source = IPv4Address("TCP", "127.0.0.1", next(SOURCE_PORTS))
        self.transport = Transport(reactor, port.getHost(), source)
        self.transport.protocol = port.factory.buildProtocol(source)
        self.transport.protocol.makeConnection(self.transport)

    @property
    def closed(self) -> bool:
        """Whether the server has closed the socket."""
        return self.transport.closed

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self.transport.protocol.dataReceived(data)

    def received(self) -> bytes:
        """Return what has come since the last time."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def get(self, path: str = "/") -> None:
        """Send a plain request."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def upgrade(self, path: str = "/", protocol: str = "") -> Client:
        """Become a WebSocket."""
        more = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        self.send(UPGRADE.format(path=path, more=more).encode())
        return self

    def frame(self, opcode: int, payload: bytes = b"") -> None:
        """Send one final frame of at most 125 bytes, masked with zeros."""
        self.send(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def say(self, text: str) -> None:
        """Send a text message."""
        self.frame(TEXT, text.encode())

    def answer_close(self, code: int = 1000) -> None:
        """Send a Close frame."""
        self.frame(CLOSE, code.to_bytes(2))

    def leave(self) -> None:
        """Close the socket without a word."""
        self.transport.lost(ConnectionDone())

    def frames(self) -> list[tuple[int, bytes]]:
        """Return the frames that have come since the last time, after the 101 if that came: opcode and payload."""
        data = self.received()
        if data.startswith(b"HTTP/1.1 101"):
            data = data.partition(b"\r\n\r\n")[2]
        found = []
        while data:
            length, rest = data[1], data[2:]
            if length == 126:
                length, rest = int.from_bytes(rest[:2]), rest[2:]
            found.append((data[0] & 0x0F, rest[:length]))
            data = rest[length:]
        return found
