"""A coroutine that waits for asyncio, on Twisted's asyncio reactor."""

from __future__ import annotations

import asyncio

from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred

from sgcws import Connection, WebSocketHTTPServer


async def measure() -> str:
    """Stand for code that is written for asyncio."""
    await asyncio.sleep(0.5)
    return "21.5 degrees"


def make_server() -> WebSocketHTTPServer:
    server = WebSocketHTTPServer(port=8080)

    @server.on_message
    async def answer(connection: Connection, text: str) -> None:
        measured = await Deferred.fromFuture(asyncio.ensure_future(measure()))
        connection.write_data(measured)

    return server


if __name__ == "__main__":
    asyncioreactor.install()
    make_server().run()
