"""How far a peer has come."""

from __future__ import annotations

import enum

__all__ = ["CLOSED", "CLOSING", "DROPPED", "OPEN", "PLAIN", "Stage"]


class Stage(enum.IntEnum):
    """How far a peer has come; it never goes back."""

    PLAIN = 0
    """It cannot take messages yet, and perhaps never will."""
    OPEN = 1
    CLOSING = 2
    """One side has begun to say goodbye."""
    DROPPED = 3
    """We have given the socket up; nothing it still brings is heard."""
    CLOSED = 4
    """The socket is closed."""


# Looked at with every message; as attributes of the class they cost as much as the rest of the call.
PLAIN, OPEN, CLOSING, DROPPED, CLOSED = Stage
