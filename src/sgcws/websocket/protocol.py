"""Autobahn's protocol, speaking for a `Peer`."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sgcws.options import WebSocketOptions
from sgcws.realtime.connection import Opening, Peer
from sgcws.rules.close_codes import NO_STATUS
from sgcws.values import TransportKind
from sgcws.websocket.compression import acceptor

__all__ = ["MessageFactory", "MessageProtocol"]

WORDS = {1002: "protocol error", 1007: "invalid payload", 1009: "message too big"}
"""What a failing peer is told; Autobahn's own words may quote an exception."""

DEAF_LIMIT = 64 * 1024
"""Bytes that are still looked through for a Close frame once the peer has failed."""

LARGEST_CONTROL = 125
"""Bytes that a control frame may carry (RFC 6455 section 5.5)."""


class MessageProtocol(WebSocketServerProtocol):
    """
    Frames and unframes the messages of one peer.

    All questions about the upgrade have been answered before it is made, so that nothing here waits.

    Args:
        peer: The connection that it speaks for.
        opening: The request, and what was agreed on.
        key: The client's ``Sec-WebSocket-Key``.
    """

    def __init__(self, peer: Peer, opening: Opening, key: str) -> None:
        super().__init__()
        self._peer = peer
        self._opening = opening
        self._key = key
        self._close_seen = False

    # What Twisted calls.

    def dataReceived(self, data: bytes) -> None:
        """Take in bytes; a peer that has failed is heard only for its Close frame."""
        if not (self.failedByMe and len(self.data) > DEAF_LIMIT):
            self._dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the connection."""
        self._connectionLost(reason)

    # What Autobahn calls.

    def onConnect(self, request: Any) -> tuple[str | None, dict[str, list[str]]]:
        """Answer with what was agreed on."""
        self._wskey = self._key
        added = self._opening.response_headers
        return self._opening.protocol, {name: added.getall(name) for name in dict.fromkeys(added)}

    def _onOpen(self) -> None:
        self._peer.open(TransportKind.WEBSOCKET, self, self._opening)

    def onMessageEnd(self) -> None:
        """Deliver a whole message; Autobahn's own would make a Deferred for each."""
        parts, self.message_data = self.message_data, None
        if self.failedByMe or parts is None:
            return
        payload = b"".join(parts)
        if self.message_is_binary:
            self._peer.binary_received(payload)
        else:
            # Autobahn has validated it, unless the options ask for replacement.
            self._peer.text_received(payload.decode("utf-8", "replace"), len(payload))

    def onFrameData(self, payload: bytes) -> bool | None:
        """Take in part of a frame, or throw it away when the peer has failed."""
        frame = self.current_frame
        if self.failedByMe and (frame.opcode < 8 or frame.length > LARGEST_CONTROL):
            return None
        answer: bool | None = super().onFrameData(payload)
        return answer

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        """Note that the peer said goodbye."""
        self._close_seen = True
        self._peer.closing()
        answer: bool | None = super().onCloseFrame(code, reasonRaw)
        return answer

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self._close_seen:
            self._peer.lost(self.remoteCloseCode or NO_STATUS, self.remoteCloseReason or "")
        else:
            self._peer.lost(self.localCloseCode, self.localCloseReason or "")

    def _fail_connection(self, code: int = 1002, reason: str = "") -> None:
        """Say why in a Close frame, tell the application, and wait for the peer's own; log nothing of it."""
        first, self.failedByMe = not self.failedByMe, True
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=WORDS.get(code, "").encode())
        elif self.state == self.STATE_CLOSING:
            self.dropConnection(abort=False)
        if first:
            self._peer.closing()
            self._peer.failed(code, reason.partition(":")[0])

    def dropConnection(self, abort: bool = False) -> None:
        """Close the socket; the server's deadline sees to it that it closes."""
        if self.state != self.STATE_CLOSED:
            self.droppedByMe = True
            self.state = self.STATE_CLOSED
            self._peer.closing()
            self._closeConnection(abort)

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Refuse what only Autobahn finds wrong, such as an extension offer, without its words."""
        self._peer.failed(code, "bad extension offer")
        self.sendData(b"HTTP/1.1 %d Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % code)

    def unregisterProducer(self) -> None:
        """Do nothing: Autobahn would unregister one that was never registered."""

    # What the peer calls.

    def send_text(self, payload: bytes) -> None:
        """Send one text message."""
        self.sendMessage(payload, isBinary=False)

    def send_binary(self, payload: bytes) -> None:
        """Send one binary message."""
        self.sendMessage(payload, isBinary=True)

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping."""
        self.sendPing(payload)
        return True

    def shut(self, code: int, reason: str) -> None:
        """Start the closing handshake (RFC 6455 section 7.1.2)."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())

    def abort(self) -> None:
        """Close the socket at once."""
        self.transport.abortConnection()

    def pause(self) -> None:
        """Stop reading."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        self.transport.resumeProducing()


class MessageFactory(WebSocketServerFactory):
    """
    Makes the protocols of one server.

    Autobahn's timers are all off: they run on the global reactor, whatever it is given. Ours see to time.

    Args:
        options: The WebSocket options.
        server: The ``Server`` header, or None.
        reactor: Handed to Autobahn.
    """

    noisy = False

    def __init__(self, options: WebSocketOptions, server: str | None, reactor: Any) -> None:
        super().__init__(server=server or "", reactor=reactor)
        self.setProtocolOptions(
            webStatus=False,
            utf8validateIncoming=options.validate_utf8,
            maxFramePayloadSize=options.max_frame_size or 0,
            maxMessagePayloadSize=options.max_message_size,
            # A peer that fails is told so in a Close frame.
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            perMessageCompressionAccept=acceptor(options.compression),
        )

    def make(self, peer: Peer, opening: Opening, key: str) -> MessageProtocol:
        """Make the protocol that speaks for *peer*."""
        protocol = MessageProtocol(peer, opening, key)
        protocol.factory = self
        return protocol
