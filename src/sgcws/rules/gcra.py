"""How often something may happen: the generic cell rate algorithm (ITU-T I.371, Annex A)."""

from __future__ import annotations

import attrs

__all__ = ["Allowance"]

ROUNDING = 0.3
"""Of once: by less are sums of times of today wrong, whose seconds have few digits left for fractions."""


@attrs.frozen
class Allowance:
    """
    So many times a second, and a burst.

    Args:
        rate: How often in a second.
        burst: How often at once.
    """

    rate: float
    burst: float

    def spend(self, full_at: float, now: float) -> float | None:
        """
        Let it happen once.

        Args:
            full_at: When the whole burst will be allowed again, as the last call returned it; 0 at first.
            now: The time in seconds.

        Returns:
            When it will be after that, or None if it may not happen now.
        """
        after = max(full_at, now) + 1 / self.rate
        return None if after - now > (self.burst + ROUNDING) / self.rate else after
