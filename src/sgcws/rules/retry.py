"""How long to wait before something that failed is tried again."""

from __future__ import annotations

__all__ = ["retry_delay"]

_DOUBLINGS = 3


def retry_delay(attempt: int, interval: float) -> float:
    """
    Say how long to wait before an attempt.

    The first attempt comes at once, the second after *interval*; each one after it waits twice as long as the
    one before, up to eight intervals.

    Args:
        attempt: How many attempts have failed so far; 0 for the first attempt.
        interval: Seconds, not negative.

    Returns:
        Seconds.
    """
    if attempt <= 0:
        return 0.0
    # The exponent is bounded, not the product: a server may try for years, and 2 ** attempt has no bound.
    return float(interval * 2 ** min(attempt - 1, _DOUBLINGS))
