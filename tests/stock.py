"""Autobahn and Twisted as they come, to pin what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import txaio
from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.testing import MemoryReactorClock
from twisted.web.server import Site

__all__ = ["stock_factory", "stock_site"]


def stock_factory(case: Any, **hooks: Callable[..., Any]) -> WebSocketServerFactory:
    """
    Return Autobahn's factory with some hooks of its protocol.

    Its timers run on a clock that nobody advances.
    """
    case.patch(txaio.config, "loop", MemoryReactorClock())
    factory = WebSocketServerFactory(reactor=MemoryReactorClock())
    factory.protocol = type("Stock", (WebSocketServerProtocol,), hooks)
    return factory


def stock_site(factory: WebSocketServerFactory, reactor: Any) -> Site:
    """Return a stock Site with Autobahn's resource at its root."""
    return Site(WebSocketResource(factory), reactor=reactor)
