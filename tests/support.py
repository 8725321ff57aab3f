"""Builders for the tests of events, connections and sockets: everything in memory, on the clock of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.events.calling import Caller
from sgcws.options import ServerOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.framing import Message
from sgcws.realtime.opening import Opening
from sgcws.realtime.shared import Shared
from sgcws.values import RawTCP, TransportKind
from tests.memory import Reactor

__all__ = [
    "FACTS",
    "Desk",
    "FakeFraming",
    "FakeTransport",
    "Log",
    "Quiet",
    "Recorder",
    "World",
    "factory_of",
    "raiser",
    "recording_caller",
]

FACTS = (
    "on_connect",
    "on_disconnect",
    "on_message",
    "on_binary",
    "on_fragmented",
    "on_slow_client",
    "on_error",
    "on_exception",
)
"""The facts that are told of a connection."""


def raiser(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises *error* whatever it is called with."""

    def fail(*args: object) -> Any:
        raise error

    return fail


class Log:
    """
    A log that keeps what it is told.

    Attributes:
        logger: Writes to it, and to no other.
        events: What was written.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.logger = Logger("test", observer=self.events.append)

    def lines(self) -> list[tuple[str, str]]:
        """Return what was written, each with its level."""
        return [
            (event["log_level"].name, event["log_format"].format(**event) if event["log_format"] else "")
            for event in self.events
        ]


class Recorder:
    """A handler that keeps the arguments of each call, and answers what it was given."""

    def __init__(self, answer: Any = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answer = answer

    def __call__(self, *args: Any) -> Any:
        """Keep the arguments."""
        self.calls.append(args)
        return self.answer


def recording_caller(
    reactor: Reactor | None = None, now: Callable[[], float] = lambda: 0.0
) -> tuple[Caller, list[tuple[tuple[Any, ...], Failure, str]], Log]:
    """Return a `Caller` with the list of what it reports, and its log; *reactor* has its pool."""
    reports: list[tuple[tuple[Any, ...], Failure, str]] = []
    log = Log()

    def in_pool(function: Any, *args: Any) -> Deferred[Any]:
        assert reactor is not None
        return deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)  # type: ignore[arg-type]

    return Caller(in_pool, lambda *report: reports.append(report), log.logger, now), reports, log


@implementer(ITCPTransport)
class FakeTransport(StringTransport):
    """
    A socket in memory.

    It tells its protocol of its end while it is being closed, before the call returns: no real socket does, so
    whoever copes with this one copes with all. With *sudden* off it waits for `end`.

    Attributes:
        protocol: Whom it talks to.
        aborted: Whether it was closed by force.
    """

    protocol: Any = None
    aborted = False

    def __init__(self, sudden: bool = True, **addresses: Any) -> None:
        super().__init__(**addresses)
        self._sudden = sudden

    def connect(self, protocol: Any) -> Any:
        """Become the transport of *protocol*, and return it."""
        self.protocol = protocol
        protocol.makeConnection(self)
        return protocol

    def receive(self, data: bytes) -> None:
        """Let some bytes come in."""
        self.protocol.dataReceived(data)

    def loseConnection(self) -> None:
        """Close."""
        self.disconnecting = True
        if self._sudden:
            self.end()

    def abortConnection(self) -> None:
        """Close by force."""
        self.aborted = True
        self.loseConnection()

    def end(self) -> None:
        """Tell the protocol, once, that the socket is closed."""
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(ConnectionAborted() if self.aborted else ConnectionDone()))

    def _checkState(self) -> None:
        """Refuse what only a socket that is gone would ignore."""
        assert self.connected, "paused or resumed after its end"

    # What the interface asks for besides.

    def loseWriteConnection(self) -> None:
        """Close our half."""

    def getTcpNoDelay(self) -> bool:
        """Tell whether small writes go out at once."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Have small writes sent at once."""

    def getTcpKeepAlive(self) -> bool:
        """Tell whether the system probes."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the system probe."""


class FakeFraming:
    """
    A protocol that takes messages, with the sink below it; it keeps what it is told to do.

    Attributes:
        done: The calls, each as a tuple of its name and arguments.
        peer: Whom it speaks for; told of the end by `abort`, as by a socket that is closed at once.
        failing: Whether it fails to encode messages.
        answers_pings: Whether it says that pings are answered.
        on_resume: Called when it reads on; it may deliver something.
        written: What the outbox has handed down.
        kept: Bytes that it says wait below.
        producer: Whom it tells to pause and to resume.
    """

    answers_pings = True

    def __init__(self, peer: Peer | None = None) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.peer = peer
        self.failing = False
        self.on_resume: Callable[[], object] = lambda: None
        self.written: list[bytes] = []
        self.kept = 0
        self.producer: Any = None

    # As a framing.

    def encode(self, message: Message) -> list[bytes]:
        """Keep it."""
        self._keep("text" if message.text else "binary", message.payload)
        return [message.payload]

    def encode_part(self, payload: bytes, text: bool, first: bool, last: bool) -> list[bytes]:
        """Keep it."""
        self._keep("part", payload, first, last)
        return [payload]

    def encode_ping(self, payload: bytes) -> bytes | None:
        """Keep it."""
        self._keep("ping", payload)
        return payload

    def fail(self, code: int, reason: str) -> None:
        """Keep it, and let the outbox take no more."""
        self.done.append(("fail", code, reason))
        if self.peer is not None and self.peer.outbox is not None:
            self.peer.outbox.finish(b"", list)

    def shut(self, code: int, reason: str) -> None:
        """Keep it."""
        self.done.append(("shut", code, reason))

    def abort(self) -> None:
        """Keep it, and be lost."""
        self.done.append(("abort",))
        if self.peer is not None:
            self.peer.lost()

    def pause(self) -> None:
        """Keep it."""
        self.done.append(("pause",))

    def resume(self) -> None:
        """Keep it."""
        self.done.append(("resume",))
        self.on_resume()

    # As a sink.

    def block(self) -> None:
        """Take nothing from now on."""
        self.producer.pauseProducing()

    def unblock(self) -> None:
        """Take everything again."""
        self.producer.resumeProducing()

    def write(self, data: bytes) -> None:
        """Keep what was handed down."""
        self.written.append(data)

    def waiting(self) -> int:
        """Return how many bytes it keeps."""
        return self.kept

    def register(self, producer: Any) -> None:
        """Keep whom to tell."""
        self.producer = producer

    def unregister(self) -> None:
        """Tell nobody any more."""
        self.producer = None

    def lose(self) -> None:
        """Keep it."""
        self.done.append(("lose",))

    def half_close(self) -> None:
        """Keep it."""
        self.done.append(("half close",))

    def _keep(self, *what: Any) -> None:
        if self.failing:
            raise OSError("it broke")
        self.done.append(what)


class World:
    """
    What the peers of one server share, without a heartbeat, and what its application hears.

    Attributes:
        reactor: Its clock and its pool.
        events: Its events.
        log: What is logged of them.
        told: What the application hears, each as a tuple of the event's short name and what came with it, without
            the connection.
        shared: Handed to peers.
    """

    def __init__(self) -> None:
        self.reactor = Reactor(running=False)
        self.log = Log()
        self.told: list[tuple[Any, ...]] = []
        self._writers: dict[str, Callable[..., None]] = {}
        self.events = Events(self._in_pool, self.log.logger)
        names = (f"{number:032x}" for number in range(1, 1000))
        self.shared = Shared(
            clock=self.reactor,
            carrier=Carrier(self.reactor),
            events=self.events,
            new_guid=lambda: next(names),
            options=ServerOptions(heartbeat=None),
        )

    def listen(self, *events: str) -> None:
        """Write down the facts named, or all of them."""
        for name in events or FACTS:
            self._writers[name] = self._writer(name.removeprefix("on_"))
            getattr(self.events, name)(self._writers[name])

    def listen_last(self, event: str, handler: Any) -> None:
        """Register *handler* for a fact ahead of what writes it down."""
        fact = getattr(self.events, event)
        fact.remove(self._writers[event])
        fact(handler)
        fact(self._writers[event])

    def peer(self, holder: Any = None, peer_address: object = None, local_address: object = None) -> Peer:
        """Return a new peer, held by *holder*."""
        peer = Peer(self.shared, peer_address, local_address, holder or FakeFraming())
        if isinstance(peer.holder, FakeFraming):
            peer.holder.peer = peer
        return peer

    def open_peer(self, **opening: Any) -> tuple[Peer, FakeFraming]:
        """Return a peer that can take messages, with its framing."""
        peer = self.peer()
        framing = FakeFraming(peer)
        peer.open(TransportKind.WEBSOCKET, framing, framing, Opening(**opening))
        return peer, framing

    def _writer(self, name: str) -> Callable[..., None]:
        def write(connection: Any, *rest: Any) -> None:
            self.told.append((name, *rest))

        return write

    def _in_pool(self, function: Any, *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self.reactor, self.reactor.getThreadPool(), function, *args)  # type: ignore[arg-type]


class Quiet(Protocol):
    """
    A protocol that keeps what comes in.

    Attributes:
        received: All bytes so far.
        ends: How often it was told of the end.
    """

    def __init__(self) -> None:
        self.received = b""
        self.ends = 0

    def dataReceived(self, data: bytes) -> None:
        """Keep some bytes."""
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count the end."""
        self.ends += 1


def factory_of(protocol: Protocol) -> Factory:
    """Return a factory that makes this one protocol."""
    factory = Factory()
    factory.buildProtocol = lambda addr: protocol  # type: ignore[method-assign]
    factory.noisy = False
    return factory


class Desk:
    """
    A `sgcws.net.first_bytes.Reception` whose connections are names, and whose protocols are `Quiet`.

    Attributes:
        connect: The answer to ``may_connect``; called with the holder if it can be called.
        unknown: The answer to ``may_be_unknown``; called with the first bytes if it can be called.
        told: What it is asked and told, in order.
        given: The protocol that took the socket over, and what kind it was.
        answer: What ``raw_tcp`` was given.
    """

    def __init__(self) -> None:
        self.answer: RawTCP | None = None
        self.connect: Any = None
        self.unknown: Any = None
        self.told: list[Any] = []
        self.given: tuple[str, Quiet] | None = None
        self.holder: Any = None

    def accepted(self, holder: Any, transport: Any) -> str:
        """Name a connection."""
        self.holder = holder
        self.told.append("accepted")
        return "connection"

    def may_connect(self, connection: str) -> Any:
        """Answer."""
        self.told.append("may connect")
        return self.connect(self.holder) if callable(self.connect) else self.connect

    def may_be_unknown(self, connection: str, first_bytes: bytes) -> Any:
        """Answer."""
        self.told.append(("unknown", first_bytes))
        return self.unknown(first_bytes) if callable(self.unknown) else self.unknown

    def http(self, connection: str) -> Quiet:
        """Take over."""
        return self._give("http")

    def raw_tcp(self, connection: str, answer: RawTCP) -> Quiet:
        """Take over."""
        self.answer = answer
        return self._give("raw")

    def lost(self, connection: str) -> None:
        """Hear of the end."""
        self.told.append("lost")

    def _give(self, kind: str) -> Quiet:
        self.given = (kind, Quiet())
        return self.given[1]
