"""The programs that stand in `docs`, each as a server on a free port."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from twisted.trial.unittest import TestCase
from websockets.sync.client import ClientConnection, connect

from sgcws import WebSocketHTTPServer

from .program import PATIENCE

__all__ = ["DOCS", "Served", "fetch", "hear", "load"]

DOCS = Path(__file__).parent.parent.parent / "docs"


def load(path: Path) -> ModuleType:
    """Run a file of the documentation, as importing it does."""
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fetch(url: str, **headers: str) -> str:
    """Return what is at a URL; what is refused is its status."""
    try:
        with urlopen(Request(url, headers=headers), timeout=PATIENCE) as response:
            text: str = response.read().decode()
            return text
    except HTTPError as error:
        with error:
            return str(error.code)


def hear(client: ClientConnection) -> str:
    """Return the next text message."""
    message = client.recv(timeout=PATIENCE)
    assert isinstance(message, str)
    return message


class Served(TestCase):
    """A server of the documentation, in this process's reactor; its clients block in threads."""

    timeout = 120
    port: int

    async def serve(self, server: WebSocketHTTPServer) -> None:
        """Start a server on a free port of 127.0.0.1."""
        server.bindings = ("tcp:0:interface=127.0.0.1",)
        self.addCleanup(server.stop)
        await server.start()
        (self.port,) = server.listening_ports

    def url(self, path: str = "/") -> str:
        """Return the address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"

    def websocket(self, path: str = "/", **headers: str) -> ClientConnection:
        """Open a WebSocket."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            additional_headers=headers,
        )
