"""Autobahn's factory, for one set of options."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol

from sgcws.options import WebSocketOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.opening import Opening
from sgcws.rules.deflate import Deflate
from sgcws.rules.gcra import Allowance
from sgcws.websocket.lean import subclass
from sgcws.websocket.protocol import MessageProtocol, Terms

__all__ = ["MessageFactory"]


class MessageFactory(WebSocketServerFactory):
    """
    Makes the protocols of one server.

    Autobahn's timers are all off: they run on the global reactor, whatever it is given. Ours see to time.

    Args:
        options: The WebSocket options.
        server: The ``Server`` header, or None.
        reactor: Handed to Autobahn.

    Attributes:
        terms: On what terms peers are heard.
    """

    noisy = False

    def __init__(self, options: WebSocketOptions, server: str | None, reactor: Any) -> None:
        super().__init__(server=server or "", reactor=reactor)
        self.setProtocolOptions(
            webStatus=False,
            utf8validateIncoming=options.validate_utf8,
            maxFramePayloadSize=options.max_frame_size or 0,
            maxMessagePayloadSize=options.max_message_size,
            # Parsing ends where a peer fails; what that means for the connection is for the protocol to say.
            failByDrop=True,
            echoCloseCodeReason=True,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
        )
        names = set(WebSocketServerProtocol.CONFIG_ATTRS) - set(vars(MessageProtocol))
        self.terms = Terms(
            clock=reactor,
            mode=options.fragmented_messages,
            control_frames=Allowance(options.max_control_frames, 2 * options.max_control_frames),
            tiny_fragments=Allowance(options.max_tiny_fragments, 2 * options.max_tiny_fragments),
            compression=options.compression,
        )
        self._protocol = subclass(MessageProtocol, {name: getattr(self, name) for name in names})

    def make(self, peer: Peer, opening: Opening, key: str, deflate: Deflate | None = None) -> MessageProtocol:
        """Make the protocol that speaks for *peer*."""
        protocol = self._protocol(peer, self.terms, opening, key, deflate)
        protocol.factory = self
        return protocol
