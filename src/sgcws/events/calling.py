"""The one place where user code is called: plain, threaded, ``async`` and Deferred handlers look alike from here on."""

from __future__ import annotations

import contextvars
import inspect
import time
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

__all__ = ["SLOW", "Call", "Caller", "check_callable", "name_of"]

SLOW = 0.1
"""Seconds that a handler may hold the reactor before the log names it."""

Call = Callable[[tuple[Any, ...]], Any]
"""Calls one handler with its arguments."""


def name_of(handler: Callable[..., object]) -> str:
    """Name a handler for people, without calling its ``repr``, which may show a secret."""
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__ or '?'}.{named.__qualname__}"


def check_callable(event: str, handler: object, threaded: bool) -> None:
    """
    Refuse what can be no handler.

    Raises:
        TypeError: If *handler* cannot be called, is a generator function, sync or async, which nobody would iterate,
            or is a coroutine function for the thread pool, where nobody would await it.
    """
    if not callable(handler):
        raise TypeError(f"{event}: an object of type {type(handler).__qualname__} cannot be called")
    allowed = "a function" if threaded else "a function or a coroutine function"
    if _is(inspect.isasyncgenfunction, handler) or _is(inspect.isgeneratorfunction, handler):
        raise TypeError(f"{event}: {name_of(handler)} is a generator; allowed: {allowed}")
    if threaded and _is(inspect.iscoroutinefunction, handler):
        raise TypeError(f"{event}: {name_of(handler)} is a coroutine function; threaded=True allows: {allowed}")


def _is(kind: Callable[[object], bool], handler: object) -> bool:
    """Tell the kind of a function, or of the method by which another object is called."""
    return kind(handler) or kind(inspect.getattr_static(type(handler), "__call__", None))


class Caller:
    """
    Calls handlers for the events of one server, and never fails.

    A coroutine runs in a copy of the context (PEP 567) that its event came in; a plain handler runs in that context
    itself, as Twisted's callbacks do.

    Args:
        in_pool: Runs a function in a thread pool; its Deferred fires on the reactor's thread.
        report: Hears of a failed handler: the arguments it was called with, the failure, its name.
        log: Where a slow handler is named.
        now: A clock in seconds, only to tell how long a handler held the reactor.
    """

    def __init__(
        self,
        in_pool: Callable[..., Deferred[Any]],
        report: Callable[[tuple[Any, ...], Failure, str], object],
        log: Logger,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._in_pool = in_pool
        self._report = report
        self._log = log
        self._now = now

    def prepare(self, handler: Callable[..., Any], threaded: bool, instead: Any = None) -> Call:
        """
        Return what calls *handler* with a tuple of arguments.

        Args:
            handler: What to call.
            threaded: Whether to call it in the pool.
            instead: The answer that stands in when it fails, which is reported.

        Returns:
            A function that never fails: it returns the handler's answer, or a Deferred of it, which never fails
            either, if it has to be waited for.
        """

        def call_in_pool(args: tuple[Any, ...]) -> Any:
            done = maybeDeferred(self._in_pool, _in_thread, handler, args)
            return done.addErrback(self.failed, handler, args, instead)

        # One frame, and no attribute looked up, for what happens with every message.
        now = self._now

        def call_here(args: tuple[Any, ...]) -> Any:
            began = now()
            try:
                answer = handler(*args)
            except BaseException:
                # Twisted would swallow it too where a Deferred carries it: plain, threaded and async stay alike.
                answer = self.failed(Failure(), handler, args, instead)
            held = now() - began
            if held > SLOW:
                self._tell_slow(handler, held)
            if answer is None or answer is True or answer is False:
                return answer
            return self._wait_for(answer, handler, args, instead)

        return call_in_pool if threaded else call_here

    def failed(self, failure: Failure, handler: Callable[..., Any], args: tuple[Any, ...], instead: Any = None) -> Any:
        """Report a handler's failure, and return what stands in for its answer."""
        self._report(args, failure, name_of(handler))
        return instead

    def _wait_for(self, answer: Any, handler: Callable[..., Any], args: tuple[Any, ...], instead: Any) -> Any:
        if isinstance(answer, Coroutine):
            try:
                answer = self._begin(handler, answer)
            except BaseException:
                return self.failed(Failure(), handler, args, instead)
        if isinstance(answer, Deferred):
            return answer.addErrback(self.failed, handler, args, instead)
        return answer

    def _begin(self, handler: Callable[..., Any], coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Take a coroutine's first step; its answer if that was all, else a Deferred of the rest."""
        context = contextvars.copy_context()
        try:
            awaited = self._timed(handler, context.run, coroutine.send, None)
        except StopIteration as done:
            return done.value
        return context.run(Deferred.fromCoroutine, self._go_on(handler, coroutine, awaited))

    @types.coroutine
    def _go_on(
        self, handler: Callable[..., Any], coroutine: Coroutine[Any, Any, Any], awaited: Any
    ) -> Generator[Any, Any, Any]:
        """Go on with a coroutine that has taken its first step and waits for *awaited*."""
        while True:
            step: Callable[[Any], Any]
            try:
                argument = yield awaited
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:
                # Whatever it is, it is the handler's: what it waits for has failed, or it is cancelled.
                step, argument = coroutine.throw, error
            else:
                step = coroutine.send
            try:
                awaited = self._timed(handler, step, argument)
            except StopIteration as done:
                return done.value

    def _timed(self, handler: Callable[..., Any], step: Callable[..., Any], *args: Any) -> Any:
        began = self._now()
        try:
            return step(*args)
        finally:
            held = self._now() - began
            if held > SLOW:
                self._tell_slow(handler, held)

    def _tell_slow(self, handler: Callable[..., Any], held: float) -> None:
        self._log.warn(
            "{handler} held the reactor for {seconds:.2f} s; a plain function can run beside it with threaded=True",
            handler=name_of(handler),
            seconds=held,
        )


def _in_thread(handler: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call *handler* in a thread of the pool, where nobody can wait for what it starts."""
    answer = handler(*args)
    if isinstance(answer, Coroutine):
        answer.close()
    if isinstance(answer, Coroutine | Deferred):
        raise TypeError(f"{name_of(handler)} runs in a thread and returned a {type(answer).__qualname__}")
    return answer
