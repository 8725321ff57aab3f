"""Questions: asked of at most one handler, which returns its answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sgcws.events.calling import Call, Caller, check_callable, name_of

__all__ = ["Question"]

P = ParamSpec("P")
A = TypeVar("A")


class Question(Generic[P, A]):
    """
    An event that asks what to do.

    At most one handler; its answer ``None`` means the default.
    If it fails, or answers what is no answer, that is reported and the safe answer holds.

    Args:
        name: The event's name, for messages.
        caller: Calls the handler.
        safe: The answer that holds when the handler fails.
        answers: The types of which an answer may be; ``None`` always may.
    """

    def __init__(self, name: str, caller: Caller, *, safe: A, answers: tuple[type, ...]) -> None:
        self.name = name
        self._caller = caller
        self._safe = safe
        self._answers = answers
        self._handler: Callable[P, Any] | None = None
        self._call: Call = _no_answer

    def __bool__(self) -> bool:
        """Whether anybody answers."""
        return self._handler is not None

    @overload
    def __call__(self, handler: Callable[P, A | None], *, threaded: bool = False) -> Callable[P, A | None]: ...

    @overload
    def __call__(
        self, handler: Callable[P, Coroutine[Any, Any, A | None]], *, threaded: Literal[False] = False
    ) -> Callable[P, Coroutine[Any, Any, A | None]]: ...

    @overload
    def __call__(
        self, handler: Callable[P, Deferred[A | None]], *, threaded: Literal[False] = False
    ) -> Callable[P, Deferred[A | None]]: ...

    @overload
    def __call__(self, *, threaded: Literal[True]) -> Callable[[Callable[P, A | None]], Callable[P, A | None]]: ...

    def __call__(self, handler: Callable[P, Any] | None = None, *, threaded: bool = False) -> Any:
        """
        Register the handler and return it unchanged; usable as a decorator, with or without arguments.

        Args:
            handler: A function, a coroutine function, or a function that returns a Deferred.
            threaded: Run it, a plain function, in the thread pool.

        Raises:
            TypeError: If *handler* is no such function.
            ValueError: If there is a handler already.
        """

        def register(function: Callable[P, Any]) -> Callable[P, Any]:
            check_callable(self.name, function, threaded)
            if self._handler is not None:
                raise ValueError(f"{self.name} is answered by {name_of(self._handler)} already")
            self._handler, self._call = function, self._caller.prepare(function, threaded, self._safe)
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
        self._handler, self._call = None, _no_answer

    def ask(self, *args: P.args, **kwargs: P.kwargs) -> A | Deferred[A | None] | None:
        """
        Ask the handler.

        Returns:
            Its answer, ``None`` if there is no handler, or a Deferred of the answer, which never fails.
        """
        handler = self._handler
        if handler is None:
            return None
        answer = self._call(args)
        if isinstance(answer, Deferred):
            return answer.addCallback(self._checked, handler, args)
        return self._checked(answer, handler, args)

    def _checked(self, answer: Any, handler: Callable[..., Any], args: tuple[Any, ...]) -> A | None:
        """Return *answer* if it is one, else the safe one."""
        if answer is None or isinstance(answer, self._answers):
            return cast("A | None", answer)
        allowed = ", ".join(kind.__name__ for kind in self._answers)
        error = TypeError(f"a {type(answer).__qualname__} does not answer {self.name}; allowed: None, {allowed}")
        self._caller.failed(Failure(error), handler, args)
        return self._safe


def _no_answer(args: tuple[Any, ...]) -> None:
    """Stand for a handler that is not there."""
