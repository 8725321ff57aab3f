"""What all peers of one server share."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IReactorTime

from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.options import ServerOptions
from sgcws.realtime.heartbeat import Heartbeat
from sgcws.realtime.memory import Memory
from sgcws.realtime.registry import Registry

__all__ = ["Shared"]


def _obey(shared: Shared, attribute: attrs.Attribute[ServerOptions], options: ServerOptions) -> ServerOptions:
    """Let other options hold from now on, where somebody keeps a value of the old ones."""
    shared.memory.limit = options.listen.memory_limit
    return options


@attrs.define(kw_only=True)
class Shared:
    """
    What a peer needs of its server.

    Args:
        clock: Tells the time and sets deadlines.
        carrier: Carries calls over from other threads.
        events: What the application hears of.
        registry: Who is connected.
        new_guid: Makes the name of a new peer: 32 hexadecimal digits that nobody can guess.
        options: Today's options; they change only while the server is stopped.

    Attributes:
        memory: The account of everything that waits.
        heartbeat: Looks after peers that are quiet.
    """

    clock: IReactorTime
    carrier: Carrier
    events: Events
    registry: Registry = attrs.field(factory=Registry)
    new_guid: Callable[[], str] = lambda: os.urandom(16).hex()
    options: ServerOptions = attrs.field(factory=ServerOptions, on_setattr=_obey)
    memory: Memory = attrs.field(init=False)
    heartbeat: Heartbeat = attrs.field(init=False)

    @memory.default
    def _account(self) -> Memory:
        return Memory(self.options.listen.memory_limit, self.registry.everyone)

    @heartbeat.default
    def _one_timer(self) -> Heartbeat:
        return Heartbeat(self.clock, lambda: self.options.heartbeat, self.events.on_before_heartbeat.ask)
