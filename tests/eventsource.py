"""What a browser makes of an event stream (WHATWG HTML, "Interpreting an event stream"), byte by byte."""

from __future__ import annotations

import codecs
from typing import NamedTuple

__all__ = ["EventSource", "Heard", "heard"]


class Heard(NamedTuple):
    """One event, as a page gets it."""

    data: str
    name: str = "message"
    last_id: str = ""


class EventSource:
    """
    Reads one stream.

    Attributes:
        retry: Milliseconds to wait before it would connect again, once the stream has said so.
        comments: How many there were.
    """

    def __init__(self) -> None:
        self.retry: int | None = None
        self.comments = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = False
        self._line = ""
        self._after_return = False
        self._name = self._last_id = ""
        self._data: list[str] = []
        self._events: list[Heard] = []

    def feed(self, data: bytes) -> list[Heard]:
        """Take in some bytes; return the events that are whole now."""
        for character in self._decode.decode(data):
            self._take(character)
        events, self._events = self._events, []
        return events

    def _take(self, character: str) -> None:
        first, self._begun = not self._begun, True
        if first and character == "\ufeff":
            return
        after_return, self._after_return = self._after_return, character == "\r"
        if character == "\n" and after_return:
            return
        if character in "\r\n":
            line, self._line = self._line, ""
            self._read(line)
        else:
            self._line += character

    def _read(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not field:
            self.comments += 1
        elif field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._last_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> None:
        # The specification ends each line with LF and takes the last one off; then empty data is no event.
        data, self._data = self._data, []
        name, self._name = self._name, ""
        if data:
            self._events.append(Heard("\n".join(data), name or "message", self._last_id))


def heard(stream: bytes) -> list[Heard]:
    """Return the events of a whole stream."""
    return EventSource().feed(stream)
