"""What stands between a request and a connection that takes messages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sgcws.http.exchange import Exchange
from sgcws.http.response import send_status
from sgcws.http.text import check_header
from sgcws.realtime.shared import Shared
from sgcws.rules.origin import allowed
from sgcws.values import Reject

__all__ = ["Handshake", "refuse"]


class Handshake:
    """
    Lets requests in by their origin, and by what the application says.

    Args:
        shared: What all peers of the server share.
        ours: Headers, in lower case, that only the answer itself sets, or that may not stand there.
    """

    def __init__(self, shared: Shared, ours: Collection[str]) -> None:
        self._shared = shared
        self._security = shared.options.security
        self._open_timeout = shared.options.websocket.open_timeout
        self._ours = ours

    def may_connect(self, exchange: Exchange) -> bool:
        """Tell whether pages of the request's origin may connect."""
        headers = exchange.request.headers
        return len(headers.getall("origin", ())) < 2 and allowed(
            headers.get("origin"),
            headers.get("host"),
            # Over plain TCP a proxy in front may have ended TLS: the scheme is known only where TLS ends here.
            True if exchange.twisted.isSecure() else None,
            self._security.origin_patterns,
            self._security.allow_missing_origin,
            headers.get("sec-fetch-site"),
        )

    def ask(self, exchange: Exchange, accept: Callable[[CIMultiDictProxy[str]], None]) -> int:
        """
        Ask ``on_handshake``, and go on, or answer why not.

        Args:
            exchange: The request.
            accept: Called with the headers that the application adds.

        Returns:
            What ``render`` returns then.
        """
        added: CIMultiDict[str] = CIMultiDict()
        answer = self._shared.events.on_handshake.ask(exchange.peer, exchange.request, added)
        if isinstance(answer, Deferred):
            late = self._shared.clock.callLater(self._open_timeout, exchange.peer.disconnect)
            answer.addBoth(_in_time, late)
        return exchange.follow(answer, lambda decided: self._decide(decided, exchange, added, accept))

    def _decide(
        self,
        answer: Any,
        exchange: Exchange,
        added: CIMultiDict[str],
        accept: Callable[[CIMultiDictProxy[str]], None],
    ) -> None:
        if isinstance(answer, Reject):
            refuse(exchange, answer.status, answer.reason)
        elif getattr(exchange.twisted.channel, "leaving", False):
            # The goodbye was said while the application thought about it.
            refuse(exchange, 503)
        elif not self._is_sound(added, exchange):
            refuse(exchange, 500)
        else:
            accept(CIMultiDictProxy(added.copy()))

    def _is_sound(self, added: CIMultiDict[str], exchange: Exchange) -> bool:
        """Check what the application added to the answer; it hears what is wrong."""
        try:
            self._check(added)
        except Exception:
            self._shared.events.report_failure(exchange.peer, Failure(), "a header of on_handshake")
            return False
        return True

    def _check(self, added: CIMultiDict[str]) -> None:
        for name, value in added.items():
            check_header(name, value)
            if name.lower() in self._ours:
                raise ValueError(f"the header {name} is set by the handshake itself")


def refuse(exchange: Exchange, status: int, reason: str = "", headers: dict[str, str] | None = None) -> int:
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
