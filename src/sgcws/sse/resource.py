"""The place in the resource tree where streams begin, and where messages are posted to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any, Final

from multidict import CIMultiDict, CIMultiDictProxy
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sgcws.http.channel import expect_nothing_more
from sgcws.http.exchange import Exchange, exchange_of
from sgcws.http.handshake import Handshake
from sgcws.http.response import fill, send_status
from sgcws.http.text import decode
from sgcws.options import ServerSentEvents
from sgcws.realtime.opening import Opening
from sgcws.realtime.shared import Shared
from sgcws.rules.event_stream import MEDIA_TYPE, asks_for_events, is_text
from sgcws.sse.sink import RequestSink
from sgcws.sse.stream import EventStream
from sgcws.values import TransportKind

__all__ = ["GUID", "SECRET", "EventStreams"]

GUID: Final = "Sgcws-Connection"
"""The header by which a POST says which connection it speaks for."""

SECRET: Final = "Sgcws-Secret"
"""
The header by which it says that it may.

It is a header, for addresses come into logs, and a page of another origin cannot send it without being asked first.
"""

SECRET_BYTES = 32

HEAD: Final = {
    "Content-Type": MEDIA_TYPE,
    "Cache-Control": "no-store",
    # nginx would keep what it gets until it has some kilobytes.
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}

OURS: Final = (*map(str.lower, HEAD), "content-encoding", "content-length", "server", "transfer-encoding")
"""Headers of the answer that the application does not set."""


class EventStreams(Resource):
    """
    Begins a stream of events for each GET, and takes messages by POST.

    Args:
        shared: What all peers of the server share.
        options: Where, and how.
        new_secret: Makes a secret that nobody can guess.
    """

    isLeaf = True

    def __init__(
        self,
        shared: Shared,
        options: ServerSentEvents,
        new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(SECRET_BYTES),
    ) -> None:
        super().__init__()
        self._shared = shared
        self._options = options
        self._limit = shared.options.websocket.max_message_size
        self._new_secret = new_secret
        self._handshake = Handshake(shared, OURS)
        self._segments = [segment.encode() for segment in options.path.split("/")[1:]]

    def find(self, segments: list[bytes], request: Any) -> EventStreams | None:
        """Return this for a POST to its path, and for what asks for events there."""
        if segments != self._segments or request.method not in (b"GET", b"HEAD", b"POST"):
            return None
        accepted = map(decode, request.requestHeaders.getRawHeaders(b"accept", ()))
        return self if request.method == b"POST" or asks_for_events(accepted) else None

    def longest_body(self, segments: list[bytes], method: bytes) -> int | None:
        """Return how long the body of a request to its path may be; None for any other."""
        return self._limit if segments == self._segments and method == b"POST" else None

    def render(self, request: Any) -> int:
        """Answer a request."""
        exchange = exchange_of(self._shared, request)
        if not self._handshake.may_connect(exchange):
            exchange.peer.failed(403, "pages of this origin may not connect")
            return send_status(request, 403)
        if request.method == b"POST":
            return self._take(exchange)
        if request.method == b"HEAD":
            return _answer_head(request)
        return self._handshake.ask(exchange, lambda added: self._open(exchange, added))

    # Streams.

    def _open(self, exchange: Exchange, added: CIMultiDictProxy[str]) -> None:
        asked, twisted = exchange.request, exchange.twisted
        fill(twisted, CIMultiDict([*added.items(), *HEAD.items()]))
        expect_nothing_more(twisted.channel)
        sink = RequestSink(twisted)
        stream = EventStream(exchange.peer, sink, self._new_secret())
        stream.begin(self._options.retry)
        opening = Opening(
            url=asked.url, path=asked.path, query=asked.query, headers=asked.headers, response_headers=added
        )
        exchange.peer.open(TransportKind.SSE, stream, sink, opening)

    # Messages.

    def _take(self, exchange: Exchange) -> int:
        """Take a message; nothing is answered 204 that was not taken."""
        twisted, headers = exchange.twisted, exchange.request.headers
        stream = self._stream(headers.get(GUID, ""))
        text = is_text(headers.get("content-type", ""))
        if stream is None:
            return send_status(twisted, 404)
        if not stream.admits(headers.get(SECRET, "")):
            return send_status(twisted, 403)
        if text is None or "content-encoding" in headers:
            return send_status(twisted, 415)
        if stream.paused:
            return send_status(twisted, 503, headers={"Retry-After": "1"})
        if getattr(twisted, "too_long", False) or _size(twisted.content) > self._limit:
            return _refuse(exchange, stream, 413, "message too big")
        return self._deliver(exchange, stream, text)

    def _stream(self, guid: str) -> EventStream | None:
        """Return the stream of the connection with this guid, if messages are taken for it."""
        holder = getattr(self._shared.registry.get(guid), "holder", None)
        return holder if isinstance(holder, EventStream) and holder.peer.is_open else None

    def _deliver(self, exchange: Exchange, stream: EventStream, text: bool) -> int:
        body, peer = exchange.request.body, stream.peer
        errors = "strict" if self._shared.options.websocket.validate_utf8 else "replace"
        try:
            message = body.decode("utf-8", errors) if text else None
        except UnicodeDecodeError:
            return _refuse(exchange, stream, 400, "invalid payload")
        peer.heard()
        if message is None:
            peer.binary_received(body)
        else:
            peer.text_received(message, len(body))
        return send_status(exchange.twisted, 204)


def _answer_head(request: Any) -> int:
    """Answer as GET would be, without a stream (RFC 9110 section 9.3.2)."""
    fill(request, CIMultiDict(HEAD))
    request.finish()
    return int(NOT_DONE_YET)


def _refuse(exchange: Exchange, stream: EventStream, status: int, reason: str) -> int:
    """Refuse a message, and let the application hear of it; the stream goes on."""
    stream.peer.failed(status, reason)
    return send_status(exchange.twisted, status)


def _size(content: Any) -> int:
    size: int = content.seek(0, os.SEEK_END)
    return size
