"""What stands in where a WebSocket cannot be had."""

from __future__ import annotations

import re

import attrs

from sgcws.options.field import option, table
from sgcws.options.kinds import optional, seconds, text

__all__ = ["FallbackOptions", "ServerSentEvents"]

_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
"""Segments that need no percent-encoding (RFC 3986 section 3.3), none of them empty or made of dots alone."""

_path = text(
    'a path such as "/sgcws/events", without a slash at its end, and without what is percent-encoded',
    lambda words: _PATH.fullmatch(words) is not None,
)


@attrs.frozen(kw_only=True)
class ServerSentEvents:
    """
    Messages to a browser as Server-Sent Events, and from it by POST.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``ServerSentEvents``.
    """

    retry: float = option(
        3.0,
        seconds(0.001, 86400),
        doc="Seconds that a browser waits before it connects again.",
        live=True,
    )
    path: str = option("/sgcws/events", _path, doc="The path that events are asked for at, and messages are posted to.")


@attrs.frozen(kw_only=True)
class FallbackOptions:
    """
    What stands in where a WebSocket cannot be had.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``FallBack``.
    """

    server_sent_events: ServerSentEvents | None = option(
        ServerSentEvents(),
        optional(table(ServerSentEvents)),
        doc="How messages go as Server-Sent Events; None does not offer them.",
    )
