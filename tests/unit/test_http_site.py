"""Promises of `sgcws.http.site`: the `Site` that requests are answered from."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data
from zope.interface.verify import verifyObject

from sgcws.http.channel import Channel
from sgcws.http.site import CommandSite
from sgcws.options import HTTPOptions
from tests.web import ServerTestCase, request


class SiteTests(SynchronousTestCase):
    """The factory of channels."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.site = CommandSite(Resource(), HTTPOptions(header_timeout=3, keep_alive_timeout=7), self.reactor)

    def test_channel(self) -> None:
        """It makes our channel itself, with the times and words of the options, on the reactor it was given."""
        channel = self.site.buildProtocol(None)
        self.assertIs(type(channel), Channel)
        self.assertEqual((channel.head_timeout, channel.timeOut), (3, 7))
        self.assertEqual(channel.callLater, self.reactor.callLater)
        self.assertIs(channel.site, self.site)

    def test_http1_alone(self) -> None:
        """In TLS it offers HTTP/1.1 and nothing else, whatever is installed."""
        self.assertTrue(verifyObject(IProtocolNegotiationFactory, self.site))
        self.assertEqual(self.site.acceptableProtocols(), [b"http/1.1"])

    def test_quiet(self) -> None:
        """It writes no log of its own, and sets no timer to do so."""
        self.site.doStart()
        self.site.log(None)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.site.doStop()


class AnswerTests(ServerTestCase):
    """A site by itself."""

    def test_before(self) -> None:
        """What stands before a resource decides when, and whether, that is looked for."""
        looked: list[Any] = []

        def before(request: Any, find: Any) -> Any:
            looked.append(find(request))
            return Data(b"before", "text/plain")

        root = Resource()
        root.putChild(b"a", Data(b"behind", "text/plain"))
        port = self.server.listen(CommandSite(root, HTTPOptions(), self.reactor, before))
        self.assertEqual(self.server.connect(port).ask(request("/a")).body, b"before")
        self.assertEqual(looked, [root.children[b"a"]])

    def test_forms_are_left_alone(self) -> None:
        """A body is not parsed before anybody asks for it, least of all a form with files."""
        seen: list[Any] = []

        class Form(Resource):
            isLeaf = True

            def render(self, request: Any) -> bytes:
                seen.append((request.args, request.content.read()))
                return b""

        port = self.server.listen(CommandSite(Form(), HTTPOptions(), self.reactor))
        body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
        kind = "Content-Type: multipart/form-data; boundary=x"
        self.server.connect(port).ask(request("/?b=2", kind, method="POST", body=body))
        self.assertEqual(seen, [({b"b": [b"2"]}, body)])
