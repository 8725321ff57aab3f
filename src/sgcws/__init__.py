"""sgcws: HTTP, WebSocket and raw TCP on one port, driven through one object."""

from sgcws.errors import (
    InvalidOrigin,
    LifecycleError,
    ListenError,
    OptionError,
    PeerProtocolError,
    ServerError,
)
from sgcws.events import Fact, Question
from sgcws.interfaces import Connection, Request, Response
from sgcws.options import (
    Compression,
    HTTPOptions,
    ListenOptions,
    Monitor,
    SecurityOptions,
    ServerOptions,
    WatchdogOptions,
    WebSocketOptions,
)
from sgcws.server import WebSocketHTTPServer
from sgcws.values import Binding, RawTCP, Reject, TransportKind
from sgcws.version import VERSION as __version__
from sgcws.websocket import WebSocketResource

__all__ = [
    "Binding",
    "Compression",
    "Connection",
    "Fact",
    "HTTPOptions",
    "InvalidOrigin",
    "LifecycleError",
    "ListenError",
    "ListenOptions",
    "Monitor",
    "OptionError",
    "PeerProtocolError",
    "Question",
    "RawTCP",
    "Reject",
    "Request",
    "Response",
    "SecurityOptions",
    "ServerError",
    "ServerOptions",
    "TransportKind",
    "WatchdogOptions",
    "WebSocketHTTPServer",
    "WebSocketOptions",
    "WebSocketResource",
    "__version__",
]
