"""Autobahn's protocol, speaking for a `Peer`."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sgcws.options import WebSocketOptions
from sgcws.realtime.connection import Opening, Peer
from sgcws.rules.close_codes import NO_STATUS, is_close_code
from sgcws.rules.deflate import Deflate
from sgcws.values import TransportKind
from sgcws.websocket.compression import Stream, accepted

__all__ = ["MessageFactory", "MessageProtocol"]

WORDS = {1002: "protocol error", 1007: "invalid payload", 1009: "message too big"}
"""What a failing peer is told; Autobahn's own words may quote an exception."""

TEXT, BINARY = 1, 2
COMPRESSED = 4
"""The reserved bit that marks a compressed message (RFC 7692 section 6)."""


class MessageProtocol(WebSocketServerProtocol):
    """
    Frames and unframes the messages of one peer.

    All questions about the upgrade have been answered before it is made, so that nothing here waits.

    Args:
        peer: The connection that it speaks for.
        opening: The request, and what was agreed on.
        key: The client's ``Sec-WebSocket-Key``.
        deflate: How messages are compressed, or None.
    """

    # None for Autobahn to copy: it would print them for its log with each connection, in most of an upgrade's time.
    CONFIG_ATTRS = ()  # type: ignore[assignment]

    transport: Any

    def __init__(self, peer: Peer, opening: Opening, key: str, deflate: Deflate | None) -> None:
        super().__init__()
        self._peer = peer
        self._opening = opening
        self._key = key
        self._deflate = deflate
        self._close_seen = False
        self._paused = False

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Begin; Autobahn's own collects details of the transport that nobody asks it for."""
        vars(self).update(self.factory.settings)
        self._connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Take in bytes, or throw them away once the conversation is over."""
        if self.state != self.STATE_CLOSED:
            self._dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the connection."""
        self._connectionLost(reason)  # type: ignore[arg-type]  # Autobahn hands it a Failure, too

    # What Autobahn calls.

    def onConnect(self, request: Any) -> Any:
        """Answer with what was agreed on."""
        self._wskey = self._key
        added = self._opening.response_headers
        names = {name.lower(): name for name in added}.values()
        return self._opening.protocol, {name: added.getall(name) for name in names}

    def perMessageCompressionAccept(self, offers: list[Any]) -> Any:
        """Accept the offer, which was agreed on."""
        if self._deflate is None:
            return None
        self._accepted = accepted(offers[0], self._deflate, self.factory.memory_level)
        return self._accepted

    def _onOpen(self) -> None:
        if self._perMessageCompress is not None:
            self._perMessageCompress = Stream.create_from_offer_accept(True, self._accepted)
        self._peer.open(TransportKind.WEBSOCKET, self, self._opening)

    def consumeData(self) -> None:
        """Take in what has come, but leave it lying while no more messages are wanted."""
        if self.state == self.STATE_CONNECTING:
            self.processHandshake()
            return
        while self.state != self.STATE_CLOSED and not self._paused and self.processData():
            pass

    def onMessageEnd(self) -> None:
        """Deliver a whole message; Autobahn's own would make a Deferred for each."""
        parts, self.message_data = self.message_data, []
        payload = b"".join(parts)
        if self.message_is_binary:
            self._peer.binary_received(payload)
        else:
            # Autobahn has validated it, unless the options ask for replacement.
            self._peer.text_received(payload.decode("utf-8", "replace"), len(payload))

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> bool | None:
        """Answer the peer's goodbye in its own words (RFC 6455 section 5.5.1); Autobahn's own refuses 1014."""
        if code is not None and not is_close_code(code):
            return self._protocol_violation("bad close code")
        try:
            self.remoteCloseCode, self.remoteCloseReason = code, (reasonRaw or b"").decode()
        except UnicodeDecodeError:
            return self._invalid_payload("bad close reason")
        self._close_seen = True
        self.sendCloseFrame(code, reasonRaw, isReply=True)
        self.dropConnection()
        return None

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self._close_seen:
            self._peer.lost(self.remoteCloseCode or NO_STATUS, self.remoteCloseReason or "")
        else:
            self._peer.lost(self.localCloseCode, (self.localCloseReason or b"").decode())

    def _fail_connection(self, code: int = 1002, reason: str = "") -> None:
        """Say why in a Close frame, tell the application, and listen no more (RFC 6455 section 7.1.7)."""
        words = WORDS.get(code, "")
        self.failedByMe = True
        self._close_seen = False
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=words.encode())
        self.state = self.STATE_CLOSED
        self.data = b""
        self._peer.closing()
        self._peer.failed(code, words)
        stop_writing(self.transport)

    def dropConnection(self, abort: bool = False) -> None:
        """Close the socket once everything is sent; the peer's deadline sees to it that it closes."""
        self.droppedByMe = True
        self.state = self.STATE_CLOSED
        self._peer.closing()
        self.transport.loseConnection()

    # What the peer calls.

    def send_text(self, payload: bytes) -> None:
        """Send one text message."""
        self._send_message(TEXT, payload)

    def send_binary(self, payload: bytes) -> None:
        """Send one binary message."""
        self._send_message(BINARY, payload)

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping."""
        self.sendPing(payload)
        return True

    def shut(self, code: int, reason: str) -> None:
        """Start the closing handshake (RFC 6455 section 7.1.2), and read on until it ends."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())
            self.resume()

    def abort(self) -> None:
        """Close the socket at once."""
        self.transport.abortConnection()

    def pause(self) -> None:
        """Deliver no more messages, and stop reading."""
        self._paused = True
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Deliver what has come already, and read on."""
        if self._paused:
            self._paused = False
            self.consumeData()
        if not self._paused and not self.transport.disconnecting:
            self.transport.resumeProducing()

    def _send_message(self, opcode: int, payload: bytes) -> None:
        """Send one message whole; Autobahn's own would hold it against the largest message that may come in."""
        deflate = self._perMessageCompress
        if deflate is None:
            self.sendFrame(opcode, payload)
            return
        deflate.start_compress_message()
        self.sendFrame(opcode, deflate.compress_message_data(payload) + deflate.end_compress_message(), rsv=COMPRESSED)


def stop_writing(transport: Any) -> None:
    """
    End our half of a conversation: the peer sees the end after all that was sent, and may still write.

    Closing both halves while it writes would make the system drop what is on its way to it, our Close frame, too.
    """
    if ISSLTransport.providedBy(transport) or not hasattr(transport, "loseWriteConnection"):
        # TLS has no half; it waits for the peer's goodbye by itself.
        transport.loseConnection()
    else:
        transport.loseWriteConnection()


class MessageFactory(WebSocketServerFactory):
    """
    Makes the protocols of one server.

    Autobahn's timers are all off: they run on the global reactor, whatever it is given. Ours see to time.

    Args:
        options: The WebSocket options.
        server: The ``Server`` header, or None.
        reactor: Handed to Autobahn.

    Attributes:
        memory_level: The memory that zlib works with.
        settings: What Autobahn's protocol goes by.
    """

    noisy = False

    def __init__(self, options: WebSocketOptions, server: str | None, reactor: Any) -> None:
        super().__init__(server=server or "", reactor=reactor)
        self.memory_level = 0 if options.compression is None else options.compression.memory_level
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
        self.settings = {name: getattr(self, name) for name in names}

    def make(self, peer: Peer, opening: Opening, key: str, deflate: Deflate | None = None) -> MessageProtocol:
        """Make the protocol that speaks for *peer*."""
        protocol = MessageProtocol(peer, opening, key, deflate)
        protocol.factory = self
        return protocol
