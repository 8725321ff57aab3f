"""Promises of `sgcws.interfaces`: the contracts that applications are typed by."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Protocol

from twisted.trial.unittest import SynchronousTestCase

from sgcws import interfaces
from sgcws.http.response import CommandResponse
from sgcws.interfaces import Response, Shuttable, Sink
from sgcws.net.sinks import TransportSink
from sgcws.realtime.framing import Framing
from sgcws.sse.sink import RequestSink
from sgcws.sse.stream import EventStream
from sgcws.tcp import RawTCPProtocol
from sgcws.websocket.protocol import MessageProtocol
from tests.support import FakeFraming


class InterfaceTests(SynchronousTestCase):
    """They are contracts, and nothing else."""

    def test_protocols(self) -> None:
        """Each is a typing protocol, and every member that it declares says what it is for."""
        for name in interfaces.__all__:
            contract = getattr(interfaces, name)
            self.assertTrue(getattr(contract, "_is_protocol", False) and issubclass(contract, Protocol), name)
            for member, value in vars(contract).items():
                if not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{member}")

    def test_kept(self) -> None:
        """Whatever stands below a peer, or speaks for one, has all that is asked of it."""
        framings = (MessageProtocol, RawTCPProtocol, EventStream, FakeFraming)
        sinks = (TransportSink, RequestSink, FakeFraming)
        for contract, kinds in ((Sink, sinks), (Shuttable, framings), (Framing, framings)):
            wanted = [name for name in (*dir(contract), *inspect.get_annotations(contract)) if name[0] != "_"]
            for kind in kinds:
                # What Autobahn's protocol is given only when it opens are its encoders.
                missing = [name for name in wanted if not hasattr(kind, name)]
                self.assertEqual(set(missing) - {"encode", "encode_part"}, set(), kind)

    def test_homes(self) -> None:
        """What the package offers are the contracts of its files, all of them."""
        homes = [import_module(f"sgcws.interfaces.{name}") for name in ("commands", "connection", "transport")]
        self.assertEqual(sorted(name for home in homes for name in home.__all__), sorted(interfaces.__all__))
        for home in homes:
            for name in home.__all__:
                self.assertIs(getattr(interfaces, name), getattr(home, name))

    def test_response(self) -> None:
        """A response can be told from what a handler returns by mistake."""
        self.assertIsInstance(CommandResponse(secure=False), Response)
        for other in (None, True, "text", b"", object(), {}):
            self.assertNotIsInstance(other, Response)
