"""The options of a server: frozen groups that check themselves, and the readers of text for them."""

from __future__ import annotations

from sgcws.options.description import Description, describe
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
from sgcws.options.server import ServerOptions
from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.options.websocket import Compression, WebSocketOptions

__all__ = [
    "Compression",
    "Configuration",
    "Description",
    "HTTPOptions",
    "ListenOptions",
    "Monitor",
    "SecurityOptions",
    "ServerOptions",
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
