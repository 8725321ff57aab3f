"""The part of a connection below everything that waits: a TCP or Unix socket, or TLS on top of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import ISSLTransport
from twisted.protocols.policies import ProtocolWrapper

__all__ = ["TransportSink"]


class TransportSink:
    """
    A Twisted transport, as a `sgcws.interfaces.Sink`.

    Args:
        transport: The transport; whoever registered a producer with it has taken that back.

    Attributes:
        write: Sends some bytes; the transport's own method, which is called with every message.
    """

    __slots__ = ("_transport", "write")

    write: Callable[[bytes], None]

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.write = transport.write

    def waiting(self) -> int:
        """Return how many bytes wait for the socket to take them; over TLS they are encrypted already."""
        return waiting_in(self._transport)

    def register(self, producer: Any) -> None:
        """Let *producer* be told when to pause and to resume."""
        self._transport.registerProducer(producer, True)

    def unregister(self) -> None:
        """Tell the producer no more."""
        self._transport.unregisterProducer()

    def lose(self) -> None:
        """Close once everything is sent."""
        self._transport.loseConnection()

    def half_close(self) -> None:
        """
        End our half of a conversation: the peer sees the end after all that was sent, and may still write.

        Closing both halves while it writes would make the system drop what is on its way to it.
        """
        if ISSLTransport.providedBy(self._transport) or not hasattr(self._transport, "loseWriteConnection"):
            # TLS has no half; it waits for the peer's goodbye by itself.
            self._transport.loseConnection()
        elif self._transport.connected:
            # Twisted itself would have a socket that is gone watched.
            self._transport.loseWriteConnection()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abortConnection()


def waiting_in(transport: Any) -> int:
    """Count what a Twisted transport keeps; Twisted tells nobody, so this looks for itself."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    if not isinstance(transport, FileDescriptor):
        return 0
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen
