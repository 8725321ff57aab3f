"""The rooms of a server, put together for one set of options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sgcws.http.commands import Before, Commands
from sgcws.http.files import Files
from sgcws.http.pages import Pages
from sgcws.http.root import Fallback, Root
from sgcws.http.site import CommandSite
from sgcws.net.first_bytes import FirstBytes
from sgcws.realtime.connection import Peer
from sgcws.realtime.shared import Shared
from sgcws.sse import EventStreams
from sgcws.version import VERSION
from sgcws.websocket import Upgrades, WebSocketResource
from sgcws.websocket.factory import MessageFactory
from sgcws.websocket.resource import is_upgrade
from sgcws.wiring.reception import FrontDesk
from sgcws.wiring.selfcheck import SelfCheck

__all__ = ["assemble", "furnish", "upgrades"]


def upgrades(shared: Shared, reactor: Any) -> Upgrades:
    """Return what lets WebSocket requests in."""
    options = shared.options
    return Upgrades(shared, MessageFactory(options.websocket, options.http.server_header, reactor))


def furnish(root: Root, shared: Shared, reactor: Any) -> None:
    """
    Set what answers where the application put no resource.

    Args:
        root: The root of the resource tree.
        shared: What all peers of the server share, today's options among it.
        reactor: The reactor.
    """
    http, fallback = shared.options.http, shared.options.fallback
    events = None if fallback is None else fallback.server_sent_events
    root.fallback = Fallback(
        upgrade=WebSocketResource(upgrades(shared, reactor)),
        is_upgrade=is_upgrade,
        files=Files(http.document_root, http.index_files, http.charset) if http.document_root else None,
        pages=Pages(http.test_pages, http.scripts, http.server_header or f"sgcws/{VERSION}"),
        commands=Commands(shared),
        events=None if events is None else EventStreams(shared, events),
    )


def assemble(
    shared: Shared, root: Root, reactor: Any, check: SelfCheck
) -> Callable[[object], FirstBytes[Peer]]:
    """
    Put the rooms together.

    Args:
        shared: What all peers of the server share, today's options among it.
        root: The root of the resource tree, which is furnished.
        reactor: The reactor.
        check: The server's look at itself, which answers its own connections.

    Returns:
        What makes the protocol for an accepted socket, given the address it came from.
    """
    furnish(root, shared, reactor)
    desk = FrontDesk(shared, _site(shared, root, reactor))
    patience = shared.options.http.header_timeout

    def make(address: object) -> FirstBytes[Peer]:
        return FirstBytes(check.desk if check.expects(address) else desk, reactor, patience)

    return make


def _site(shared: Shared, root: Root, reactor: Any) -> CommandSite:
    def before(request: Any, find: Callable[[Any], Any]) -> Any:
        return Before(shared, find) if shared.events.on_before_command else find(request)

    return CommandSite(root, shared.options.http, reactor, before, root.longest_body)
