"""One request with its answer, from the first question to the last byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET

from sgcws.http.request import CommandRequest
from sgcws.http.response import CommandResponse, send, send_status
from sgcws.http.visitor import visitor
from sgcws.realtime.connection import Peer
from sgcws.realtime.shared import Shared
from sgcws.values import Reject

__all__ = ["Exchange", "exchange_of"]

log = Logger()


class Exchange:
    """
    One request with its answer.

    A handler that answers through ``request.twisted`` itself has to finish that, too; nothing is added then.

    Args:
        shared: What all peers of the server share.
        twisted: The request, as Twisted parsed it.

    Attributes:
        twisted: As given.
        peer: The connection that the request came in on.
        request: The request as handlers see it.
        response: What handlers fill.
    """

    def __init__(self, shared: Shared, twisted: Any) -> None:
        self._shared = shared
        self.twisted = twisted
        self.peer: Peer = visitor(shared, twisted)
        self.request = CommandRequest(twisted, self.peer)
        self.response = CommandResponse(secure=twisted.isSecure())

    @property
    def is_open(self) -> bool:
        """Whether the client is there, and waits for an answer that nobody has begun."""
        twisted = self.twisted
        return not twisted.finished and not twisted.startedWriting and twisted.channel is not None

    def follow(self, answer: Any, then: Callable[[Any], None]) -> int:
        """
        Go on with the answer to a question, now or when it comes, if the client still waits then.

        A client that leaves meanwhile cancels the question.
        """
        if isinstance(answer, Deferred):
            self.twisted.notifyFinish().addErrback(lambda _: answer.cancel())
            answer.addCallback(self._go_on, then).addErrback(self._failed)
        else:
            self._go_on(answer, then)
        return int(NOT_DONE_YET)

    def refuse(self, reject: Reject) -> None:
        """Answer with a status and nothing else."""
        send_status(self.twisted, reject.status, reject.reason)

    def send(self) -> None:
        """Answer with what handlers filled in, or with 500 if that cannot be sent."""
        try:
            send(self.twisted, self.response, self._shared.options.http.charset)
        except Exception:
            self._shared.events.report_failure(self.peer, Failure(), "a response")
            self.refuse(Reject(500))

    def _go_on(self, answer: Any, then: Callable[[Any], None]) -> None:
        if self.is_open:
            then(answer)

    def _failed(self, failure: Failure) -> None:
        """Do what Twisted does when a resource fails that it renders itself."""
        if self.is_open:
            self.twisted.processingFailed(failure)
        else:
            log.failure("answering a request failed", failure)


def exchange_of(shared: Shared, request: Any) -> Exchange:
    """Return the exchange that *request* is part of: all questions of one server about it are given the same."""
    exchange = getattr(request, "sgcws_exchange", None)
    if exchange is None or not exchange.peer.belongs_to(shared):
        exchange = request.sgcws_exchange = Exchange(shared, request)
    found: Exchange = exchange
    return found
