"""What an application sends, as it goes over the wire."""

from __future__ import annotations

__all__ = ["payload_of"]


def payload_of(data: object) -> tuple[bytes, bool]:
    """
    Return the bytes of a message, and whether it is text.

    Args:
        data: ``str`` is text; ``bytes`` and what holds bytes, as they are now, is binary.

    Raises:
        TypeError: If *data* is neither.
        UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.
    """
    if isinstance(data, str):
        return data.encode(), True
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data), False
    raise TypeError(f"a message is str or bytes, not {type(data).__qualname__}")
