"""When a quiet peer is asked whether it is still there."""

from __future__ import annotations

import attrs

from sgcws.options.field import option
from sgcws.options.kinds import flag, optional, positive

__all__ = ["HeartbeatOptions"]


@attrs.frozen(kw_only=True)
class HeartbeatOptions:
    """
    When a quiet peer is pinged, and when it is given up (RFC 6455 section 5.5.2).

    Raises:
        OptionError: If a value is not allowed.

    Original: ``HeartBeat``.
    """

    interval: float = option(60.0, positive, doc="Seconds from one ping to the next.", live=True)
    timeout: float | None = option(
        20.0,
        optional(positive),
        doc="Seconds after a ping in which nothing comes, not even a part of a message, until the peer is dropped; "
        "None never drops one.",
        live=True,
    )
    only_if_idle: bool = option(
        True,
        flag,
        doc="Whether a ping waits until no message has come for an interval.",
        live=True,
    )
