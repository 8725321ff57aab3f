"""Server-Sent Events as bytes (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

from sgcws.rules.tokens import split_list

__all__ = [
    "COMMENT",
    "MEDIA_TYPE",
    "Base64Parts",
    "TextParts",
    "asks_for_events",
    "binary_event",
    "event",
    "is_text",
    "is_whole",
    "text_event",
]

MEDIA_TYPE = "text/event-stream"

COMMENT = b":\n\n"
"""Says nothing, to keep a quiet stream open."""

_END = b"\n\n"
"""An empty line ends an event; no other place in a stream has one."""

_BINARY = b"event: binary\n"
_DATA = b"data: "
_LINE = re.compile("[\r\n]")


def event(data: str, *, name: str | None = None, id: str | None = None, retry: float | None = None) -> bytes:
    """
    Return one event.

    Args:
        data: Its data; a browser reads each line break, whether CR, LF or CRLF, as LF.
        name: What kind of event it is; None for ``message``.
        id: What a browser that comes back sends as ``Last-Event-ID``; None leaves that as it is.
        retry: Seconds that a browser waits before it comes back; None leaves that as it is.

    Raises:
        ValueError: If *name* or *id* has a line break, *id* a NUL, which browsers ignore it for, or *retry* is less
            than a millisecond.
    """
    head = b"" if retry is None else b"retry: %d\n" % _milliseconds(retry)
    head += b"" if id is None else _field("id", id)
    head += b"" if name is None else _field("event", name)
    return head + text_event(data.encode())


def text_event(payload: bytes) -> bytes:
    """Return a text message, UTF-8 already, as an event."""
    return _DATA + _as_lines(payload) + _END


def binary_event(payload: bytes) -> bytes:
    """Return a binary message as an event: ``binary``, with the bytes in base64 (RFC 4648 section 4)."""
    return _BINARY + _DATA + base64.b64encode(payload) + _END


class TextParts:
    """
    One text message in parts, as one event: what is returned is sent as it is, one after the other.

    A part may end anywhere, within a character or a CRLF as well.
    """

    __slots__ = ("_after_return", "_begun")

    def __init__(self) -> None:
        self._begun = False
        self._after_return = False

    def add(self, payload: bytes, last: bool) -> bytes:
        """Return what is sent for the next part."""
        head = b"" if self._begun else _DATA
        self._begun = True
        if payload:
            # The line break that CR and LF are together was sent with the part that ended in CR.
            rest = payload[1:] if self._after_return and payload[:1] == b"\n" else payload
            self._after_return = rest[-1:] == b"\r"
            head += _as_lines(rest)
        return head + _END if last else head


class Base64Parts:
    """One binary message in parts, as one event: what is returned is sent as it is, one after the other."""

    __slots__ = ("_begun", "_rest")

    def __init__(self) -> None:
        self._begun = False
        self._rest = b""

    def add(self, payload: bytes, last: bool) -> bytes:
        """Return what is sent for the next part; at most two bytes wait for the part behind it."""
        head = b"" if self._begun else _BINARY + _DATA
        self._begun = True
        whole = self._rest + payload
        end = len(whole) if last else len(whole) - len(whole) % 3
        self._rest = whole[end:]
        return head + base64.b64encode(whole[:end]) + (_END if last else b"")


def is_whole(sent: bytes | memoryview) -> bool:
    """Tell whether an event is over, by the last bytes that were sent; only then a comment or another may follow."""
    return bytes(sent[-2:]) == _END


def asks_for_events(accept_values: Iterable[str]) -> bool:
    """
    Tell whether a request asks for a stream of events by its name; what takes anything does not ask for this.

    Args:
        accept_values: The values of ``Accept`` (RFC 9110 section 12.5.1).
    """
    for element in split_list(accept_values):
        kind, parameters = _media_type(element)
        if kind == MEDIA_TYPE and parameters.get("q", "1").rstrip("0") not in ("", "0", "0."):
            return True
    return False


def is_text(content_type: str) -> bool | None:
    """
    Tell what kind of message a body is.

    Args:
        content_type: The value of ``Content-Type``, or empty.

    Returns:
        True for text in UTF-8, False for bytes, None for what is neither.
    """
    kind, parameters = _media_type(content_type)
    if kind == "text/plain":
        return True if parameters.get("charset", "utf-8").lower() == "utf-8" else None
    return False if kind == "application/octet-stream" else None


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    """Read a media type and its parameters (RFC 9110 section 8.3.1), as far as they have no commas or semicolons."""
    kind, *pieces = (piece.strip(" \t") for piece in text.split(";"))
    pairs = (piece.partition("=") for piece in pieces)
    return kind.lower(), {name.lower(): value.strip('"') for name, _, value in pairs}


def _as_lines(payload: bytes) -> bytes:
    """Let each line but the first begin as a line of data."""
    if b"\r" in payload:
        payload = payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return payload.replace(b"\n", b"\n" + _DATA)


def _field(name: str, value: str) -> bytes:
    if _LINE.search(value) or (name == "id" and "\0" in value):
        raise ValueError(f"the field {name} of an event holds a character that may not stand there")
    return f"{name}: {value}\n".encode()


def _milliseconds(seconds: float) -> int:
    found = round(seconds * 1000)
    if found < 1:
        raise ValueError("the time to wait is less than a millisecond")
    return found
