"""What the application awaits from one peer: the messages that answer its own."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

__all__ = ["Answers"]


class Answers:
    """Hands the next messages that come in to those who wait for them, in the order in which they began to."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: tuple[Deferred[str | bytes], ...] = ()

    def next(self, clock: IReactorTime, timeout: float) -> Deferred[str | bytes]:
        """
        Return a Deferred of the next message that nobody before waits for.

        Args:
            clock: Tells when it is too late.
            timeout: Seconds after which it fails with `TimeoutError`.
        """
        answer: Deferred[str | bytes] = Deferred(self._forget)
        self._waiting += (answer,)

        def too_late(_: object, seconds: float) -> Failure:
            return Failure(TimeoutError(f"no message within {seconds:g} s"))

        return answer.addTimeout(timeout, clock, too_late)

    def take(self, message: str | bytes) -> bool:
        """Give a message to who waits first; whether anybody waited."""
        if not self._waiting:
            return False
        answer, *rest = self._waiting
        self._waiting = tuple(rest)
        answer.callback(message)
        return True

    def fail(self, error: Exception) -> None:
        """Tell all who wait that nothing will come."""
        waiting, self._waiting = self._waiting, ()
        for answer in waiting:
            if not answer.called:  # else what was done for one before has cancelled it
                answer.errback(Failure(error))

    def _forget(self, answer: Deferred[str | bytes]) -> None:
        """Forget one who waits no more."""
        self._waiting = tuple(other for other in self._waiting if other is not answer)
