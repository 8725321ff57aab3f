"""From an HTTP request to a WebSocket: every question is answered before Autobahn sees it."""

from __future__ import annotations

import base64
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sgcws.http.channel import take_over
from sgcws.http.request import CommandRequest
from sgcws.http.response import send_status
from sgcws.http.text import check_header
from sgcws.http.visitor import cancel_when_gone, visitor
from sgcws.net.handover import hand_over
from sgcws.options import SecurityOptions, WebSocketOptions
from sgcws.realtime.connection import Opening, Peer
from sgcws.realtime.shared import Shared
from sgcws.rules.origin import allowed
from sgcws.rules.upgrade import Refusal, choose_subprotocol, judge_upgrade, tokens
from sgcws.values import Reject
from sgcws.websocket.protocol import MessageFactory

__all__ = ["Upgrades"]

OURS = ("upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions")
"""Headers of the 101 that only the handshake itself sets."""


class Upgrades:
    """
    Lets requests in, or refuses them.

    Args:
        shared: What all peers of the server share.
        options: The WebSocket options.
        security: Whose pages may connect.
        factory: Makes the protocols.
    """

    def __init__(
        self, shared: Shared, options: WebSocketOptions, security: SecurityOptions, factory: MessageFactory
    ) -> None:
        self._shared = shared
        self._options = options
        self._security = security
        self._factory = factory

    def begin(self, request: Any) -> None:
        """Judge a request, ask the application, and upgrade it or answer why not."""
        peer = visitor(self._shared, request)
        command = CommandRequest(request, peer)
        refusal = self._judge(command, request.isSecure())
        if refusal is not None:
            peer.failed(refusal.status, refusal.reason)
            send_status(request, refusal.status, headers=refusal.headers)
            return
        added: CIMultiDict[str] = CIMultiDict()
        answer = self._shared.events.on_handshake.ask(peer, command, added)
        if isinstance(answer, Deferred):
            cancel_when_gone(request, answer)
            answer.addCallback(self._decide, request, command, peer, added)
        else:
            self._decide(answer, request, command, peer, added)

    def _judge(self, command: CommandRequest, secure: bool) -> Refusal | None:
        refusal = judge_upgrade(
            command.method,
            command.http_version,
            command.headers,
            enforce_version=self._options.enforce_version,
            validate_key=self._options.validate_key,
        )
        return refusal or self._judge_origin(command.headers, secure)

    def _judge_origin(self, headers: CIMultiDictProxy[str], secure: bool) -> Refusal | None:
        origins = headers.getall("origin", ())
        hosts = headers.getall("host", ())
        if len(origins) > 1 or len(hosts) != 1:
            return Refusal(400, "there must be one Host and at most one Origin header")
        may = allowed(
            origins[0] if origins else None,
            hosts[0],
            # Over plain TCP a proxy in front may have ended TLS: the scheme is known only where TLS ends here.
            True if secure else None,
            self._security.origin_patterns,
            self._security.allow_missing_origin,
        )
        return None if may else Refusal(403, "pages of this origin may not connect")

    def _decide(
        self, answer: Reject | None, request: Any, command: CommandRequest, peer: Peer, added: CIMultiDict[str]
    ) -> None:
        if request.channel is None or request.channel.transport is None or peer.close_code is not None:
            return
        if isinstance(answer, Reject):
            send_status(request, answer.status, answer.reason)
            return
        try:
            _check_added(added)
        except ValueError:
            self._shared.events.on_exception.tell(peer, Failure())
            send_status(request, 500)
            return
        self._upgrade(request, command, peer, added)

    def _upgrade(self, request: Any, command: CommandRequest, peer: Peer, added: CIMultiDict[str]) -> None:
        offered = tokens(command.headers.getall("sec-websocket-protocol", ()))
        opening = Opening(
            url=command.url,
            path=command.path,
            query=command.query,
            headers=command.headers,
            protocol=choose_subprotocol(offered, self._options.subprotocols),
            response_headers=CIMultiDictProxy(added),
        )
        key = command.headers["sec-websocket-key"]
        protocol = self._factory.make(peer, opening, key)
        transport, rest = take_over(request.channel)
        hand_over(transport, protocol)
        # The channel may have paused it while the application was asked.
        transport.resumeProducing()
        protocol.dataReceived(_head(opening, command.headers) + rest)


def _check_added(added: CIMultiDict[str]) -> None:
    for name, value in added.items():
        check_header(name, value)
        if name.lower() in OURS:
            raise ValueError(f"the header {name} is set by the handshake itself")


def _head(opening: Opening, headers: CIMultiDictProxy[str]) -> bytes:
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
    if opening.protocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {opening.protocol}")
    offers = ", ".join(headers.getall("sec-websocket-extensions", ()))
    if offers:
        lines.append(f"Sec-WebSocket-Extensions: {offers}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")
