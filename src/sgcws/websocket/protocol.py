"""Autobahn's protocol, speaking for a `Peer`."""

from __future__ import annotations

from typing import Any

import attrs
from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from sgcws.codec import CLOSE, FINAL, PING, PONG, build_frame
from sgcws.net.sinks import TransportSink
from sgcws.options import Compression
from sgcws.realtime.connection import Peer
from sgcws.realtime.opening import Opening
from sgcws.realtime.outbox import Outbox
from sgcws.rules.close_codes import NO_STATUS, POLICY_VIOLATION, is_close_code
from sgcws.rules.deflate import Deflate
from sgcws.rules.gcra import Allowance
from sgcws.values import Fragment, FragmentMode, Opcode, TransportKind
from sgcws.websocket.assembly import Assembly
from sgcws.websocket.compression import accepted
from sgcws.websocket.deflating import Deflater
from sgcws.websocket.encoder import Encoder
from sgcws.websocket.inflating import Inflater
from sgcws.websocket.lean import leave_to_class, make_lean

__all__ = ["MessageProtocol", "Terms"]

WORDS = {
    1002: "protocol error",
    1007: "invalid payload",
    POLICY_VIOLATION: "too many frames",
    1009: "message too big",
}
"""What a failing peer is told; Autobahn's own words may quote an exception."""

SHARE = 256
"""Steps of the parser, two for each frame, that one peer may take in one turn of the reactor."""

STEP = 4096
"""Bytes of a message that count as one step more."""

TINY = 16
"""Bytes below which a fragment is tiny, unless it is the last of its message."""


@attrs.frozen(kw_only=True)
class Terms:
    """
    On what terms the peers of one server are heard.

    Args:
        clock: Tells the time, and gives turns.
        mode: What the application hears of messages in fragments.
        control_frames: How many control frames a peer may send.
        tiny_fragments: How many tiny fragments.
        compression: How messages are compressed, or None.
    """

    clock: IReactorTime
    mode: FragmentMode
    control_frames: Allowance
    tiny_fragments: Allowance
    compression: Compression | None


class MessageProtocol(WebSocketServerProtocol):
    """
    Frames and unframes the messages of one peer.

    All questions about the upgrade have been answered before it is made, so that nothing here waits.

    Args:
        peer: The connection that it speaks for.
        terms: On what terms it is heard.
        opening: The request, and what was agreed on.
        key: The client's ``Sec-WebSocket-Key``.
        deflate: How messages are compressed, or None.
    """

    # None for Autobahn to copy: it would print them for its log with each connection, in most of an upgrade's time.
    CONFIG_ATTRS = ()  # type: ignore[assignment]

    transport: Any
    current_frame: Any
    answers_pings = True

    _sink: TransportSink

    def __init__(self, peer: Peer, terms: Terms, opening: Opening, key: str, deflate: Deflate | None) -> None:
        super().__init__()
        self._peer = peer
        self._terms = terms
        self._opening = opening
        self._key = key
        self._deflate = deflate
        self._close_seen = False
        self._share = SHARE
        self._paused = self._parsing = False
        self._next_turn: IDelayedCall | None = None
        self._why_lost: Failure | None = None
        self._message = Assembly()
        self._fragment = Assembly()
        self._kept = 0
        self._control_full_at = self._tiny_full_at = 0.0

    # What Twisted calls.

    def connectionMade(self) -> None:
        """Begin; Autobahn's own collects details of the transport that nobody asks it for."""
        self._sink = TransportSink(self.transport)
        self._connectionMade()
        leave_to_class(self)

    def dataReceived(self, data: bytes) -> None:
        """Take in bytes, or throw them away once the conversation is over."""
        if self.state != self.STATE_CLOSED:
            self._peer.heard()
            self.data += data
            if self._next_turn is None:
                self.consumeData()
            self._count_what_is_kept()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the connection, after what has come before its end."""
        self._why_lost = reason
        self._paused = False
        if self._next_turn is None:
            self._go_on()

    # What Autobahn calls.

    def onConnect(self, request: Any) -> Any:
        """Answer with what was agreed on."""
        self._wskey = self._key
        added = self._opening.response_headers
        names = {name.lower(): name for name in added}.values()
        return self._opening.protocol, {name: added.getall(name) for name in names}

    def perMessageCompressionAccept(self, offers: list[Any]) -> Any:
        """Accept the offer, which was agreed on."""
        return None if self._deflate is None else accepted(offers[0], self._deflate)

    def _onOpen(self) -> None:
        deflate, compression = self._deflate, self._terms.compression
        if deflate is None or compression is None:
            encoder = Encoder(None)
        else:
            self._perMessageCompress: Any = Inflater(deflate, compression)
            encoder = Encoder(Deflater(deflate, compression))
        self.encode, self.encode_part = encoder.encode, encoder.encode_part
        self._peer.open(TransportKind.WEBSOCKET, self, self._sink, self._opening)

    def consumeData(self) -> None:
        """Take in what has come, up to a fair share, but leave it lying while no more messages are wanted."""
        if self.state == self.STATE_CONNECTING:
            self.processHandshake()
            make_lean(self)
            return
        if self._parsing:
            return
        self._share, self._parsing = SHARE, True
        while self._share > 0 and self.state != self.STATE_CLOSED and not self._paused and self.processData():
            self._share -= 1
        self._parsing = False
        if self._share <= 0 and self.state != self.STATE_CLOSED:
            self._wait_for_a_turn()

    def onMessageBegin(self, isBinary: bool) -> None:
        """Begin a message."""
        self.message_is_binary = isBinary
        self.message_data_total_length = 0
        self._continues = False

    def onMessageFrameBegin(self, length: int) -> None:
        """Begin a frame, unless it is too long, or one tiny fragment too many."""
        super().onMessageFrameBegin(length)
        if length < TINY and not self.current_frame.fin and not self.failedByMe:
            full_at = self._terms.tiny_fragments.spend(self._tiny_full_at, self._terms.clock.seconds())
            if full_at is None:
                self._fail_connection(POLICY_VIOLATION)
            else:
                self._tiny_full_at = full_at

    def onMessageFrameData(self, payload: bytes) -> None:
        """Keep a piece of a frame, for whoever wants it; what it was inflated to is what it costs."""
        self._share -= len(payload) // STEP
        if self._terms.mode is not FragmentMode.FRAGMENTS:
            self._message.add(payload)
        if self._terms.mode is not FragmentMode.BUFFER:
            self._fragment.add(payload)

    def onMessageFrameEnd(self) -> None:
        """Deliver a fragment."""
        if self._terms.mode is not FragmentMode.BUFFER:
            frame = self.current_frame
            opcode = Opcode.BINARY if self.message_is_binary else Opcode.TEXT
            self._peer.fragment_received(Fragment(self._fragment.take(), opcode, self._continues, frame.fin))
            self._continues = True

    def onMessageEnd(self) -> None:
        """Deliver a whole message; Autobahn's own would make a Deferred for each."""
        if self._terms.mode is FragmentMode.FRAGMENTS:
            self._peer.message_ended(self.message_data_total_length)
            return
        payload = self._message.take()
        if self.message_is_binary:
            self._peer.binary_received(payload)
        else:
            # Autobahn has validated it, unless the options ask for replacement.
            self._peer.text_received(payload.decode("utf-8", "replace"), len(payload))

    def processControlFrame(self) -> bool:
        """Take in a control frame, unless it is one too many."""
        full_at = self._terms.control_frames.spend(self._control_full_at, self._terms.clock.seconds())
        if full_at is None and self.current_frame.opcode != CLOSE:
            self._fail_connection(POLICY_VIOLATION)
            return False
        self._control_full_at = full_at or self._control_full_at
        return bool(super().processControlFrame())

    def onPing(self, payload: bytes) -> None:
        """Answer a ping (RFC 6455 section 5.5.2)."""
        if self.state == self.STATE_OPEN:
            self._outbox.pong(build_frame(FINAL | PONG, payload))

    def onPong(self, payload: bytes) -> None:
        """Hear the answer to a ping."""
        self._peer.ponged(payload)

    def onCloseFrame(self, code: Any, reasonRaw: Any) -> bool | None:
        """Answer the peer's goodbye in its own words (RFC 6455 section 5.5.1); Autobahn's own refuses 1014."""
        if code is not None and not is_close_code(code):
            return self._protocol_violation("bad close code")
        try:
            self.remoteCloseCode, self.remoteCloseReason = code, (reasonRaw or b"").decode()
        except UnicodeDecodeError:
            return self._invalid_payload("bad close reason")
        self._close_seen = True
        # Whoever says goodbye wants no more of what waits.
        self._outbox.discard()
        self.sendCloseFrame(code, reasonRaw, isReply=True)
        self.dropConnection()
        return None

    def _onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self._close_seen:
            self._peer.lost(self.remoteCloseCode or NO_STATUS, self.remoteCloseReason or "")
        else:
            self._peer.lost(self.localCloseCode, (self.localCloseReason or b"").decode())

    def _fail_connection(self, code: int = 1002, reason: str = "") -> None:
        """Fail the connection, and tell the application."""
        words = WORDS.get(code, "")
        self.failedByMe = True
        self._close_seen = False
        self.fail(code, words)
        self._peer.closing()
        self._peer.failed(code, words)

    def dropConnection(self, abort: bool = False) -> None:
        """Close the socket once everything is sent; the peer's deadline sees to it that it closes."""
        self.droppedByMe = True
        self.state = self.STATE_CLOSED
        self._peer.closing()
        self._outbox.finish(b"", self._sink.lose)

    def sendFrame(self, opcode: int, payload: bytes = b"", *args: Any, **kwargs: Any) -> None:
        """Send the one frame that Autobahn sends by itself: Close, after everything that waits."""
        self._outbox.finish(build_frame(FINAL | opcode, payload), _nothing)

    # What the peer calls.

    def encode_ping(self, payload: bytes) -> bytes:
        """Return a ping."""
        return build_frame(FINAL | PING, payload)

    def shut(self, code: int, reason: str) -> None:
        """Start the closing handshake (RFC 6455 section 7.1.2), and read on until it ends."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())

    def fail(self, code: int, reason: str) -> None:
        """Say why in a Close frame, and listen no more (RFC 6455 section 7.1.7)."""
        self._outbox.discard()
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())
        self.state = self.STATE_CLOSED
        self._forget()
        self._outbox.finish(b"", self._sink.half_close)

    def abort(self) -> None:
        """Close the socket at once, and hear no more."""
        self.state = self.STATE_CLOSED
        self._forget()
        self.transport.abortConnection()

    def pause(self) -> None:
        """Deliver no more messages, and stop reading."""
        self._paused = self._why_lost is None
        self._read_or_not()

    def resume(self) -> None:
        """Deliver what has come already, and read on."""
        self._paused = False
        if self._parsing or self._next_turn is not None:
            # What has come is taken in where this was said from, in a handler, or in its turn.
            self._read_or_not()
        else:
            self._go_on()

    @property
    def _outbox(self) -> Outbox:
        """What the peer has not taken; it is there from `Peer.open` on."""
        assert self._peer.outbox is not None
        return self._peer.outbox

    # How it takes turns.

    def _wait_for_a_turn(self) -> None:
        self._next_turn = self._terms.clock.callLater(0, self._take_a_turn)
        self._read_or_not()

    def _take_a_turn(self) -> None:
        self._next_turn = None
        self._go_on()

    def _go_on(self) -> None:
        if self.state != self.STATE_CLOSED and not self._paused:
            self.consumeData()
            self._count_what_is_kept()
        if self._why_lost is None:
            self._read_or_not()
        elif self._next_turn is None:
            self._end(self._why_lost)

    def _read_or_not(self) -> None:
        if self._paused or self._next_turn is not None:
            self.transport.pauseProducing()
        elif not self.transport.disconnecting:
            self.transport.resumeProducing()

    def _end(self, reason: Failure) -> None:
        self.state = self.STATE_CLOSED
        self._forget()
        self._connectionLost(reason)  # type: ignore[arg-type]  # Autobahn hands it a Failure, too

    # How it is counted.

    def _count_what_is_kept(self) -> None:
        """Tell how many bytes are kept of what is not complete."""
        kept = len(self.data) + self._message.size + self._fragment.size
        if kept != self._kept:
            change, self._kept = kept - self._kept, kept
            self._peer.hold(change)

    def _forget(self) -> None:
        """Keep nothing of what is not complete."""
        self.data = b""
        self._message.take()
        self._fragment.take()
        self._count_what_is_kept()


def _nothing() -> None:
    """Wait for the peer's half of the closing handshake."""
