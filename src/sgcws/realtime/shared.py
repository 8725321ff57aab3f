"""What all peers of one server share."""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs
from twisted.internet.interfaces import IReactorTime

from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.options import ServerOptions
from sgcws.realtime.registry import Registry

__all__ = ["Shared"]


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
    """

    clock: IReactorTime
    carrier: Carrier
    events: Events
    registry: Registry = attrs.field(factory=Registry)
    new_guid: Callable[[], str] = lambda: os.urandom(16).hex()
    options: ServerOptions = attrs.field(factory=ServerOptions)
