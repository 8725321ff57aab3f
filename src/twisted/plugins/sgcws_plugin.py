"""Tells twistd of ``twistd sgcws``; it imports nothing more, since every ``twistd --help`` imports it."""

from twisted.application.service import ServiceMaker

sgcws = ServiceMaker("sgcws", "sgcws.tap", "HTTP and WebSocket server on one port", "sgcws")
