"""Look at what a new peer sends first, before anything else sees the socket, and give it to whoever speaks that."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from twisted.internet import protocol as twisted_protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

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

    def raw_tcp(self, connection: C) -> IProtocol:
        """Make the protocol that speaks none."""

    def lost(self, connection: C) -> None:
        """Hear that the socket closed before anyone took it over."""


class FirstBytes(twisted_protocol.Protocol, Generic[C]):
    """
    Holds a socket until it is known what the peer speaks.

    Args:
        reception: Where the socket is announced, and who takes it over.
        clock: Sets the deadline.
        timeout: Seconds from the accept until it must be known; a silent peer is closed then.
    """

    transport: Any

    def __init__(self, reception: Reception[C], clock: IReactorTime, timeout: float) -> None:
        self._reception = reception
        self._clock = clock
        self._timeout = timeout
        self._seen = b""
        self._looking = False
        self._gone = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Announce the socket and ask whether it may stay."""
        self._deadline = self._clock.callLater(self._timeout, self._too_late)
        self._connection = self._reception.accepted(self, self.transport)
        self._ask(self._reception.may_connect(self._connection), self._admit)

    def dataReceived(self, data: bytes) -> None:
        """Keep the bytes, and look at them once the peer is admitted."""
        self._seen += data
        if self._looking:
            self._look(classify(self._seen))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the socket."""
        self._gone = True
        self._stop_waiting()
        self._reception.lost(self._connection)

    def shut(self, code: int, reason: str) -> None:
        """Close it; nothing was spoken yet."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close it at once."""
        self.transport.abortConnection()

    def _ask(self, answer: Any, then: Any) -> None:
        """Go on with the answer to a question; nothing is read while it is awaited."""
        if not isinstance(answer, Deferred):
            then(answer)
            return
        self.transport.pauseProducing()
        answer.addCallback(self._answered, then)

    def _answered(self, answer: Any, then: Any) -> None:
        if not self._gone:
            self.transport.resumeProducing()
            then(answer)

    def _admit(self, answer: bool | Reject | RawTCP | None) -> None:
        if isinstance(answer, RawTCP):
            self._give_to(self._reception.raw_tcp(self._connection))
        elif answer is False or isinstance(answer, Reject):
            self.abort()
        else:
            self._looking = True
            if self._seen:
                self._look(classify(self._seen))

    def _look(self, speech: Speech) -> None:
        if speech is Speech.MORE:
            return
        self._looking = False
        if speech is Speech.HTTP:
            self._give_to(self._reception.http(self._connection))
        else:
            answer = self._reception.may_be_unknown(self._connection, self._seen)
            self._ask(answer, lambda kept: self._keep_or_close(kept, speech))

    def _keep_or_close(self, answer: bool | RawTCP | None, speech: Speech) -> None:
        if answer is True or isinstance(answer, RawTCP):
            self._give_to(self._reception.raw_tcp(self._connection))
        else:
            self.transport.write(FAREWELLS.get(speech, b""))
            self.transport.loseConnection()

    def _give_to(self, protocol: IProtocol) -> None:
        self._stop_waiting()
        seen, self._seen = self._seen, b""
        hand_over(self.transport, protocol, seen)

    def _too_late(self) -> None:
        self._deadline = None
        if self._looking and self._seen:
            self._look(classify(self._seen, complete=True))
        else:
            self.abort()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
