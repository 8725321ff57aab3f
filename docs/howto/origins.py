"""Whose pages may connect."""

from __future__ import annotations

from sgcws import SecurityOptions, WebSocketHTTPServer

server = WebSocketHTTPServer(
    port=8080,
    security=SecurityOptions(allowed_origins=("https://chat.example.com", "https://*.example.org")),
)
