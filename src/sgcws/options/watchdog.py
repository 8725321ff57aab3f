"""What is done when the listener has gone."""

from __future__ import annotations

import attrs

from sgcws.options.field import option, table
from sgcws.options.kinds import optional, positive, whole

__all__ = ["Monitor", "WatchdogOptions"]


@attrs.frozen(kw_only=True)
class Monitor:
    """
    How the server connects to itself to see whether it still answers.

    Raises:
        OptionError: If a value is not allowed.
    """

    interval: float = option(30.0, positive, doc="Seconds from one look to the next.", live=True)
    timeout: float = option(5.0, positive, doc="Seconds to wait for the answer.", live=True)


@attrs.frozen(kw_only=True)
class WatchdogOptions:
    """
    What is done when the listener has gone and nobody stopped the server.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``WatchDog``.
    """

    interval: float = option(
        10.0,
        positive,
        doc="Seconds within which a dead listener is found and opened again; a failing attempt is repeated after it, "
        "then with pauses that double up to eight times it.",
        live=True,
    )
    attempts: int | None = option(
        None,
        optional(whole(1)),
        doc="How often in a row to try; None tries for ever.",
        live=True,
    )
    monitor: Monitor | None = option(
        None,
        optional(table(Monitor)),
        doc="How the server looks after itself from outside; None does not.",
    )
