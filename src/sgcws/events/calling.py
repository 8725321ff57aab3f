"""The one place where user code is called: plain, threaded, ``async`` and Deferred handlers look alike from here on."""

from __future__ import annotations

import contextvars
import inspect
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

__all__ = ["SLOW", "Caller", "check_callable", "name_of"]

SLOW = 0.1
"""Seconds that a handler may hold the reactor before the log names it."""


def name_of(handler: Callable[..., object]) -> str:
    """Name a handler for people, without calling its ``repr``, which may hold a secret."""
    module = getattr(handler, "__module__", None) or "?"
    return f"{module}.{getattr(handler, '__qualname__', type(handler).__name__)}"


def check_callable(event: str, handler: object, threaded: bool) -> None:
    """
    Refuse what can be no handler.

    Raises:
        TypeError: If *handler* cannot be called, is an async generator, which nobody would iterate, or is a coroutine
            function for the thread pool, where nobody would await it.
    """
    if not callable(handler):
        raise TypeError(f"{event}: {handler!r} cannot be called")
    if inspect.isasyncgenfunction(handler):
        raise TypeError(f"{event}: {name_of(handler)} is an async generator; allowed: a function or a coroutine function")
    if threaded and inspect.iscoroutinefunction(handler):
        raise TypeError(f"{event}: {name_of(handler)} is a coroutine function; threaded=True allows: a plain function")


class Caller:
    """
    Calls handlers for the events of one server.

    Args:
        in_pool: Runs a function in a thread pool; its Deferred fires on the reactor's thread.
        report: Hears of a failed handler: the arguments it was called with, the failure, its name.
        log: Where a slow handler is named.
        now: A clock in seconds, only to tell how long a handler held the reactor.
    """

    def __init__(
        self,
        in_pool: Callable[..., Deferred[Any]],
        report: Callable[[tuple[Any, ...], Failure, str], None],
        log: Logger,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.report = report
        self._in_pool = in_pool
        self._log = log
        self._now = now

    def call(self, handler: Callable[..., Any], args: tuple[Any, ...], threaded: bool) -> Any:
        """
        Call *handler* and return its answer, a Deferred of it if it has to be waited for.

        Raises:
            Exception: What the handler raised before it waited.
        """
        if threaded:
            return self._in_pool(handler, *args)
        began = self._now()
        try:
            answer = handler(*args)
            return begin(answer) if isinstance(answer, Coroutine) else answer
        finally:
            if self._now() - began > SLOW:
                self._log.warn(
                    "{handler} held the reactor for {seconds:.2f} s; threaded=True runs it beside",
                    handler=name_of(handler),
                    seconds=self._now() - began,
                )


def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Take a coroutine's first step; its answer if that was all, else a Deferred of the rest."""
    context = contextvars.copy_context()
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as done:
        return done.value
    return context.run(Deferred.fromCoroutine, _rest(coroutine, awaited))


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that has taken its first step and waits for *awaited*."""
    while True:
        try:
            value = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            step, argument = coroutine.throw, error
        else:
            step, argument = coroutine.send, value
        try:
            awaited = step(argument)
        except StopIteration as done:
            return done.value
