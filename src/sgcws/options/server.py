"""All options of a server in one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import attrs

from sgcws.options.fallback import FallbackOptions
from sgcws.options.field import from_table, option, table
from sgcws.options.heartbeat import HeartbeatOptions
from sgcws.options.http import HTTPOptions
from sgcws.options.kinds import optional
from sgcws.options.listen import ListenOptions
from sgcws.options.security import SecurityOptions
from sgcws.options.tls import TLSOptions
from sgcws.options.watchdog import WatchdogOptions
from sgcws.options.websocket import WebSocketOptions

__all__ = ["OptionGroups", "ServerOptions"]


class OptionGroups(TypedDict, total=False):
    """The groups of `ServerOptions` by name, as keyword arguments."""

    listen: ListenOptions
    websocket: WebSocketOptions
    http: HTTPOptions
    tls: TLSOptions | None
    security: SecurityOptions
    heartbeat: HeartbeatOptions | None
    watchdog: WatchdogOptions | None
    fallback: FallbackOptions | None


@attrs.frozen(kw_only=True)
class ServerOptions:
    """
    All options of a server; a change is ``attrs.evolve``.

    Raises:
        OptionError: If a value is not allowed.
    """

    listen: ListenOptions = option(ListenOptions(), table(ListenOptions), doc="How sockets are accepted.")
    websocket: WebSocketOptions = option(
        WebSocketOptions(), table(WebSocketOptions), doc="What the WebSocket side accepts."
    )
    http: HTTPOptions = option(
        HTTPOptions(), table(HTTPOptions), doc="What the HTTP side serves, and how long it waits."
    )
    tls: TLSOptions | None = option(
        None,
        optional(table(TLSOptions)),
        doc="What TLS is spoken with; None speaks none.",
    )
    security: SecurityOptions = option(
        SecurityOptions(), table(SecurityOptions), doc="Whose pages may connect."
    )
    heartbeat: HeartbeatOptions | None = option(
        HeartbeatOptions(),
        optional(table(HeartbeatOptions)),
        doc="When a quiet peer is asked whether it is still there; None never asks.",
    )
    watchdog: WatchdogOptions | None = option(
        WatchdogOptions(),
        optional(table(WatchdogOptions)),
        doc="What is done when the listener has gone; None does nothing.",
    )
    fallback: FallbackOptions | None = option(
        None,
        optional(table(FallbackOptions)),
        doc="What stands in where a WebSocket cannot be had; None offers nothing.",
    )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object], base: ServerOptions | None = None) -> ServerOptions:
        """
        Make the options of nested mappings of plain values, as a TOML file gives them.

        Args:
            mapping: Group names to tables of option names and values. A list is a tuple, ``"off"`` and
                ``"none"`` are ``None``, ``False`` is a group that is off and ``True`` one with its defaults,
                and a size may be text such as ``"64 MiB"``.
            base: What holds for everything that is not mentioned; None for the defaults.

        Returns:
            The options.

        Raises:
            OptionError: If a name is not known or a value is not allowed; it carries the full name.
        """
        return from_table(cls, "", mapping, base)
