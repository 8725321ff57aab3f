"""Facts: told to any number of handlers, in order, and nothing comes back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from twisted.internet.defer import Deferred

from sgcws.events.calling import Call, Caller, check_callable, name_of

__all__ = ["Fact", "FactAnswer"]

P = ParamSpec("P")

FactAnswer = bool | Coroutine[Any, Any, bool] | Coroutine[Any, Any, None] | Deferred[Any] | None
"""What a handler of a fact may return; it is waited for, and ignored."""

R = TypeVar("R", bound=FactAnswer)
T = TypeVar("T", bound=bool | None)


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
        self._handlers: tuple[Callable[P, Any], ...] = ()
        self._calls: tuple[Call, ...] = ()

    def __bool__(self) -> bool:
        """Whether anybody listens."""
        return bool(self._handlers)

    @overload
    def __call__(self, handler: Callable[P, T], *, threaded: Literal[True]) -> Callable[P, T]: ...

    @overload
    def __call__(self, handler: Callable[P, R], *, threaded: Literal[False] = False) -> Callable[P, R]: ...

    @overload
    def __call__(self, *, threaded: Literal[True]) -> Callable[[Callable[P, T]], Callable[P, T]]: ...

    @overload
    def __call__(self, *, threaded: Literal[False] = False) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def __call__(self, handler: Callable[P, Any] | None = None, *, threaded: bool = False) -> Any:
        """
        Register a handler and return it unchanged; usable as a decorator, with or without arguments.

        Args:
            handler: A function, a coroutine function, or a function that returns a Deferred.
            threaded: Run it, a plain function, in the thread pool; still in order for each connection.

        Raises:
            TypeError: If *handler* is no such function.
        """

        def register(function: Callable[P, Any]) -> Callable[P, Any]:
            check_callable(self.name, function, threaded)
            self._handlers += (function,)
            self._calls += (self._caller.prepare(function, threaded),)
            return function

        return register if handler is None else register(handler)

    def remove(self, handler: Callable[P, Any]) -> None:
        """
        Take one handler off; the first, if it was registered more than once.

        Raises:
            ValueError: If it is not registered.
        """
        if handler not in self._handlers:
            raise ValueError(f"{self.name}: {name_of(handler)} is not registered")
        position = self._handlers.index(handler)
        self._handlers = self._handlers[:position] + self._handlers[position + 1 :]
        self._calls = self._calls[:position] + self._calls[position + 1 :]

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> Deferred[None] | None:
        """
        Call each handler.

        Returns:
            None if all are done, else a Deferred that fires when they are; it never fails. Cancelling it ends the
            waiting: the handler that is waited for is cancelled, and those after it are called, and cancelled if
            they have to be waited for.
        """
        calls = self._calls
        for call in calls:
            waiting = call(args)
            if waiting is not None and isinstance(waiting, Deferred):
                return _Telling(waiting, calls[calls.index(call) + 1 :], args)
        return None


class _Telling(Deferred[None]):
    """
    An event on its way through its handlers, from the first that has to be waited for; fires when they are done.

    Args:
        waiting: What the first one returned.
        rest: Call the handlers after it.
        args: What they are called with.
    """

    def __init__(self, waiting: Deferred[Any], rest: tuple[Call, ...], args: tuple[Any, ...]) -> None:
        super().__init__()
        self._rest = iter(rest)
        self._args = args
        self._hurried = False
        self._waiting: Deferred[Any] | None = None
        self._wait(waiting)

    def cancel(self) -> None:
        """Wait for no handler any longer, but call them all."""
        self._hurried = True
        waiting = self._waiting
        if waiting is not None:
            waiting.cancel()
            self._go_on(None, waiting)  # does nothing, unless it took no notice
        elif self.called:
            super().cancel()

    def _wait(self, waiting: Deferred[Any]) -> None:
        self._waiting = waiting
        waiting.addCallback(self._go_on, waiting)

    def _go_on(self, _: object, waiting: Deferred[Any]) -> None:
        if waiting is not self._waiting:
            return
        self._waiting = None
        for call in self._rest:
            following = call(self._args)
            if not isinstance(following, Deferred):
                continue
            if not self._hurried:
                self._wait(following)
                return
            following.cancel()
        self.callback(None)
