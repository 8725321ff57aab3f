"""Raw TCP: a `Connection` without a protocol."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from sgcws.net.sinks import TransportSink
from sgcws.realtime.connection import Peer
from sgcws.realtime.framing import Message
from sgcws.rules.terminator import Splitter, splitter_for
from sgcws.values import RawTCP, TransportKind

__all__ = ["MOST_AT_ONCE", "RawTCPProtocol"]

MOST_AT_ONCE = 128
"""Messages of one peer that are delivered in one turn of the reactor; then it is everybody else's turn."""

TOO_BIG = (1009, "message too big")


@implementer(IHalfCloseableProtocol)
class RawTCPProtocol(Protocol):
    """
    Delivers what comes in as binary messages, and sends messages as they are.

    Nothing more is read while messages of what was read wait for their turn, or for room in the inbox.
    When the peer closes the socket meanwhile, they are delivered before its end is told. One that only sends no more
    gets the answers to what it has sent; then the socket is closed.

    Args:
        peer: The connection that it speaks for.
        answer: Where its messages end.
    """

    answers_pings = False

    transport: Any

    def __init__(self, peer: Peer, answer: RawTCP) -> None:
        self._peer = peer
        limit = peer.options.websocket.max_message_size
        self._splitter: Splitter | None = splitter_for(answer.end_of_frame, answer.scan, limit)
        """None once we have ended it: nothing more is delivered."""
        self._held = 0
        self._next_turn: IDelayedCall | None = None
        self._paused = False
        self._reading = True
        self._lost = self._ended = False
        self._why: tuple[int | None, str] = (None, "")

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Make the connection one that can take messages."""
        self._sink = TransportSink(self.transport)
        self._peer.open(TransportKind.TCP, self, self._sink)

    def dataReceived(self, data: bytes) -> None:
        """Take in one packet, behind what waits."""
        self._peer.heard()
        if self._splitter is None:
            return
        self._splitter.feed(data)
        if self._next_turn is None:
            self._deliver()
        else:
            self._account()

    def readConnectionLost(self) -> None:
        """Hear that the peer sends no more, but may still read."""
        self._ended = True
        self._go_on()

    def writeConnectionLost(self) -> None:
        """Hear that our half is closed, which we never do by itself."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the connection, after what waits."""
        self._lost = True
        self._go_on()

    # What the outbox calls.

    def encode(self, message: Message) -> list[bytes]:
        """Return a message as it is; there are no frames, so it is never split."""
        return [message.payload]

    def encode_part(self, payload: bytes, text: bool, first: bool, last: bool) -> list[bytes]:
        """Return a part as it is."""
        return [payload]

    def encode_ping(self, payload: bytes) -> bytes | None:
        """Return None: raw TCP has no pings."""
        return None

    # What the peer calls.

    def shut(self, code: int, reason: str) -> None:
        """
        Close once everything is sent.

        No answer is awaited, so nothing more is delivered; it is read, for a peer may write before it reads.
        """
        self._hear_no_more()
        outbox = self._peer.outbox
        if self._lost or outbox is None:
            self._end()
        else:
            self._read(True)
            outbox.finish(b"", self._sink.lose)

    def fail(self, code: int, reason: str) -> None:
        """Close once everything is sent; there are no words to say why."""
        self.shut(code, reason)

    def abort(self) -> None:
        """Close at once."""
        self._hear_no_more()
        if self._lost:
            self._end()
        else:
            self._sink.abort()

    def pause(self) -> None:
        """Deliver no more messages, and stop reading."""
        self._paused = True
        self._read(False)

    def resume(self) -> None:
        """Deliver what has come already, and read on."""
        self._paused = False
        self._go_on()

    # How messages are delivered.

    def _deliver(self) -> None:
        """Deliver as much as one turn may."""
        self._next_turn = None
        for _ in range(MOST_AT_ONCE):
            # A handler may have stopped it, or ended it.
            if self._paused or self._splitter is None or not self._splitter.waiting:
                break
            self._peer.binary_received(self._splitter.take())
        self._go_on()

    def _go_on(self) -> None:
        """Do what comes after a delivery, or after what happened in between."""
        self._account()
        if self._splitter is not None and self._splitter.waiting:
            self._read(False)
            if not self._paused and self._next_turn is None:
                self._next_turn = self._peer.clock.callLater(0, self._deliver)
        elif self._splitter is not None and self._splitter.too_big:
            self._give_up()
        elif self._lost:
            self._end()
        elif self._ended:
            self._peer.when_told(self._leave)
        else:
            self._read(not self._paused)

    def _read(self, on: bool) -> None:
        if on is not self._reading and not (self._lost or self._ended):
            self._reading = on
            (self.transport.resumeProducing if on else self.transport.pauseProducing)()

    def _account(self) -> None:
        """Tell how many bytes are kept, those of an unfinished message among them."""
        size = 0 if self._splitter is None else self._splitter.size
        change, self._held = size - self._held, size
        if change:
            self._peer.hold(change)

    # How it ends.

    def _hear_no_more(self) -> None:
        self._splitter = None
        self._account()

    def _give_up(self) -> None:
        """Drop a peer whose message is too big; it hears no reason, for nobody knows what it understands."""
        self._why = TOO_BIG
        self._peer.failed(*TOO_BIG)
        self._peer.disconnect()

    def _leave(self) -> None:
        """Close to a peer that has all its answers."""
        if self._peer.outbox is not None:
            self._peer.outbox.finish(b"", self._sink.lose)
        self._peer.closing()

    def _end(self) -> None:
        self._hear_no_more()
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        self._peer.lost(*self._why)
