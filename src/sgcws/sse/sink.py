"""The answer to a request, as a place for events to go to."""

from __future__ import annotations

from typing import Any

from sgcws.net.sinks import TransportSink
from sgcws.rules.event_stream import is_whole

__all__ = ["RequestSink"]


class RequestSink:
    """
    The answer to a request, as a `sgcws.interfaces.Sink`.

    Args:
        request: The request, as Twisted has it; its headers are set, and nothing of its answer is sent.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._below = TransportSink(request.channel.transport)
        self._end = b""

    @property
    def between_events(self) -> bool:
        """Whether the last event that was begun is whole."""
        return is_whole(self._end)

    def write(self, data: bytes) -> None:
        """Send some bytes, as one chunk."""
        self._end = (self._end + data[-2:])[-2:]
        self._request.write(data)

    def waiting(self) -> int:
        """Return how many bytes wait for the socket to take them."""
        return self._below.waiting()

    def register(self, producer: Any) -> None:
        """Let *producer* be told when to pause and to resume."""
        self._request.registerProducer(producer, True)

    def unregister(self) -> None:
        """Tell the producer no more."""
        if self._is_there:
            self._request.unregisterProducer()

    def lose(self) -> None:
        """End the answer; the connection ends with it."""
        if self._is_there:
            self._request.finish()

    def half_close(self) -> None:
        """End the answer: its client has nothing more to say."""
        self.lose()

    def abort(self) -> None:
        """Close the connection at once."""
        self._below.abort()

    @property
    def _is_there(self) -> bool:
        """Whether the answer goes on; Twisted takes the channel away from one that is over."""
        return getattr(self._request, "channel", None) is not None
