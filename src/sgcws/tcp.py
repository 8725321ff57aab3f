"""Raw TCP: a `Connection` without a protocol."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from sgcws.realtime.connection import Peer
from sgcws.values import TransportKind

__all__ = ["RawTCPProtocol"]


class RawTCPProtocol(Protocol):
    """
    Delivers each packet as one binary message, and sends messages as they are.

    Args:
        peer: The connection that it speaks for.
    """

    transport: Any

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def connectionMade(self) -> None:
        """Make the connection one that can take messages."""
        self._peer.open(TransportKind.TCP, self)

    def dataReceived(self, data: bytes) -> None:
        """Deliver one packet."""
        self._peer.binary_received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the connection; raw TCP has no close codes."""
        self._peer.lost()

    def send_text(self, payload: bytes) -> None:
        """Send text as UTF-8, with nothing added."""
        self.transport.write(payload)

    def send_binary(self, payload: bytes) -> None:
        """Send bytes as they are."""
        self.transport.write(payload)

    def send_ping(self, payload: bytes) -> bool:
        """Raw TCP has no pings."""
        return False

    def shut(self, code: int, reason: str) -> None:
        """Close once everything is sent."""
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    def pause(self) -> None:
        """Stop reading."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on, unless it is being closed."""
        if not self.transport.disconnecting:
            self.transport.resumeProducing()
