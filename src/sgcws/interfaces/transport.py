"""What stands between a peer and its socket."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Shuttable", "Sink"]


class Shuttable(Protocol):
    """What holds a peer's socket at the moment: the first look, HTTP, WebSocket, raw TCP."""

    def shut(self, code: int, reason: str) -> None:
        """End the conversation politely, in the words of its protocol; the peer's end of it is still read."""

    def abort(self) -> None:
        """End it at once; it may have ended already."""


class Sink(Protocol):
    """Where the bytes for one peer go: the part of its connection below everything that waits."""

    def write(self, data: bytes) -> None:
        """Send some bytes, or keep them until there is room below."""

    def waiting(self) -> int:
        """Return how many bytes it keeps."""

    def register(self, producer: Any) -> None:
        """
        Tell an `twisted.internet.interfaces.IPushProducer` when to pause and to resume, until it is unregistered.

        It has to pause when 64 KiB wait, and may resume when nothing does.
        """

    def unregister(self) -> None:
        """Tell it no more; needed before `lose`, which would wait for it for ever."""

    def lose(self) -> None:
        """Close once everything is sent."""

    def half_close(self) -> None:
        """Send the end of the stream after everything else, and read on; the same as `lose` where there is no half."""

    def abort(self) -> None:
        """Close at once."""
