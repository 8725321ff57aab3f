"""Facts: told to any number of handlers, in order, and nothing comes back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar, overload

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from sgcws.events.calling import Caller, check_callable, name_of

__all__ = ["Fact", "FactAnswer"]

P = ParamSpec("P")

FactAnswer = bool | Coroutine[Any, Any, bool] | Coroutine[Any, Any, None] | Deferred[Any] | None
"""What a handler of a fact may return; it is waited for, and ignored."""

R = TypeVar("R", bound=FactAnswer)


@attrs.frozen
class _Registered:
    handler: Callable[..., Any]
    threaded: bool


class Fact(Generic[P]):
    """
    An event that tells what happened.

    Handlers are called in order of registration, the next when the last is done.
    One that fails is reported and harms neither the others nor the peer.
    A handler may register or remove handlers; that counts from the next event on.

    Args:
        name: The event's name, for messages.
        caller: Calls the handlers.
    """

    def __init__(self, name: str, caller: Caller) -> None:
        self.name = name
        self._caller = caller
        self._handlers: tuple[_Registered, ...] = ()

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._handlers)

    @overload
    def __call__(self, handler: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def __call__(self, *, threaded: bool) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def __call__(self, handler: Callable[P, Any] | None = None, *, threaded: bool = False) -> Any:
        """
        Register a handler and return it unchanged; usable as a decorator, with or without arguments.

        Args:
            handler: A function, a coroutine function, or a function that returns a Deferred.
            threaded: Run it in the thread pool; still in order for each connection.

        Raises:
            TypeError: If *handler* is no such function.
        """

        def register(function: Callable[P, R]) -> Callable[P, R]:
            check_callable(self.name, function, threaded)
            self._handlers += (_Registered(function, threaded),)
            return function

        return register if handler is None else register(handler)

    def remove(self, handler: Callable[P, Any]) -> None:
        """
        Take one handler off.

        Raises:
            ValueError: If it is not registered.
        """
        for registered in self._handlers:
            if registered.handler == handler:
                self._handlers = tuple(other for other in self._handlers if other is not registered)
                return
        raise ValueError(f"{self.name}: {name_of(handler)} is not registered")

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> Deferred[None] | None:
        """
        Call each handler.

        Returns:
            None if all are done, else a Deferred that fires when they are; it never fails.
        """
        for position, registered in enumerate(self._handlers):
            waiting = self._call(registered, args)
            if waiting is not None:
                return Deferred.fromCoroutine(self._go_on(waiting, self._handlers[position + 1 :], args))
        return None

    def _call(self, registered: _Registered, args: tuple[Any, ...]) -> Deferred[Any] | None:
        try:
            answer = self._caller.call(registered.handler, args, registered.threaded)
        except Exception:
            self._caller.report(args, Failure(), name_of(registered.handler))
            return None
        if not isinstance(answer, Deferred):
            return None
        return answer.addErrback(lambda failure: self._caller.report(args, failure, name_of(registered.handler)))

    async def _go_on(self, waiting: Deferred[Any], rest: tuple[_Registered, ...], args: tuple[Any, ...]) -> None:
        await waiting
        for registered in rest:
            await (self._call(registered, args) or succeed(None))
