"""One stream of events, speaking to a `Peer`."""

from __future__ import annotations

import hmac
import json

from sgcws.realtime.connection import Peer
from sgcws.realtime.framing import Message
from sgcws.rules.event_stream import COMMENT, Base64Parts, TextParts, binary_event, event, text_event
from sgcws.sse.sink import RequestSink

__all__ = ["EventStream"]


class EventStream:
    """
    Writes the messages for one peer as events.

    Args:
        peer: The connection that it speaks for.
        sink: Where the events go.
        secret: What a POST must know to speak for this peer.

    Attributes:
        peer: As given.
        paused: Whether no message is taken from the peer.
    """

    answers_pings = False

    def __init__(self, peer: Peer, sink: RequestSink, secret: str) -> None:
        self.peer = peer
        self.paused = False
        self._sink = sink
        self._secret = secret
        self._parts: TextParts | Base64Parts | None = None

    def begin(self, retry: float) -> None:
        """
        Tell the client who it is, and how long to wait before it comes back.

        A browser that comes back sends the id of the last event; it is the guid, so it says who it was.
        """
        told = json.dumps({"guid": self.peer.guid, "secret": self._secret})
        self._sink.write(event(told, name="opened", id=self.peer.guid, retry=retry))

    def admits(self, secret: str) -> bool:
        """Tell whether this is the secret; how long that takes tells nothing."""
        return hmac.compare_digest(self._secret.encode(), secret.encode())

    # What the outbox calls.

    def encode(self, message: Message) -> list[bytes]:
        """Return a message as one event, which is never split."""
        if message.forms is None:
            return [_event_of(message)]
        found = message.forms.get(EventStream)
        if found is None:
            found = message.forms[EventStream] = [_event_of(message)]
        return found

    def encode_part(self, payload: bytes, text: bool, first: bool, last: bool) -> list[bytes]:
        """Return a part of an event."""
        if first or self._parts is None:
            self._parts = TextParts() if text else Base64Parts()
        sent = self._parts.add(payload, last)
        return [sent] if sent else []

    def encode_ping(self, payload: bytes) -> bytes | None:
        """Return a comment, which nobody answers; None within an event, where none may stand."""
        return COMMENT if self._sink.between_events else None

    # What the peer calls.

    def shut(self, code: int, reason: str) -> None:
        """Send what waits, then say why, and end the answer."""
        # A peer has one as long as a stream speaks for it.
        assert self.peer.outbox is not None
        self.peer.outbox.finish(b"", lambda: self._end(code, reason))

    def fail(self, code: int, reason: str) -> None:
        """Say why, and end the answer."""
        self.shut(code, reason)

    def abort(self) -> None:
        """Close at once."""
        self._sink.abort()

    def pause(self) -> None:
        """Take no more messages."""
        self.paused = True

    def resume(self) -> None:
        """Take messages again."""
        self.paused = False

    def _end(self, code: int, reason: str) -> None:
        # An event that is not whole is forgotten by a browser, as long as nothing follows.
        if self._sink.between_events:
            self._sink.write(event(json.dumps({"code": code, "reason": reason}), name="closed"))
        self._sink.lose()


def _event_of(message: Message) -> bytes:
    return text_event(message.payload) if message.text else binary_event(message.payload)
