"""Look at what a new peer sends first, before anything else sees the socket, and give it to whoever speaks that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet import protocol as twisted_protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IProtocol, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from sgcws.interfaces import Shuttable
from sgcws.net.handover import hand_over
from sgcws.rules.first_bytes import Speech, classify
from sgcws.values import RawTCP, Reject

__all__ = ["FirstBytes", "Reception"]

C = TypeVar("C")

FAREWELLS = {
    # An alert: fatal, protocol_version (RFC 8446 section 6).
    Speech.TLS: bytes.fromhex("15 0301 0002 02 46"),
    # Empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 sections 6.5, 6.8 and 7).
    Speech.HTTP2: bytes.fromhex("000000 04 00 00000000" "000008 07 00 00000000" "00000000 0000000d"),
}
"""What is said, in its own protocol, to a peer that speaks what is not spoken here."""


class Reception(Protocol[C]):
    """Where a new socket is announced, and who takes it over; *C* stands for the connection."""

    def accepted(self, holder: Shuttable, transport: Any) -> C:
        """Note a new socket, which *holder* holds."""

    def may_connect(self, connection: C) -> Any:
        """Ask whether it may stay, before anything is read; ``bool | Reject | RawTCP | None``, or a Deferred of it."""

    def may_be_unknown(self, connection: C, first_bytes: bytes) -> Any:
        """Ask what to do with what is no protocol of ours; ``bool | RawTCP | None``, or a Deferred of it."""

    def http(self, connection: C) -> IProtocol:
        """Make the protocol that speaks HTTP/1.1."""

    def raw_tcp(self, connection: C, answer: RawTCP) -> IProtocol:
        """Make the protocol that speaks none; *answer* says where its messages end."""

    def lost(self, connection: C) -> None:
        """Hear that the socket closed before anyone took it over."""


@implementer(IHandshakeListener)
class FirstBytes(twisted_protocol.Protocol, Generic[C]):
    """
    Holds a socket until it is known what the peer speaks.

    A peer that has not said enough to tell is waited for during the first half of the time.
    What it has said by then is all there is to judge by; the rest of the time is the application's.
    Under TLS the handshake is a part of that time, for peers that are accepted as raw TCP, too.

    Args:
        reception: Where the socket is announced, and who takes it over.
        clock: Sets the deadlines.
        timeout: Seconds from the accept until somebody must have taken the socket over, or else it is closed.
    """

    transport: Any

    def __init__(self, reception: Reception[C], clock: IReactorTime, timeout: float) -> None:
        self._reception = reception
        self._clock = clock
        self._timeout = timeout
        self._seen = b""
        self._admitted = False
        self._raw: RawTCP | None = None
        self._shaken = True
        self._complete = False
        self._over = False
        self._awaited: Deferred[Any] | None = None
        self._deadline: IDelayedCall | None = None

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Announce the socket and ask whether it may stay."""
        self._shaken = not isinstance(self.transport, TLSMemoryBIOProtocol)
        self._deadline = self._clock.callLater(self._timeout / 2, self._no_more)
        self._connection = self._reception.accepted(self, self.transport)
        self._ask(self._reception.may_connect(self._connection), self._admit)

    def handshakeCompleted(self) -> None:
        """Hear that TLS is set up; no byte of the peer's comes before."""
        self._shaken = True
        self._look()

    def dataReceived(self, data: bytes) -> None:
        """Keep the bytes, and look at them once the peer is admitted."""
        self._seen += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the socket."""
        self._leave()
        self._stop_the_clock()
        if self._awaited is not None:
            self._awaited.cancel()
        self._reception.lost(self._connection)

    # What the connection calls.

    def shut(self, code: int, reason: str) -> None:
        """Close it; nothing was spoken yet."""
        self._leave()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close it at once."""
        self._leave()
        self.transport.abortConnection()

    # How it is done.

    def _ask(self, answer: Any, then: Callable[[Any], None]) -> None:
        """Go on with the answer to a question; nothing is read while it is awaited."""
        if not isinstance(answer, Deferred):
            self._answered(answer, then)
        elif self._over:
            answer.cancel()
        else:
            self._awaited = answer
            self.transport.pauseProducing()
            answer.addCallback(self._answered, then)

    def _answered(self, answer: Any, then: Callable[[Any], None]) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is not None and not self._over:
            self.transport.resumeProducing()
        # Whoever was asked may have closed it, and a transport may tell of a loss only when it reads again.
        if not self._over:
            then(answer)

    def _admit(self, answer: bool | Reject | RawTCP | None) -> None:
        if answer is False or isinstance(answer, Reject):
            self.abort()
            return
        self._admitted = True
        self._raw = answer if isinstance(answer, RawTCP) else None
        self._look()

    def _look(self) -> None:
        if self._over or not self._admitted or not self._shaken:
            return
        if self._raw is not None:
            self._give_to(self._reception.raw_tcp(self._connection, self._raw))
        elif self._seen:
            self._judge()

    def _judge(self) -> None:
        speech = classify(self._seen, self._complete)
        if speech is Speech.HTTP:
            self._give_to(self._reception.http(self._connection))
        elif speech is not Speech.MORE:
            self._admitted = False  # until it is known what to do with it
            answer = self._reception.may_be_unknown(self._connection, self._seen)
            self._ask(answer, lambda kept: self._keep_or_close(kept, speech))

    def _keep_or_close(self, answer: bool | RawTCP | None, speech: Speech) -> None:
        if answer is True:
            answer = RawTCP()
        if isinstance(answer, RawTCP):
            self._give_to(self._reception.raw_tcp(self._connection, answer))
            return
        self._leave()
        self.transport.write(FAREWELLS.get(speech, b""))
        self.transport.loseConnection()

    def _give_to(self, protocol: IProtocol) -> None:
        self._leave()
        self._stop_the_clock()
        seen, self._seen = self._seen, b""
        hand_over(self.transport, protocol, seen)

    def _leave(self) -> None:
        """Decide nothing any more about this socket."""
        self._over = True

    def _no_more(self) -> None:
        self._complete = True
        self._deadline = self._clock.callLater(self._timeout / 2, self._too_late)
        self._look()

    def _too_late(self) -> None:
        self._deadline = None
        self.abort()

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
