"""From an HTTP request to a WebSocket: every question is answered before Autobahn sees it."""

from __future__ import annotations

import base64
from typing import Any

from multidict import CIMultiDictProxy

from sgcws.http.channel import take_over
from sgcws.http.exchange import Exchange, exchange_of
from sgcws.http.handshake import Handshake, refuse
from sgcws.net.handover import hand_over
from sgcws.realtime.opening import Opening
from sgcws.realtime.shared import Shared
from sgcws.rules.deflate import Deflate, agree, parse_extensions
from sgcws.rules.tokens import split_list
from sgcws.rules.upgrade import Refusal, choose_subprotocol, judge_upgrade
from sgcws.websocket.compression import as_offer
from sgcws.websocket.factory import MessageFactory

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
        self._handshake = Handshake(shared, OURS)
        self._factory = factory

    def begin(self, request: Any) -> int:
        """Judge a request, ask the application, and upgrade it or answer why not; what ``render`` returns then."""
        exchange = exchange_of(self._shared, request)
        refusal = self._judge(exchange)
        if refusal is not None:
            exchange.peer.failed(refusal.status, refusal.reason)
            return refuse(exchange, refusal.status, headers=refusal.headers)
        return self._handshake.ask(exchange, lambda added: self._upgrade(exchange, added))

    def _judge(self, exchange: Exchange) -> Refusal | None:
        request = exchange.request
        refusal = judge_upgrade(
            request.method,
            request.http_version,
            request.headers,
            enforce_version=self._options.enforce_version,
            validate_key=self._options.validate_key,
        )
        if refusal is not None or self._handshake.may_connect(exchange):
            return refusal
        return Refusal(403, "pages of this origin may not connect")

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
