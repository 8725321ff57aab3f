"""What an application sends, as it goes over the wire."""

from __future__ import annotations

from sgcws.values import Part

__all__ = ["check_form", "check_ping", "payload_of"]

LONGEST_PING = 125
"""Bytes that fit a control frame (RFC 6455 section 5.5)."""


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


def check_ping(payload: object) -> None:
    """
    Check what is about to be sent in a ping.

    Raises:
        TypeError: If *payload* is not bytes.
        ValueError: If *payload* is longer than a control frame carries.
    """
    if not isinstance(payload, bytes):
        raise TypeError(f"a ping carries bytes, not {type(payload).__qualname__}")
    if len(payload) > LONGEST_PING:
        raise ValueError(f"a ping carries at most {LONGEST_PING} bytes, not {len(payload)}")


def check_form(fragment_size: object, key: object, part: object = None) -> None:
    """
    Check in which form a message is about to be sent.

    Args:
        fragment_size: Bytes in each fragment, or None.
        key: What may take its place, or None.
        part: Which part of it is given, or None for all of it.

    Raises:
        TypeError: If *fragment_size* is no whole number, *key* no text, or *part* no `Part`.
        ValueError: If *fragment_size* is less than 1, or either is given together with a part.
    """
    if part is not None and not isinstance(part, Part):
        raise TypeError(f"part is a Part, not {type(part).__qualname__}")
    if part is not None and not (fragment_size is None and key is None):
        raise ValueError("a part of a message takes neither fragment_size nor key")
    if fragment_size is not None and (not isinstance(fragment_size, int) or isinstance(fragment_size, bool)):
        raise TypeError(f"fragment_size is a whole number, not {type(fragment_size).__qualname__}")
    if fragment_size is not None and fragment_size < 1:
        raise ValueError(f"fragment_size is at least 1, not {fragment_size}")
    if key is not None and not isinstance(key, str):
        raise TypeError(f"key is text, not {type(key).__qualname__}")
