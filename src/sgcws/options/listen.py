"""How sockets are accepted."""

from __future__ import annotations

import attrs

from sgcws.options.field import option
from sgcws.options.kinds import flag, optional, seconds, size, whole

__all__ = ["ListenOptions"]


@attrs.frozen(kw_only=True)
class ListenOptions:
    """
    How sockets are accepted.

    Raises:
        OptionError: If a value is not allowed.
    """

    memory_limit: int = option(
        512 * 1024**2,
        size,
        doc="Bytes that may wait for all peers together, on their way in and out; when there are more, those peers are "
        "closed first that hold most, with close code 1013.",
        live=True,
    )
    backlog: int = option(
        1024,
        whole(1, 65535),
        doc="Connections that the system keeps waiting until they are accepted.",
    )
    tcp_no_delay: bool = option(
        True,
        flag,
        doc="Whether small writes are sent at once (TCP_NODELAY).",
    )
    tcp_keep_alive: float | None = option(
        None,
        optional(seconds(1, 32767)),
        doc="Seconds a connection is idle before the system probes it; None never probes.",
    )
