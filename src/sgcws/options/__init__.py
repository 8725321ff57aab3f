"""The options of a server: frozen groups that check themselves, and the readers of text for them."""

from __future__ import annotations

from sgcws.options.description import Description, describe
from sgcws.options.fallback import FallbackOptions, ServerSentEvents
from sgcws.options.heartbeat import HeartbeatOptions
from sgcws.options.http import HTTPOptions
from sgcws.options.listen import ListenOptions
from sgcws.options.loading import (
    Configuration,
    command_line_parameters,
    configuration,
    merge,
    read_command_line,
    read_environment,
    read_toml,
)
from sgcws.options.security import SecurityOptions
from sgcws.options.server import OptionGroups, ServerOptions
from sgcws.options.tls import TLSOptions
from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.options.websocket import Compression, SlowClientPolicy, WebSocketOptions

__all__ = [
    "Compression",
    "Configuration",
    "Description",
    "FallbackOptions",
    "HTTPOptions",
    "HeartbeatOptions",
    "ListenOptions",
    "Monitor",
    "OptionGroups",
    "SecurityOptions",
    "ServerOptions",
    "ServerSentEvents",
    "SlowClientPolicy",
    "TLSOptions",
    "WatchdogOptions",
    "WebSocketOptions",
    "command_line_parameters",
    "configuration",
    "describe",
    "merge",
    "read_command_line",
    "read_environment",
    "read_toml",
]
