"""The account of everything that waits, in and out, over all peers of one server."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from sgcws.rules.close_codes import TRY_AGAIN_LATER

__all__ = ["Holder", "Memory", "most_first"]


class Holder(Protocol):
    """Somebody whose bytes wait."""

    @property
    def held(self) -> int:
        """How many they are."""

    def evict(self, code: int) -> None:
        """Release what can be released now, and close with *code*; if it is closing already, release all at once."""


H = TypeVar("H", bound=Holder)


def most_first(holders: Iterable[H]) -> Iterator[H]:
    """
    Yield those that hold anything, those that hold most first; nobody is sorted who is not asked for.

    One that holds something after its turn has another one, in the place that it has by then.
    """
    heap = [(-holder.held, place, True, holder) for place, holder in enumerate(holders) if holder.held > 0]
    heapq.heapify(heap)
    while heap:
        _, place, once_more, holder = heapq.heappop(heap)
        yield holder
        if once_more and holder.held > 0:
            heapq.heappush(heap, (-holder.held, place, False, holder))


class Memory:
    """
    Counts what waits for all peers together, and keeps it within a limit.

    When it is full, those who hold most are evicted first, with close code 1013.

    Args:
        limit: Bytes that may wait.
        holders: Returns those among whom to choose.

    Attributes:
        limit: As given; another one counts from the next `hold` on.
    """

    __slots__ = ("_holders", "_relieving", "_total", "limit")

    def __init__(self, limit: int, holders: Callable[[], Iterable[Holder]]) -> None:
        self.limit = limit
        self._holders = holders
        self._total = 0
        self._relieving = False

    @property
    def total(self) -> int:
        """Bytes that wait now."""
        return self._total

    def hold(self, count: int) -> None:
        """
        Count some bytes more.

        Whoever holds them may be evicted before this returns, so they have to be in its ``held`` by now.
        """
        self._total += count
        if self._total > self.limit and not self._relieving:
            self._relieve()

    def release(self, count: int) -> None:
        """Count some bytes less."""
        self._total -= count

    def _relieve(self) -> None:
        """Evict until there is room, or nobody is left whose end makes any."""
        self._relieving = True
        try:
            while self._total > self.limit and self._evict_most():
                pass
        finally:
            self._relieving = False

    def _evict_most(self) -> bool:
        """
        Evict those who hold most, until there is room; whether there is more than before.

        An eviction is told to the application, which may make others hold more: those count in the next round.
        """
        before = self._total
        for holder in most_first(self._holders()):
            if self._total <= self.limit:
                break
            holder.evict(TRY_AGAIN_LATER)
        return self._total < before
