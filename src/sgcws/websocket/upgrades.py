"""From an HTTP request to a WebSocket: every question is answered before Autobahn sees it."""

from __future__ import annotations

import base64
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sgcws.http.channel import take_over
from sgcws.http.exchange import Exchange, exchange_of
from sgcws.http.response import send_status
from sgcws.http.text import check_header
from sgcws.net.handover import hand_over
from sgcws.realtime.connection import Opening
from sgcws.realtime.shared import Shared
from sgcws.rules.deflate import Deflate, agree, parse_extensions
from sgcws.rules.origin import allowed
from sgcws.rules.tokens import split_list
from sgcws.rules.upgrade import Refusal, choose_subprotocol, judge_upgrade
from sgcws.values import Reject
from sgcws.websocket.compression import as_offer
from sgcws.websocket.protocol import MessageFactory

__all__ = ["Upgrades"]

OURS = (
    "connection",
    "content-length",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "server",
    "transfer-encoding",
    "upgrade",
)
"""Headers of the 101 that only the handshake itself sets, or that may not stand there."""


class Upgrades:
    """
    Lets requests in, or refuses them.

    Args:
        shared: What all peers of the server share.
        factory: Makes the protocols.
    """

    def __init__(self, shared: Shared, factory: MessageFactory) -> None:
        self._shared = shared
        self._options = shared.options.websocket
        self._security = shared.options.security
        self._factory = factory

    def begin(self, request: Any) -> int:
        """Judge a request, ask the application, and upgrade it or answer why not; what ``render`` returns then."""
        exchange = exchange_of(self._shared, request)
        refusal = self._judge(exchange)
        if refusal is not None:
            exchange.peer.failed(refusal.status, refusal.reason)
            return _refuse(exchange, refusal.status, headers=refusal.headers)
        added: CIMultiDict[str] = CIMultiDict()
        answer = self._shared.events.on_handshake.ask(exchange.peer, exchange.request, added)
        if isinstance(answer, Deferred):
            late = self._shared.clock.callLater(self._options.open_timeout, exchange.peer.disconnect)
            answer.addBoth(_in_time, late)
        return exchange.follow(answer, lambda decided: self._decide(decided, exchange, added))

    def _judge(self, exchange: Exchange) -> Refusal | None:
        request = exchange.request
        refusal = judge_upgrade(
            request.method,
            request.http_version,
            request.headers,
            enforce_version=self._options.enforce_version,
            validate_key=self._options.validate_key,
        )
        if refusal is not None or self._may_connect(request.headers, exchange.twisted.isSecure()):
            return refusal
        return Refusal(403, "pages of this origin may not connect")

    def _may_connect(self, headers: CIMultiDictProxy[str], secure: bool) -> bool:
        return allowed(
            headers.get("origin"),
            headers["host"],
            # Over plain TCP a proxy in front may have ended TLS: the scheme is known only where TLS ends here.
            True if secure else None,
            self._security.origin_patterns,
            self._security.allow_missing_origin,
        )

    def _decide(self, answer: Any, exchange: Exchange, added: CIMultiDict[str]) -> None:
        if isinstance(answer, Reject):
            _refuse(exchange, answer.status, answer.reason)
        elif getattr(exchange.twisted.channel, "leaving", False):
            # The goodbye was said while the application thought about it.
            _refuse(exchange, 503)
        elif not self._is_sound(added, exchange):
            _refuse(exchange, 500)
        else:
            self._upgrade(exchange, CIMultiDictProxy(added.copy()))

    def _is_sound(self, added: CIMultiDict[str], exchange: Exchange) -> bool:
        """Check what the application added to the answer; it hears what is wrong."""
        try:
            _check_added(added)
        except Exception:
            self._shared.events.report_failure(exchange.peer, Failure(), "a header of on_handshake")
            return False
        return True

    def _upgrade(self, exchange: Exchange, added: CIMultiDictProxy[str]) -> None:
        request = exchange.request
        opening = Opening(
            url=request.url,
            path=request.path,
            query=request.query,
            headers=request.headers,
            protocol=self._subprotocol(request.headers),
            response_headers=added,
        )
        deflate = self._deflate(request.headers)
        protocol = self._factory.make(exchange.peer, opening, request.headers["sec-websocket-key"], deflate)
        transport, rest = take_over(exchange.twisted.channel, exchange.peer)
        hand_over(transport, protocol)
        # The channel may have paused it while the application was asked.
        transport.resumeProducing()
        protocol.dataReceived(_head(opening.protocol, deflate) + rest)

    def _subprotocol(self, headers: CIMultiDictProxy[str]) -> str | None:
        return choose_subprotocol(split_list(headers.getall("sec-websocket-protocol", ())), self._options.subprotocols)

    def _deflate(self, headers: CIMultiDictProxy[str]) -> Deflate | None:
        compression = self._options.compression
        offers = parse_extensions(headers.getall("sec-websocket-extensions", ()))
        if compression is None or offers is None:
            return None
        return agree(offers, compression.window_bits, compression.context_takeover)


def _refuse(exchange: Exchange, status: int, reason: str = "", headers: dict[str, str] | None = None) -> int:
    """
    Answer with a status, and end the connection.

    What follows may be frames of a client, or of a proxy's, that took the upgrade for granted; it is no request.
    """
    return send_status(exchange.twisted, status, reason, {"Connection": "close", **(headers or {})})


def _in_time(answer: Any, late: Any) -> Any:
    """Call off the deadline of an answer that has come."""
    if late.active():
        late.cancel()
    return answer


def _check_added(added: CIMultiDict[str]) -> None:
    for name, value in added.items():
        check_header(name, value)
        if name.lower() in OURS:
            raise ValueError(f"the header {name} is set by the handshake itself")


def _head(subprotocol: str | None, deflate: Deflate | None) -> bytes:
    """
    Write the request that Autobahn parses.

    It is a canonical one: what was sent has been judged by our own rules, and Autobahn has others. The key is a
    well-formed one in place of the client's, which is answered all the same.
    """
    lines = [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
    ]
    lines += [] if subprotocol is None else [f"Sec-WebSocket-Protocol: {subprotocol}"]
    lines += [] if deflate is None else [f"Sec-WebSocket-Extensions: {as_offer(deflate)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii")
