"""The end of all connections of a server."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from sgcws.realtime.registry import Registry

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

    Returns when everybody is gone and the last event is told.
    """
    empty = registry.when_empty()
    late = clock.callLater(timeout, _give_up, registry)
    say_goodbye(registry, code, reason)
    await empty
    if late.active():
        late.cancel()


def _give_up(registry: Registry) -> None:
    for peer in registry.everyone():
        peer.give_up()
