"""A real server that echoes, and clients of it, all in memory: no port is opened and no time passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from sgcws import Connection, WebSocketHTTPServer

from ..memory import Reactor
from .frames import TEXT, Frame, close, closing, frame, read_frames, shown

__all__ = ["CLOSE_TIMEOUT", "REASONS", "UPGRADE", "CaseTestCase", "Echo", "Link", "Told"]

UPGRADE = (
    b"GET /cases HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)

PACKET = 1 << 16
"""Bytes that Twisted reads from a socket at once."""

CLOSE_TIMEOUT = 5.0
"""Seconds, by default, that a closing handshake may take."""

REASONS = {1002: "protocol error", 1007: "invalid payload", 1009: "message too big"}
"""What a client that breaks the protocol is told beside the code."""

Told = tuple[Any, ...]


class Socket(StringTransport):
    """
    The server's end of a TCP socket: what is written leaves at the reactor's next turn, unless aborted before.

    Attributes:
        sent: What has left.
        half_closed: Whether the end of the stream has left, too; what is written then is lost.
    """

    protocol: Any = None

    def __init__(self) -> None:
        super().__init__(lenient=True)
        self.sent = b""
        self.half_closed = self._half_closing = False

    def loseWriteConnection(self) -> None:
        """Send the end of the stream after all that was written, and read on."""
        self._half_closing = True

    def turn(self) -> None:
        """Let the reactor turn once."""
        if not self.connected:
            return
        if self.disconnected:
            self.end(ConnectionAborted())
            return
        self.sent += b"" if self.half_closed else self.value()
        self.clear()
        self.half_closed = self._half_closing
        if self.disconnecting:
            self.end(ConnectionDone())

    def end(self, why: Exception) -> None:
        """Tell the protocol that the socket is closed."""
        self.connected = False
        self.protocol.connectionLost(Failure(why))


class Echo:
    """A server that echoes every message, on a reactor in memory."""

    def __init__(self, **groups: Any) -> None:
        self.reactor = Reactor()
        self.server = WebSocketHTTPServer(
            bindings=["tcp:8080:interface=127.0.0.1"], reactor=self.reactor, watchdog=None, **groups
        )
        self.opened: list[Connection] = []
        self.exceptions: list[Failure] = []
        self._listen_to(self.server)
        self.server.start()
        (self._port,) = self.reactor.open.values()

    def _listen_to(self, server: WebSocketHTTPServer) -> None:
        def opened(connection: Connection) -> None:
            connection.data = []
            self.opened.append(connection)

        def message(connection: Connection, data: str | bytes) -> None:
            connection.data.append(("binary" if isinstance(data, bytes) else "message", data))
            connection.write_data(data)

        server.on_connect(opened)
        server.on_message(message)
        server.on_binary(message)
        server.on_error(lambda connection, error: connection.data.append(("error", error.code)))
        server.on_disconnect(lambda connection, *how: connection.data.append(("disconnect", *how)))
        server.on_exception(lambda connection, failure: self.exceptions.append(failure))

    def accept(self) -> Socket:
        """Return a socket that it has just accepted."""
        socket = Socket()
        socket.protocol = self._port.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        socket.protocol.makeConnection(socket)
        return socket

    def connect(self, then: bytes = b"", chop: int = PACKET) -> Link:
        """
        Make a WebSocket connection.

        Args:
            then: What the client sends right behind its request.
            chop: Bytes in a packet.
        """
        before = len(self.opened)
        link = Link(self, self.accept())
        link.send(UPGRADE + then, chop)
        if len(self.opened) == before:
            raise AssertionError("the upgrade was not answered by 101")
        link.connection = self.opened[before]
        return link


class Link:
    """
    A client's end of a connection, and what the application is told about it.

    Attributes:
        connection: The server's end.
    """

    connection: Connection

    def __init__(self, echo: Echo, socket: Socket) -> None:
        self._echo = echo
        self._socket = socket

    def send(self, data: bytes, chop: int = PACKET) -> None:
        """Send some bytes in packets of *chop* bytes; the reactor turns after each."""
        for start in range(0, len(data), chop):
            self._packet(data[start : start + chop])

    def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send some bytes in packets that are given one by one."""
        for piece in pieces:
            self._packet(piece)

    def _packet(self, data: bytes) -> None:
        # Nobody reads what comes once the server has closed the socket.
        if not self.closed:
            self._socket.protocol.dataReceived(data)
            self._turn()

    def _turn(self) -> None:
        """Let the reactor turn until it has nothing more to do at this moment."""
        self._socket.turn()
        reactor = self._echo.reactor
        while any(call.getTime() <= reactor.seconds() for call in reactor.getDelayedCalls()):
            reactor.advance(0)
            self._socket.turn()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._echo.reactor.advance(seconds)
        self._turn()

    def leave(self) -> None:
        """Close the client's end of the socket."""
        self._socket.end(ConnectionDone())
        self._turn()

    def vanish(self) -> None:
        """Lose the socket, as by a broken network."""
        if not self.closed:
            self._socket.end(ConnectionLost())
            self._turn()

    @property
    def closed(self) -> bool:
        """Whether the server has closed the socket."""
        return not self._socket.connected

    @property
    def ended(self) -> bool:
        """Whether the client has seen the end of what the server sends."""
        return self.closed or self._socket.half_closed

    @property
    def aborted(self) -> bool:
        """Whether the server has closed it at once, so that the client sees a reset."""
        return self._socket.disconnected

    @property
    def told(self) -> list[Told]:
        """What the application was told since ``on_connect``."""
        told: list[Told] = self.connection.data
        return told

    def frames(self) -> list[Frame]:
        """Return all that came after the 101, read strictly."""
        return read_frames(self._socket.sent.partition(b"\r\n\r\n")[2])


class CaseTestCase(SynchronousTestCase):
    """
    Cases against one server.

    Attributes:
        options: The groups of options that it gets.
    """

    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        """Start the server."""
        self.echo = Echo(**self.options)

    def tearDown(self) -> None:
        """Find nothing left over: no failure, no connection, no call that waits."""
        self.assertEqual(self.echo.exceptions, [])
        self.assertEqual(len(self.echo.server.connections), 0, "connections are left")
        self.assertEqual(self.echo.reactor.getDelayedCalls(), [], "calls are left on the clock")

    @contextmanager
    def case(self, *what: object, then: bytes = b"", chop: int = PACKET) -> Iterator[Link]:
        """Open a connection for one case, as `Echo.connect` does, and name the case in what fails within."""
        link = self.echo.connect(then, chop)
        try:
            yield link
        except AssertionError as error:
            link.vanish()
            raise self.failureException(f"{' '.join(map(str, what))}: {error}") from error

    def assert_frames(self, link: Link, *expected: Frame) -> None:
        """Exactly these frames have come."""
        self._assert_alike("frames", link.frames(), expected)

    def assert_told(self, link: Link, *expected: Told) -> None:
        """The application was told exactly this."""
        self._assert_alike("events", link.told, expected)

    def assert_closed(self, link: Link) -> None:
        """The socket is closed, with all that was written sent before."""
        self.assertTrue(link.closed, "the socket is still open")
        self.assertFalse(link.aborted, "the socket was reset")

    def assert_served(self, link: Link, *expected: Frame, told: Sequence[Told] = ()) -> None:
        """Exactly these frames came, the application was told this, and a closing handshake ends it (section 7)."""
        self.assert_frames(link, *expected)
        self.assert_told(link, *told)
        link.send(close(1000))
        self.assert_frames(link, *expected, closing(1000))
        self.assert_told(link, *told, ("disconnect", 1000, ""))
        self.assert_closed(link)

    def assert_failed(self, link: Link, code: int, *before: Frame, told: Sequence[Told] = ()) -> None:
        """
        The client was failed with *code* (section 7.1.7): one Close frame came after these frames, then the end.

        What it still sends is not looked at, its own Close neither; it is gone when it closes the socket.
        """
        self._assert_failing(link, code, before, told)
        link.send(close(1000) + frame(TEXT, b"late"))
        self._assert_failing(link, code, before, told)
        link.leave()
        self.assert_told(link, *told, ("error", code), ("disconnect", code, REASONS[code]))

    def assert_silent_failure(self, link: Link, code: int, *before: Frame, told: Sequence[Told] = ()) -> None:
        """As `assert_failed`, but the client does nothing more: the socket is reset at ``close_timeout``."""
        link.wait(CLOSE_TIMEOUT - 0.1)
        self._assert_failing(link, code, before, told)
        link.wait(0.1)
        self.assertTrue(link.aborted, "the socket is still open")
        self.assert_frames(link, *before, closing(code, REASONS[code]))
        self.assert_told(link, *told, ("error", code), ("disconnect", code, REASONS[code]))

    def _assert_failing(self, link: Link, code: int, before: Sequence[Frame], told: Sequence[Told]) -> None:
        self.assert_frames(link, *before, closing(code, REASONS[code]))
        self.assert_told(link, *told, ("error", code))
        self.assertTrue(link.ended, "the client has not seen the end")
        self.assertFalse(link.closed, "the socket was closed before the client has read all")

    def _assert_alike(self, what: str, came: Sequence[Any], expected: Sequence[Any]) -> None:
        if list(came) != list(expected):
            self.fail(f"{what}: came {_listed(came)}; expected {_listed(expected)}")


def _listed(things: Sequence[Any]) -> str:
    texts = [str(thing) if isinstance(thing, Frame) else f"({', '.join(map(shown, thing))})" for thing in things[:12]]
    return f"[{', '.join(texts)}{', ...' if len(things) > 12 else ''}]"
