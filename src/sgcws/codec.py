"""Frames as they go over the wire (RFC 6455 section 5.2)."""

from __future__ import annotations

__all__ = ["BINARY", "CLOSE", "CONTINUATION", "FINAL", "PING", "PONG", "RSV1", "TEXT", "build_frame"]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

FINAL = 0x80
RSV1 = 0x40
"""The bit that marks a compressed message, in its first frame (RFC 7692 section 6)."""


def build_frame(first: int, payload: bytes) -> bytes:
    """
    Return a frame of a server's, which masks none.

    Args:
        first: Its first octet: the opcode with `FINAL` and `RSV1`.
        payload: What it carries.
    """
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
