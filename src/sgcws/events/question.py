"""Questions: asked of at most one handler, which returns its answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar, overload

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sgcws.events.calling import Caller, check_callable, name_of

__all__ = ["Question"]

P = ParamSpec("P")
A = TypeVar("A")


class Question(Generic[P, A]):
    """
    An event that asks what to do.

    At most one handler; its answer ``None`` means the default.
    If it fails, that is reported and the safe answer holds.

    Args:
        name: The event's name, for messages.
        caller: Calls the handler.
        safe: The answer that holds when the handler fails.
    """

    def __init__(self, name: str, caller: Caller, safe: A) -> None:
        self.name = name
        self._caller = caller
        self._safe = safe
        self._handler: Callable[P, Any] | None = None
        self._threaded = False

    def __bool__(self) -> bool:
        """Whether anybody answers."""
        return self._handler is not None

    @overload
    def __call__(
        self, handler: Callable[P, Coroutine[Any, Any, A | None]]
    ) -> Callable[P, Coroutine[Any, Any, A | None]]: ...

    @overload
    def __call__(self, handler: Callable[P, Deferred[A | None]]) -> Callable[P, Deferred[A | None]]: ...

    @overload
    def __call__(self, handler: Callable[P, A | None]) -> Callable[P, A | None]: ...

    @overload
    def __call__(self, *, threaded: bool) -> Callable[[Callable[P, A | None]], Callable[P, A | None]]: ...

    def __call__(self, handler: Callable[P, Any] | None = None, *, threaded: bool = False) -> Any:
        """
        Register the handler and return it unchanged; usable as a decorator, with or without arguments.

        Args:
            handler: A function, a coroutine function, or a function that returns a Deferred.
            threaded: Run it in the thread pool.

        Raises:
            TypeError: If *handler* is no such function.
            ValueError: If there is a handler already.
        """

        def register(function: Callable[P, Any]) -> Callable[P, Any]:
            check_callable(self.name, function, threaded)
            if self._handler is not None:
                raise ValueError(f"{self.name} is answered by {name_of(self._handler)} already")
            self._handler, self._threaded = function, threaded
            return function

        return register if handler is None else register(handler)

    def remove(self, handler: Callable[P, Any]) -> None:
        """
        Take the handler off.

        Raises:
            ValueError: If it is not registered.
        """
        if self._handler is None or self._handler != handler:
            raise ValueError(f"{self.name}: {name_of(handler)} is not registered")
        self._handler = None

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> A | Deferred[A | None] | None:
        """
        Ask the handler.

        Returns:
            Its answer, ``None`` if there is no handler, or a Deferred of the answer, which never fails.
        """
        if self._handler is None:
            return None
        handler = self._handler
        try:
            answer = self._caller.call(handler, args, self._threaded)
        except Exception:
            return self._failed(Failure(), args, handler)
        if isinstance(answer, Deferred):
            return answer.addErrback(self._failed, args, handler)
        return answer  # type: ignore[no-any-return]  # a handler's answer is what mypy held it to

    def _failed(self, failure: Failure, args: tuple[Any, ...], handler: Callable[..., Any]) -> A:
        self._caller.report(args, failure, name_of(handler))
        return self._safe
