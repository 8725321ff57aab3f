"""A place in a resource tree where requests upgrade."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from sgcws.http.text import decode
from sgcws.rules.upgrade import asks_for_websocket
from sgcws.websocket.upgrades import Upgrades

__all__ = ["WebSocketResource", "is_upgrade"]


class WebSocketResource(Resource):
    """
    Upgrades every request to it, and every path below it, in any `twisted.web.server.Site`.

    A request that asks for no upgrade is answered 426.

    Args:
        upgrades: Lets requests in, or refuses them.
    """

    isLeaf = True

    def __init__(self, upgrades: Upgrades) -> None:
        super().__init__()
        self._upgrades = upgrades

    def render(self, request: Any) -> int:
        """Upgrade the request, or answer why not."""
        return self._upgrades.begin(request)


def is_upgrade(request: Any) -> bool:
    """Tell whether a Twisted request asks for a WebSocket; by any other method than GET it cannot."""
    version = decode(request.clientproto).rpartition("/")[2]
    values = request.requestHeaders.getRawHeaders(b"upgrade", ())
    return request.method == b"GET" and asks_for_websocket(version, map(decode, values))
