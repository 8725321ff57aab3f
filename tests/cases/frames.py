"""WebSocket frames (RFC 6455 section 5.2): a client's, right or wrong, and a strict reader of the server's."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "MASK",
    "PING",
    "PONG",
    "TEXT",
    "Frame",
    "FrameError",
    "close",
    "closing",
    "echo",
    "fragments",
    "frame",
    "masked",
    "read_frames",
    "shown",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

NAMES = {CONTINUATION: "CONTINUATION", TEXT: "TEXT", BINARY: "BINARY", CLOSE: "CLOSE", PING: "PING", PONG: "PONG"}

MASK = b"\x9c\x01\xe6\x7b"
"""No byte of it is zero, and no two are alike."""

FORMS = {7: 0, 16: 2, 64: 8}
"""Bits of the length that a frame carries, and the bytes that they take beside the first seven bits."""


class FrameError(AssertionError):
    """The server sent what RFC 6455 forbids."""


def shown(data: object) -> str:
    """Tell what something looks like, shortly."""
    text = repr(data)
    size = len(data) if isinstance(data, str | bytes) else 0
    return f"{text[:60]}... ({size} long)" if len(text) > 80 else text


class Frame(NamedTuple):
    """A frame that the server sent."""

    opcode: int
    payload: bytes = b""
    fin: bool = True

    def __repr__(self) -> str:
        """Tell its kind and the beginning of its payload."""
        return f"<{NAMES[self.opcode]} {shown(self.payload)}{'' if self.fin else ' and more'}>"


def echo(data: str | bytes) -> Frame:
    """Return the frame that brings a message back."""
    return Frame(TEXT, data.encode()) if isinstance(data, str) else Frame(BINARY, data)


def closing(code: int, reason: str = "") -> Frame:
    """Return the Close frame of a code and a reason."""
    return Frame(CLOSE, code.to_bytes(2) + reason.encode())


# What a client sends.


def masked(payload: bytes, mask: bytes) -> bytes:
    """Mask a payload, or unmask it (RFC 6455 section 5.3)."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def shortest_form(size: int) -> int:
    """Return the bits of the shortest form that carries a length."""
    return 7 if size < 126 else 16 if size < 1 << 16 else 64


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    size: int | None = None,
    form: int | None = None,
) -> bytes:
    """
    Write a client's frame.

    Args:
        opcode: 0 to 15.
        payload: What it carries.
        fin: Whether it is the last of its message.
        rsv: The reserved bits as a number, RSV1 counting 4.
        mask: Four bytes; None sends the payload unmasked.
        size: The length that it claims; by default the payload's.
        form: The bits that carry the length, 7, 16 or 64; by default as few as will do.
    """
    size = len(payload) if size is None else size
    form = shortest_form(size) if form is None else form
    length = size if form == 7 else {16: 126, 64: 127}[form]
    head = bytes([fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | length])
    head += size.to_bytes(FORMS[form]) if form != 7 else b""
    return head + payload if mask is None else head + mask + masked(payload, mask)


def fragments(opcode: int, payload: bytes, size: int, fin: bool = True) -> list[bytes]:
    """Write a message as fragments of *size* bytes; an empty one is one empty fragment."""
    starts = range(0, len(payload), size) or [0]
    return [
        frame(CONTINUATION if start else opcode, payload[start : start + size], fin=fin and start == starts[-1])
        for start in starts
    ]


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Write a client's Close frame; without a code it is empty (RFC 6455 section 5.5.1)."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2) + reason)


# What the server sends.


def read_frames(data: bytes) -> list[Frame]:
    """
    Read all that a server sent after its 101.

    Raises:
        FrameError: If it breaks a rule for frames, for fragments or for Close, or ends within a frame or a message.
    """
    found: list[Frame] = []
    position = 0
    while position < len(data):
        one, position = _read_one(data, position)
        found.append(one)
    _check_order(found)
    return found


def _read_one(data: bytes, start: int) -> tuple[Frame, int]:
    if len(data) < start + 2:
        raise FrameError("a frame ends within its first two bytes")
    first, second = data[start], data[start + 1]
    if first & 0x70 or first & 0x0F not in NAMES or second & 0x80:
        raise FrameError(f"a frame of the server may not begin with {first:#x} {second:#x}")
    size, body = _read_length(data, start + 2, second)
    if len(data) < body + size:
        raise FrameError(f"a frame of {size} bytes ends after {len(data) - body}")
    return _checked(Frame(first & 0x0F, data[body : body + size], bool(first & 0x80))), body + size


def _read_length(data: bytes, position: int, length: int) -> tuple[int, int]:
    form = {126: 16, 127: 64}.get(length, 7)
    end = position + FORMS[form]
    size = int.from_bytes(data[position:end]) if form != 7 else length
    if form != shortest_form(size):
        raise FrameError(f"the length {size} takes {form} bits")
    return size, end


def _checked(found: Frame) -> Frame:
    if found.opcode >= CLOSE and not (found.fin and len(found.payload) <= 125):
        raise FrameError(f"a control frame may not be like this: {found}")
    if found.opcode == CLOSE and found.payload:
        if len(found.payload) == 1 or int.from_bytes(found.payload[:2]) in (1004, 1005, 1006, 1015):
            raise FrameError(f"a Close frame may not be like this: {found}")
        _check_text(found.payload[2:])
    return found


def _check_order(found: list[Frame]) -> None:
    message: list[bytes] | None = None
    opcode = CONTINUATION
    for position, one in enumerate(found):
        if one.opcode == CLOSE and position < len(found) - 1:
            raise FrameError(f"something follows a Close frame: {found[position:]}")
        if one.opcode < CLOSE:
            if (one.opcode == CONTINUATION) != (message is not None):
                raise FrameError(f"a fragment is out of place: {one}")
            opcode = one.opcode or opcode
            message = [*(message or ()), one.payload]
            message = _checked_message(opcode, message) if one.fin else message
    if message is not None:
        raise FrameError("the last message is not complete")


def _checked_message(opcode: int, parts: list[bytes]) -> None:
    if opcode == TEXT:
        _check_text(b"".join(parts))


def _check_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise FrameError(f"this is not UTF-8: {shown(data)}") from error
