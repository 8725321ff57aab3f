"""The end of all connections of a server."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.interfaces import IReactorTime

from sgcws.realtime.registry import Member, Registry

__all__ = ["farewell", "say_goodbye"]


def say_goodbye(registry: Registry, code: int, reason: str) -> int:
    """End every connection politely, plain HTTP too; return how many could take messages."""
    count = len(registry)
    for peer in registry.everyone():
        peer.say_goodbye(code, reason)
    return count


async def farewell(registry: Registry, clock: IReactorTime, code: int, reason: str, timeout: float) -> None:
    """
    End every connection politely, and at once those that are left at the timeout.

    Returns when all are gone that were there when it began, and their last events are told.
    """
    leaving = registry.everyone()
    gone = registry.when_gone(leaving)
    late = clock.callLater(timeout, _give_up, leaving)
    say_goodbye(registry, code, reason)
    try:
        await gone
    finally:
        if late.active():
            late.cancel()


def _give_up(peers: Iterable[Member]) -> None:
    for peer in peers:
        peer.give_up()
