"""Which WebSocket close codes and reasons may be sent (RFC 6455 sections 5.5.1 and 7.4)."""

from __future__ import annotations

__all__ = [
    "ABNORMAL",
    "GOING_AWAY",
    "INTERNAL_ERROR",
    "NO_STATUS",
    "POLICY_VIOLATION",
    "TRY_AGAIN_LATER",
    "check_close",
    "is_close_code",
]

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
"""Of a peer that takes less than it is sent, or sends too many small frames."""
INTERNAL_ERROR = 1011
"""Of a peer to which nothing more can be sent, through no fault of its own."""
TRY_AGAIN_LATER = 1013
"""Of a peer that has to go so that there is room for others."""
NO_STATUS = 1005
"""Never sent: the peer's Close frame held no code."""
ABNORMAL = 1006
"""Never sent: the connection ended without a Close frame."""

LONGEST_REASON = 123
"""Bytes of UTF-8 that fit a Close frame beside the code."""

_RESERVED = {1004, NO_STATUS, ABNORMAL}


def is_close_code(code: int) -> bool:
    """Tell whether a Close frame may hold this code, whoever sends it."""
    return (1000 <= code <= 1014 and code not in _RESERVED) or 3000 <= code <= 4999


def check_close(code: int, reason: str) -> None:
    """
    Check what is about to be sent in a Close frame.

    Raises:
        ValueError: If *code* may not be sent or *reason* is too long.
    """
    if not isinstance(code, int) or not is_close_code(code):
        raise ValueError(
            f"close code {code!r} may not be sent; allowed: 1000 to 1014 except 1004 to 1006, 3000 to 4999"
        )
    if len(reason.encode()) > LONGEST_REASON:
        raise ValueError(f"close reason is longer than {LONGEST_REASON} bytes of UTF-8")
