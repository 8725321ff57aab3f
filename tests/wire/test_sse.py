"""Server-Sent Events with a real browser, with curl, and with sockets that do as they like."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sgcws import FallbackOptions, Reject, SlowClientPolicy, WebSocketHTTPServer, WebSocketOptions
from tests.eventsource import EventSource, Heard
from tests.tls import tls_files

from .browser import Browser, Page, missing
from .pages import DOCS, Served, load
from .program import PATIENCE

PATH = "/sgcws/events"
ASK = {"Accept": "text/event-stream"}

LISTEN = """
window.heard = [];
window.events = new EventSource(arguments[0]);
for (const name of ["opened", "message", "binary", "closed", "error"]) {
    events.addEventListener(name, (event) => heard.push([name, event.data ?? null]));
}
"""
SAY = """
const [body, type, done] = arguments;
const { guid, secret } = JSON.parse(heard.find(([name]) => name === "opened")[1]);
const headers = { "Sgcws-Connection": guid, "Sgcws-Secret": secret, "Content-Type": type };
fetch("/sgcws/events", { method: "POST", headers, body: new Uint8Array(body) }).then((answer) => done(answer.status));
"""
FETCH = """
const [url, options, done] = arguments;
fetch(url, options).then((answer) => done(answer.status), () => done("refused"));
"""


class Client:
    """A stream over a socket of its own, read as it comes."""

    def __init__(self, port: int, secure: bool = False) -> None:
        self._port = port
        self._secure = secure
        self._connection = self._connect()
        self._connection.request("GET", PATH, headers=ASK)
        self.answer = self._connection.getresponse()
        self._source = EventSource()
        self._heard: list[Heard] = []
        self.opened: dict[str, str] = json.loads(self.next().data)

    def next(self) -> Heard:
        """Wait for the next event."""
        while not self._heard:
            data = self.answer.read1()
            if not data:
                raise EOFError
            self._heard = self._source.feed(data)
        return self._heard.pop(0)

    def post(self, body: str | bytes, kind: str = "text/plain") -> int:
        """Send a message; return the status of the answer."""
        who = {"Sgcws-Connection": self.opened["guid"], "Sgcws-Secret": self.opened["secret"], "Content-Type": kind}
        with closing(self._connect()) as connection:
            connection.request("POST", PATH, body, who)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def close(self) -> None:
        """Go away."""
        self.answer.close()
        self._connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=PATIENCE, context=context)


class StreamCase(Served):
    """A server that says back what it hears."""

    async def begin(self, **groups: Any) -> WebSocketHTTPServer:
        """Start it."""
        self.server = server = WebSocketHTTPServer(
            bindings=["tcp:0:interface=127.0.0.1"], **{"fallback": FallbackOptions(), **groups}
        )
        self.told: list[Any] = []
        self.ended: Deferred[Any] = Deferred()
        server.on_message(lambda connection, text: connection.write_data(text))
        server.on_binary(lambda connection, data: connection.write_data(data))
        server.on_connect(lambda connection: self.told.append(connection.headers.get("last-event-id")))
        server.on_error(lambda connection, error: self.told.append(error.code))

        @server.on_disconnect
        def gone(connection: Any, code: int, reason: str) -> None:
            self.told.append((code, reason))
            if not self.ended.called:
                self.ended.callback(code)

        await self.serve(server)
        return server

    def end(self, code: int, reason: str = "") -> None:
        """Close every stream, from whichever thread."""
        for connection in self.server.connections.values():
            connection.close(code, reason)


def with_browser(test: Callable[[Any, Browser], None]) -> Callable[[Any], Any]:
    """Run a test in a thread, with a browser that is ended afterwards."""

    async def run(self: Any) -> None:
        await self.begin()
        browser = await deferToThread(Browser)
        self.addCleanup(deferToThread, browser.quit)
        await deferToThread(test, self, browser)

    run.__doc__ = test.__doc__
    return run


class BrowserTests(StreamCase):
    """What a page makes of it."""

    skip = missing()
    timeout = 240

    async def begin(self, **groups: Any) -> WebSocketHTTPServer:
        """Start a server with an empty page."""
        server = await super().begin(**groups)

        @server.on_command_get
        def page(request: Any, response: Any) -> Reject | None:
            response.text = "<!doctype html><title>page</title>"
            return None if request.path == "/" else Reject(404)

        return server

    def heard(self, page: Page) -> list[tuple[str, Any]]:
        """Return what a page has heard."""
        return [(name, data) for name, data in page.run("return heard")]

    def opened(self, page: Page) -> dict[str, str]:
        """Wait for the first event, and return what it told."""
        events = page.wait(lambda: [data for name, data in self.heard(page) if name == "opened"])
        told: dict[str, str] = json.loads(events[-1])
        return told

    @with_browser
    def test_both_ways(self, browser: Browser) -> None:
        """Text of many lines and any language, and bytes, arrive both ways; the goodbye arrives, too."""
        page = Page(browser, self.url())
        page.run(LISTEN, PATH)
        self.opened(page)
        texts = ["hello", "", "two\nlines\n", "ä 𝄞 \u2028 \ufeff :x", " data: x", "x" * 200_000]
        for text in texts:
            self.assertEqual(page.driver.execute_async_script(SAY, list(text.encode()), "text/plain"), 204)
        octets = list(range(256))
        self.assertEqual(page.driver.execute_async_script(SAY, octets, "application/octet-stream"), 204)
        heard = page.wait(lambda: self.heard(page)[1:], lambda found: len(found) == len(texts) + 1)
        self.assertEqual([data for name, data in heard if name == "message"], texts)
        page.run("window.bytes = [...atob(heard.at(-1)[1])].map((character) => character.charCodeAt(0))")
        self.assertEqual(page.run("return bytes"), octets)
        self.end(4000, "bye ä")
        closed = page.wait(lambda: [data for name, data in self.heard(page) if name == "closed"])
        self.assertEqual([json.loads(data) for data in closed], [{"code": 4000, "reason": "bye ä"}])

    @with_browser
    def test_coming_back(self, browser: Browser) -> None:
        """A page that does not say otherwise comes back, says who it was, and leaves without a word."""
        page = Page(browser, self.url())
        page.run(LISTEN, PATH)
        first = self.opened(page)
        self.end(1001)
        page.wait(lambda: [name for name, _ in self.heard(page)].count("opened"), (2).__eq__)
        self.assertNotEqual(self.opened(page)["guid"], first["guid"])
        page.run("events.close()")
        page.wait(lambda: list(self.told), lambda told: len(told) == 4)
        self.assertEqual(self.told, [None, (1001, ""), first["guid"], (1006, "")])

    @with_browser
    def test_another_origin(self, browser: Browser) -> None:
        """A page of another origin gets no stream, whether it wants to read it or not, and cannot post."""
        page = Page(browser, f"http://localhost:{self.port}/")
        url = self.url(PATH)
        page.run(LISTEN, url)
        page.wait(lambda: self.heard(page))
        self.assertEqual(page.run("return events.readyState"), 2)
        self.assertEqual(self.told, [403])
        for options in (
            {"mode": "no-cors", "headers": ASK},
            {"method": "POST", "body": "x", "mode": "no-cors"},
            {"method": "POST", "body": "x", "headers": {"Sgcws-Secret": "x"}},
        ):
            page.driver.execute_async_script(FETCH, url, options)
        self.assertEqual(set(self.told), {403})


class ExampleTests(Served):
    """The program of the how-to page, in a browser."""

    skip = missing()
    timeout = 240

    async def test_page(self) -> None:
        """Its page shows what others say, and says what is typed."""
        await self.serve(load(DOCS / "howto" / "server_sent_events.py").server)
        browser = await deferToThread(Browser)
        self.addCleanup(deferToThread, browser.quit)

        def talk() -> None:
            one, other = Page(browser, self.url()), Page(browser, self.url())
            for page in (one, other):
                page.wait(lambda page=page: page.run("return document.querySelector('pre') !== null"))
            one.wait(lambda: len(self.connections()), (2).__eq__)
            one.run("document.querySelector('input').focus()")
            one.press("hello", "\ue007")
            shown = "return document.querySelector('pre').textContent"
            for page in (one, other):
                page.wait(lambda page=page: page.run(shown), "hello\n".__eq__)
            one.run("send(new Uint8Array([1, 255]), 'application/octet-stream')")
            other.wait(lambda: other.run(shown), "hello\n2 bytes: 1,255\n".__eq__)

        await deferToThread(talk)

    async def serve(self, server: WebSocketHTTPServer) -> None:
        """Start it."""
        self.connections = lambda: server.connections
        await super().serve(server)


class SocketTests(StreamCase):
    """Clients without a browser."""

    async def test_stop(self) -> None:
        """A stop tells each stream why, and ends it."""
        server = await self.begin()
        clients = await deferToThread(lambda: [Client(self.port) for _ in range(3)])
        await server.stop()

        def read() -> None:
            for client in clients:
                self.assertEqual(json.loads(client.next().data)["code"], 1001)
                self.assertRaises(EOFError, client.next)
                client.close()

        await deferToThread(read)
        self.assertEqual([told for told in self.told if told is not None], [(1001, "going away")] * 3)

    async def test_leaving(self) -> None:
        """A client that goes is told of at once."""
        await self.begin()
        client = await deferToThread(Client, self.port)
        client.close()
        self.assertEqual(await self.ended, 1006)

    async def test_many_messages(self) -> None:
        """Nothing of much is lost or mixed up."""
        await self.begin()

        def talk() -> None:
            client = Client(self.port)
            for number in range(300):
                self.assertEqual(client.post(f"{number}\n"), 204)
            self.assertEqual([client.next().data for _ in range(300)], [f"{number}\n" for number in range(300)])
            client.close()

        await deferToThread(talk)
        await self.ended

    async def test_tls(self) -> None:
        """Over TLS it is the same, for large messages and the end as well."""
        server = await self.begin(tls=tls_files(self.mktemp()))

        def talk() -> None:
            client = Client(self.port, secure=True)
            for text in ("a\nb", "x" * 300_000):
                self.assertEqual(client.post(text), 204)
                self.assertEqual(client.next().data, text)
            self.end(1000, "bye")
            self.assertEqual(json.loads(client.next().data), {"code": 1000, "reason": "bye"})
            self.assertRaises(EOFError, client.next)
            client.close()

        await deferToThread(talk)
        self.assertEqual(await self.ended, 1000)
        self.assertEqual(len(server.connections), 0)

    async def test_too_big(self) -> None:
        """A client that waits for leave to send is told before it sends; the stream goes on."""
        await self.begin(websocket=WebSocketOptions(max_message_size=100_000))

        def talk() -> None:
            client = Client(self.port)
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as peer, peer.makefile("rb") as answer:
                peer.sendall(
                    f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nSgcws-Connection: {client.opened['guid']}\r\n"
                    f"Sgcws-Secret: {client.opened['secret']}\r\nContent-Type: text/plain\r\n"
                    "Expect: 100-continue\r\nContent-Length: 10000000000\r\n\r\n".encode()
                )
                self.assertTrue(answer.readline().startswith(b"HTTP/1.1 413 "))
            self.assertEqual(client.post("x" * 100_000), 204)
            self.assertEqual(client.next().data, "x" * 100_000)
            client.close()

        await deferToThread(talk)
        await self.ended
        self.assertIn(413, self.told)

    async def test_client_that_never_reads(self) -> None:
        """What waits for it is bounded, and it is closed with 1008."""
        limit = 1024**2
        server = await self.begin(websocket=WebSocketOptions(outgoing=SlowClientPolicy(limit=limit), close_timeout=0.5))

        def connect() -> socket.socket:
            peer = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            peer.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
            self.assertTrue(peer.recv(12, socket.MSG_PEEK))
            return peer

        peer = await deferToThread(connect)
        self.addCleanup(peer.close)
        (connection,) = server.connections.values()
        most = 0
        for _ in range(1000):
            if not connection.write_data("x" * 64 * 1024):
                break
            most = max(most, connection.buffered)
        self.assertLessEqual(most, limit + 256 * 1024)
        self.assertEqual(await self.ended, 1008)
        self.assertEqual(len(server.connections), 0)

    async def test_curl(self) -> None:
        """curl shows the stream as it comes, and posts."""
        await self.begin()
        curl = shutil.which("curl")
        if curl is None:
            self.skipTest("curl not found")

        def talk() -> None:
            command = [curl, "-sN", "--max-time", "20", "-H", "Accept: text/event-stream", self.url(PATH)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                lines = iter(process.stdout.readline, b"")
                head = [next(lines) for _ in range(5)]
                self.assertEqual(head[0], b"retry: 3000\n")
                opened = json.loads(head[3].removeprefix(b"data: "))
                who = [f"-HSgcws-Connection: {opened['guid']}", f"-HSgcws-Secret: {opened['secret']}"]
                post = [curl, "-s", "-w", "%{http_code}", "--max-time", "20", *who, "-HContent-Type: text/plain"]
                answer = subprocess.check_output([*post, "--data-binary", "a\nb", self.url(PATH)])
                self.assertEqual(answer, b"204")
                self.assertEqual([next(lines) for _ in range(3)], [b"data: a\n", b"data: b\n", b"\n"])
                self.end(1000)
                rest = list(lines)
                self.assertEqual(rest[0], b"event: closed\n")
                self.assertEqual(process.wait(PATIENCE), 0)

        await deferToThread(talk)
        self.assertEqual(await self.ended, 1000)
