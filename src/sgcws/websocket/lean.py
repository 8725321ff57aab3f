"""
An Autobahn protocol that is no larger than it has to be.

Autobahn gives each connection more than eighty attributes. Most of them are the options, which are the same for all, or
have the value that all begin with, or are of no use after the handshake.
"""

from __future__ import annotations

from typing import Any, TypeVar

from autobahn.websocket.protocol import TrafficStats

__all__ = ["leave_to_class", "make_lean", "subclass"]

T = TypeVar("T")

SIMPLE = (type(None), bool, int, float, str, bytes)

OF_THE_HANDSHAKE = (
    "_deflate",
    "_key",
    "_opening",
    "_results",
    "_transport_details",
    "_valid_events",
    "_wskey",
    "is_closed",
    "is_open",
    "send_queue",
    "trafficStats",
)
OF_THE_REQUEST = ("http_", "websocket_")


def subclass(kind: type[T], settings: dict[str, Any]) -> type[T]:
    """Return a class whose instances have *settings* without keeping them, and count their traffic in one place."""
    return type(kind.__name__, (kind,), {**settings, "trafficStats": TrafficStats(), "is_lean": False})


def leave_to_class(protocol: Any) -> None:
    """Let the class have what an instance begins with; once for each class, for all begin alike."""
    kind = type(protocol)
    if not kind.is_lean:
        kind.is_lean = True
        for name, value in vars(protocol).items():
            if isinstance(value, SIMPLE) and name not in OF_THE_HANDSHAKE:
                setattr(kind, name, value)


def make_lean(protocol: Any) -> None:
    """Keep nothing that the class has, too, and nothing of the handshake."""
    shared = vars(type(protocol))
    protocol.__dict__ = {
        name: value
        for name, value in vars(protocol).items()
        if not (
            name in OF_THE_HANDSHAKE
            or name.startswith(OF_THE_REQUEST)
            or (name in shared and shared[name] is value)
        )
    }
