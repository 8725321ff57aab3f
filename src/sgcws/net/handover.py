"""Give a socket from one protocol to the next."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.protocols.policies import ProtocolWrapper

__all__ = ["hand_over"]


def hand_over(transport: Any, protocol: IProtocol, data: bytes = b"") -> None:
    """
    Make *protocol* the one that *transport* talks to, and give it the bytes that came before.

    Twisted has no call for this. A wrapper (TLS, throttling) names the protocol above it ``wrappedProtocol``,
    a socket names it ``protocol``, and that may itself be the wrapper that ``startTLS`` put in.
    """
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif isinstance(getattr(transport, "protocol", None), ProtocolWrapper):
        transport.protocol.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)
    if data:
        protocol.dataReceived(data)
