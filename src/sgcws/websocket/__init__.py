"""WebSocket over HTTP/1.1: the only room that knows Autobahn."""

from sgcws.websocket.resource import WebSocketResource
from sgcws.websocket.upgrades import Upgrades

__all__ = ["Upgrades", "WebSocketResource"]
