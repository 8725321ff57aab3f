"""Requests that the application answers: ``on_before_command``, ``on_command_get``, ``on_command_other``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from sgcws.http.request import CommandRequest
from sgcws.http.response import CommandResponse, send, send_status
from sgcws.http.visitor import cancel_when_gone, visitor
from sgcws.realtime.connection import Peer
from sgcws.realtime.shared import Shared
from sgcws.values import Reject

__all__ = ["Before", "Commands"]

GET_LIKE = (b"GET", b"HEAD", b"POST")


class Exchange:
    """
    One request with its answer, from the first question to the last byte.

    Args:
        shared: What all peers of the server share.
        request: The request, as Twisted parsed it.
        charset: The charset of text answers.
    """

    def __init__(self, shared: Shared, request: Any, charset: str) -> None:
        self._shared = shared
        self._charset = charset
        self.twisted = request
        self.peer: Peer = visitor(shared, request)
        self.request = CommandRequest(request, self.peer)
        self.response = CommandResponse(secure=request.isSecure())

    def follow(self, answer: Any, then: Callable[[Any], None]) -> int:
        """Go on with a question's answer, now or when it comes, unless the client has gone by then."""
        if isinstance(answer, Deferred):
            cancel_when_gone(self.twisted, answer)
            answer.addCallback(self._unless_gone, then)
        else:
            then(answer)
        return int(NOT_DONE_YET)

    def _unless_gone(self, answer: Any, then: Callable[[Any], None]) -> None:
        if self.twisted.channel is not None and self.twisted.channel.transport is not None:
            then(answer)

    def refuse(self, reject: Reject) -> None:
        """Answer with a status and nothing else."""
        send_status(self.twisted, reject.status, reject.reason)

    def send(self) -> None:
        """Answer with what the handlers filled in, or with 500 if that cannot be sent."""
        try:
            send(self.twisted, self.response, self._charset)
        except Exception:
            self._shared.events.on_exception.tell(self.peer, Failure())
            send_status(self.twisted, 500)


class Commands(Resource):
    """
    Answers what no resource, file or page took.

    Args:
        shared: What all peers of the server share.
        charset: The charset of text answers.
    """

    isLeaf = True

    def __init__(self, shared: Shared, charset: str) -> None:
        super().__init__()
        self._shared = shared
        self._charset = charset

    def handles(self, request: Any) -> bool:
        """Whether the application answers requests of this method."""
        return bool(self._question(request))

    def render(self, request: Any) -> int:
        """Ask the application, and send its answer."""
        exchange = begun(self._shared, request, self._charset)
        question = self._question(request)
        if not question:
            exchange.refuse(Reject(404))
            return int(NOT_DONE_YET)
        return exchange.follow(
            question.ask(exchange.request, exchange.response),
            lambda answer: exchange.refuse(answer) if isinstance(answer, Reject) else exchange.send(),
        )

    def _question(self, request: Any) -> Any:
        events = self._shared.events
        return events.on_command_get if request.method in GET_LIKE else events.on_command_other


class Before(Resource):
    """
    Asks ``on_before_command``, then renders what the request is for.

    Args:
        shared: What all peers of the server share.
        charset: The charset of text answers.
        find: Finds the resource that the request is for.
    """

    isLeaf = True

    def __init__(self, shared: Shared, charset: str, find: Callable[[Any], IResource]) -> None:
        super().__init__()
        self._shared = shared
        self._charset = charset
        self._find = find

    def render(self, request: Any) -> int:
        """Ask, and go on."""
        exchange = begun(self._shared, request, self._charset)
        answer = self._shared.events.on_before_command.ask(exchange.peer, exchange.request, exchange.response)
        return exchange.follow(answer, lambda decided: self._go_on(exchange, decided))

    def _go_on(self, exchange: Exchange, answer: Any) -> None:
        if isinstance(answer, Reject):
            exchange.refuse(answer)
        elif answer is exchange.response:
            exchange.send()
        else:
            exchange.twisted.render(self._find(exchange.twisted))


def begun(shared: Shared, request: Any, charset: str) -> Exchange:
    """Return the exchange that *request* is part of; the questions about one request are given the same objects."""
    exchange = getattr(request, "sgcws_exchange", None)
    if exchange is None:
        exchange = request.sgcws_exchange = Exchange(shared, request, charset)
    found: Exchange = exchange
    return found
