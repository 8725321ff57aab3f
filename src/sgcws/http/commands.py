"""Requests that the application answers: ``on_before_command``, ``on_command_get``, ``on_command_other``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import EncodingResourceWrapper, IResource, Resource

from sgcws.http.exchange import Exchange, exchange_of
from sgcws.http.response import send_status
from sgcws.realtime.shared import Shared
from sgcws.values import Reject

__all__ = ["Before", "Commands", "NotAllowed", "is_get_like"]

GET_LIKE = (b"GET", b"HEAD", b"POST")


def is_get_like(method: bytes) -> bool:
    """Whether ``on_command_get`` is asked about requests of this method."""
    return method in GET_LIKE


class Commands(Resource):
    """
    Answers what no resource, file or page took.

    Args:
        shared: What all peers of the server share.
    """

    isLeaf = True

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared

    def handles(self, method: bytes) -> bool:
        """Whether the application answers requests of this method."""
        return bool(self._question(method))

    def render(self, request: Any) -> int:
        """Ask the application, and send its answer."""
        exchange = exchange_of(self._shared, request)
        question = self._question(request.method)
        asked = question.ask(exchange.request, exchange.response) if question else Reject(404)
        return exchange.follow(asked, lambda answer: self._answer(exchange, answer))

    def _answer(self, exchange: Exchange, answer: Any) -> None:
        if isinstance(answer, Reject):
            exchange.refuse(answer)
        else:
            exchange.send()

    def _question(self, method: bytes) -> Any:
        events = self._shared.events
        return events.on_command_get if is_get_like(method) else events.on_command_other


class Before(Resource):
    """
    Asks ``on_before_command``, then renders what the request is for.

    Args:
        shared: What all peers of the server share.
        find: Finds the resource that the request is for.
    """

    isLeaf = True

    def __init__(self, shared: Shared, find: Callable[[Any], IResource]) -> None:
        super().__init__()
        self._shared = shared
        self._find = find

    def render(self, request: Any) -> int:
        """Ask, and go on."""
        exchange = exchange_of(self._shared, request)
        answer = self._shared.events.on_before_command.ask(exchange.peer, exchange.request, exchange.response)
        return exchange.follow(answer, lambda decided: self._go_on(exchange, decided))

    def _go_on(self, exchange: Exchange, answer: Any) -> None:
        if isinstance(answer, Reject):
            exchange.refuse(answer)
        elif answer is exchange.response:
            exchange.send()
        else:
            self._render(exchange.twisted)

    def _render(self, request: Any) -> None:
        """Do what Twisted does with the resource that it finds itself."""
        found = self._find(request)
        if isinstance(found, EncodingResourceWrapper):
            request._encoder = found.getEncoder(request)
        request.render(found)


class NotAllowed(Resource):
    """Answers requests whose method does not fit what is there."""

    isLeaf = True

    def render(self, request: Any) -> int:
        """Say which methods do (RFC 9110 section 15.5.6)."""
        return send_status(request, 405, headers={"Allow": "GET, HEAD"})
