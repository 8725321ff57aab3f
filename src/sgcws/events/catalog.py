"""The list of all events, each a typed attribute of the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sgcws.errors import PeerProtocolError
from sgcws.events.calling import Caller
from sgcws.events.fact import Fact
from sgcws.events.question import Question
from sgcws.interfaces import Connection, Request, Response
from sgcws.values import Fragment, RawTCP, Reject

__all__ = ["Events"]


class Events:
    """
    What an application can hear of, and be asked.

    The order for one connection is ``on_tcp_connect``, ``on_handshake``, ``on_connect``, the messages, and
    ``on_disconnect``; its next event waits until all handlers of the last have finished.
    ``on_before_command`` comes before the command events of the same request.
    ``on_exception`` waits for nothing: it is told when a handler or a write fails.

    A handler that fails is reported to ``on_exception`` and to the log, and the server lives on.
    A handler may call every method of the server and of any connection.
    What it brings about on its own connection is told after it has finished.
    What it brings about on others may be told at once.
    So a plain handler can be called again before it returns, for another connection.

    Args:
        in_pool: Runs a function in a thread pool; its Deferred fires on the reactor's thread.
        log: Where failing and slow handlers are named.
    """

    on_startup: Fact[[]]
    """All bindings listen."""

    on_shutdown: Fact[[]]
    """The server has stopped; after the last ``on_disconnect``."""

    on_tcp_connect: Question[[Connection], bool | Reject | RawTCP]
    """
    A socket was accepted, and nothing read from it.

    False or `Reject` closes it, `RawTCP` keeps it without a protocol; ``None`` and True accept it.
    """

    on_unknown_protocol: Question[[Connection, bytes], bool | RawTCP]
    """
    The first bytes are no protocol that is spoken here.

    True or `RawTCP` keeps the socket without a protocol and delivers these bytes; ``None`` and False close it.
    """

    on_handshake: Question[[Connection, Request, CIMultiDict[str]], Reject]
    """
    A valid WebSocket upgrade, or a request for Server-Sent Events, asks to be let in; nothing has been answered.

    The third argument takes headers for the answer. `Reject` refuses.
    """

    on_connect: Fact[[Connection]]
    """A connection can take messages."""

    on_disconnect: Fact[[Connection, int, str]]
    """
    A connection has ended: once for each ``on_connect``, however it ended.

    The code is the peer's, else ours, else 1006 (RFC 6455 section 7.4.1).
    """

    on_message: Fact[[Connection, str]]
    """A peer sent one whole text message (RFC 6455 section 5.6)."""

    on_binary: Fact[[Connection, bytes]]
    """A peer sent one whole binary message, or some raw TCP data."""

    on_fragmented: Fact[[Connection, Fragment]]
    """A peer sent one frame of a message, if ``fragmented_messages`` asks for that."""

    on_slow_client: Fact[[Connection, int]]
    """
    A peer takes less than it is sent, and messages for it were dropped: how many since the last time.

    It is told at most once in a turn of the reactor.
    """

    on_before_heartbeat: Question[[Connection], bool]
    """A ping is due. True: the handler has done something instead; ``None`` and False send it."""

    on_error: Fact[[Connection, PeerProtocolError]]
    """A peer broke the protocol: a bad handshake, a bad frame, invalid UTF-8, a message too big."""

    on_exception: Fact[[Connection | None, Failure]]
    """A handler failed, or a write did. The server lives on."""

    on_before_command: Question[[Connection, Request, Response], Response | Reject]
    """
    An HTTP request came, before anything else has looked at it.

    Returning the response makes it the answer, `Reject` refuses, ``None`` goes on.
    """

    on_command_get: Question[[Request, Response], Reject]
    """A GET, HEAD or POST that no resource, file or page took; the handler fills the response."""

    on_command_other: Question[[Request, Response], Reject]
    """A request of any other method that no resource took; the handler fills the response."""

    def __init__(self, in_pool: Callable[..., Deferred[Any]], log: Logger) -> None:
        self._events_log = log
        caller = Caller(in_pool, self._report, log)
        # One that fails while hearing of a failure is only logged, else it would hear of itself for ever.
        self.on_exception = Fact("on_exception", Caller(in_pool, self._log_failure, log))
        self.on_startup = Fact("on_startup", caller)
        self.on_shutdown = Fact("on_shutdown", caller)
        self.on_tcp_connect = Question("on_tcp_connect", caller, safe=False, answers=(bool, Reject, RawTCP))
        self.on_unknown_protocol = Question("on_unknown_protocol", caller, safe=False, answers=(bool, RawTCP))
        self.on_handshake = Question("on_handshake", caller, safe=Reject(500), answers=(Reject,))
        self.on_connect = Fact("on_connect", caller)
        self.on_disconnect = Fact("on_disconnect", caller)
        self.on_message = Fact("on_message", caller)
        self.on_binary = Fact("on_binary", caller)
        self.on_fragmented = Fact("on_fragmented", caller)
        self.on_slow_client = Fact("on_slow_client", caller)
        self.on_before_heartbeat = Question("on_before_heartbeat", caller, safe=False, answers=(bool,))
        self.on_error = Fact("on_error", caller)
        self.on_before_command = Question(
            "on_before_command", caller, safe=Reject(500), answers=(Response, Reject)
        )
        self.on_command_get = Question("on_command_get", caller, safe=Reject(500), answers=(Reject,))
        self.on_command_other = Question("on_command_other", caller, safe=Reject(500), answers=(Reject,))

    def __setattr__(self, name: str, value: object) -> None:
        """
        Set an attribute that is no event.

        Raises:
            AttributeError: If it is, or is called like one: a handler that is assigned would never be called.
        """
        if name.startswith("on_") and (name in self.__dict__ or not isinstance(value, Fact | Question)):
            raise AttributeError(f"{name} cannot be set; a handler is registered by a call, as in @server.on_message")
        super().__setattr__(name, value)

    def report_failure(self, connection: Connection | None, failure: Failure, what: str) -> None:
        """Log that *what* failed, and tell ``on_exception``."""
        self._log_failure((), failure, what)
        self.on_exception.tell(connection, failure)

    def _report(self, args: tuple[Any, ...], failure: Failure, what: str) -> None:
        if failure.check(CancelledError):
            # The peer left, or the server stops: nobody waits for the handler any more.
            self._events_log.info("{what} was cancelled", what=what)
        else:
            self.report_failure(subject(args), failure, what)

    def _log_failure(self, args: tuple[Any, ...], failure: Failure, what: str) -> None:
        self._events_log.failure("{what} failed", failure, what=what)


def subject(args: tuple[Any, ...]) -> Connection | None:
    """Tell which connection the arguments of an event are about: the first, or that of a request."""
    first = args[0] if args else None
    return getattr(first, "connection", first)
