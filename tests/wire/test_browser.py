"""The built-in pages in a real browser, against a real server on one port."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from websockets.sync.client import ClientConnection, connect

from sgcws import WebSocketHTTPServer, chat
from sgcws.chat import chat_server

from .browser import PATIENCE, Browser, ChatPage, Page, missing

OFFLINE = "WebSocket connection to"
"""How a browser's complaint begins about a server that is away."""


def free_port() -> int:
    """Return a port that nobody listens on: a server that comes back has to have the same."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port


def blocking(test: Callable[[Any], None]) -> Callable[[Any], Any]:
    """Run a test in a thread, where a browser may be waited for, with a browser that is ended afterwards."""

    async def run(self: Any) -> None:
        self.browser = await deferToThread(Browser)
        self.addCleanup(deferToThread, self.browser.quit)
        await deferToThread(test, self)

    run.__doc__ = test.__doc__
    return run


class BrowserCase(TestCase):
    """A server in this process's reactor, and a browser driven from a thread."""

    timeout = 240
    skip = missing()
    browser: Browser

    async def setUp(self) -> None:  # type: ignore[override]
        """Start a server."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = self.make_server()
        await self.server.start()

    def make_server(self) -> WebSocketHTTPServer:
        """Return a server that is stopped afterwards."""
        server = chat_server()
        server.bindings = (f"tcp:{self.port}:interface=127.0.0.1",)
        self.addCleanup(server.stop)
        return server

    def chat(self, name: str) -> ChatPage:
        """Return the page of somebody who has joined."""
        page = ChatPage(self.browser, self.url)
        page.join(name)
        return page

    def line_client(self, name: str, **values: str) -> ClientConnection:
        """Return a client without a browser who has joined."""
        opening = connect(f"ws://127.0.0.1:{self.port}/chat", open_timeout=PATIENCE, close_timeout=PATIENCE)
        client = opening.__enter__()
        self.addCleanup(deferToThread, opening.__exit__, None, None, None)
        client.send(json.dumps({"type": "join", "name": name, **values}))
        self.assertEqual(self.hear(client)["type"], "welcome")
        return client

    def hear(self, client: ClientConnection) -> Any:
        """Return the next message of such a client."""
        return json.loads(client.recv(timeout=PATIENCE))

    def assert_shown(self, pages: list[ChatPage], lines: list[tuple[str, str]]) -> None:
        """Check that each page shows these lines and no others, and that none waits to be sent."""
        for page in pages:
            page.wait(page.lines, lines.__eq__)
            page.wait(page.unsent, [].__eq__)

    def assert_no_complaint(self, but: str | None = None) -> None:
        """Check that no page has put anything into the console, except perhaps one kind of thing."""
        found = [text for text in self.browser.complaints() if but is None or but not in text]
        self.assertEqual(found, [])


class ChatPageTests(BrowserCase):
    """People in pages, and elsewhere, talk to each other."""

    @blocking
    def test_conversation(self) -> None:
        """Two pages and a command-line client see each other's names, lines, comings and goings."""
        ann = self.chat("Ann")
        ann.enter("first")
        self.assert_shown([ann], [("Ann", "first")])
        bob = self.chat("Bob")
        self.assert_shown([bob], [("Ann", "first")])
        carl = self.line_client("Carl")
        for page in (ann, bob):
            page.wait(page.people, ["Ann", "Bob", "Carl"].__eq__)
        greeting = "Grüß dich, <b>Ann</b> & \N{WAVING HAND SIGN}"
        bob.enter(greeting)
        self.assertEqual(self.hear(carl)["text"], greeting)
        carl.send(json.dumps({"type": "say", "text": "from a command line"}))
        self.assert_shown([ann, bob], [("Ann", "first"), ("Bob", greeting), ("Carl", "from a command line")])
        carl.close()
        ann.wait(ann.people, ["Ann", "Bob"].__eq__)
        self.assertEqual(ann.wait(ann.notes, lambda notes: len(notes) == 3), ["Bob joined", "Carl joined", "Carl left"])
        self.assert_no_complaint()

    @blocking
    def test_turned_text(self) -> None:
        """A line that turns its direction leaves the time beside it as it is; a name is kept apart from its note."""
        ann = self.chat("Ann")
        carl = self.line_client("\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}")
        carl.send(json.dumps({"type": "say", "text": "\N{RIGHT-TO-LEFT OVERRIDE}turned"}))
        ann.wait(ann.lines, lambda lines: len(lines) == 1)
        places = ann.run(
            "const text = document.querySelector('.line time').firstChild;"
            "return Array.from(text.data, (_, index) => {"
            "  const range = document.createRange();"
            "  range.setStart(text, index); range.setEnd(text, index + 1);"
            "  return range.getBoundingClientRect().left; })"
        )
        self.assertEqual(places, sorted(places))
        self.assertEqual(ann.run("return getComputedStyle(document.querySelector('.note bdi')).unicodeBidi"), "isolate")
        self.assert_no_complaint()

    @blocking
    def test_refusals(self) -> None:
        """A name that is taken and a line that is not allowed are said so; then it goes on."""
        self.line_client("Bob")
        page = ChatPage(self.browser, self.url)
        page.enter("bob")
        page.wait(lambda: page.text("name-error"))
        page.wait(page.focused, "name".__eq__)
        page.join("Ann")
        page.enter("\x9b not allowed")
        page.wait(lambda: page.text("text-error"))
        page.enter("allowed")
        self.assert_shown([page], [("Ann", "allowed")])
        self.assert_no_complaint()

    @blocking
    def test_one_line(self) -> None:
        """A line is one line: the keyboard makes no breaks, those of the clipboard become spaces, length wraps."""
        page = self.chat("Ann")
        page.press("first")
        page.press_shift_enter()
        page.paste(" and\r\nsecond\n\tthird")
        page.press(" end")
        page.press_enter()
        self.assert_shown([page], [("Ann", "first and second third end")])
        page.paste("many words " * 60)
        self.assertGreater(page.run("return text.clientHeight"), 100)
        self.assertTrue(page.run("return text.scrollWidth <= text.clientWidth"))

    @blocking
    def test_too_fast(self) -> None:
        """Lines that wait for a connection and then are too many at once stay, to be sent again or discarded."""
        self.patch(chat, "BURST", 2)
        self.patch(chat, "PERIOD", 3600.0)
        ann = self.chat("Ann")
        self.server.wait(self.server.stop(), PATIENCE)
        ann.wait(ann.status, "waiting".__eq__)
        for text in ("one", "two", "three", "four", "five"):
            ann.enter(text)
        self.server.wait(self.make_server().start(), PATIENCE)
        ann.wait(ann.lines, [("Ann", "one"), ("Ann", "two")].__eq__)
        ann.wait(ann.choices, lambda count: count == 3)
        self.assertEqual(ann.unsent(), ["three", "four", "five"])
        self.assertIn("Wait", ann.text("text-error"))
        ann.wait(ann.below, lambda pixels: pixels < 2)
        self.patch(chat, "PERIOD", 0.0)
        ann.choose("Discard", "four")
        ann.choose("Send again", "five")
        ann.wait(ann.unsent, ["three"].__eq__)
        ann.choose("Send again", "three")
        self.assert_shown([ann], [("Ann", text) for text in ("one", "two", "five", "three")])
        self.assert_no_complaint(but=OFFLINE)

    @blocking
    def test_full(self) -> None:
        """A full room is said so, and trying again later works."""
        self.patch(chat, "MOST_PEOPLE", 1)
        carl = self.line_client("Carl")
        page = ChatPage(self.browser, self.url)
        page.enter("Ann")
        self.assertIn("full", page.wait(lambda: page.text("name-error")))
        carl.close()
        page.join("Ann")
        self.assertEqual(page.wait(page.people), ["Ann"])
        self.assert_no_complaint()

    @blocking
    def test_day(self) -> None:
        """The heading of a day stands above all of that day, also above who came before the first line."""
        ann = self.chat("Ann")
        self.line_client("Carl")
        ann.wait(ann.notes, ["Carl joined"].__eq__)
        ann.enter("first")
        self.assert_shown([ann], [("Ann", "first")])
        self.assertEqual(ann.order(), ["day", "note", "line"])

    @blocking
    def test_restart(self) -> None:
        """Pages come back by themselves after a restart of the server; nothing is lost, nothing is doubled."""
        pages = ann, bob = [self.chat("Ann"), self.chat("Bob")]
        ann.enter("before")
        self.assert_shown(pages, [("Ann", "before")])
        self.server.wait(self.server.restart(), PATIENCE)
        for page in pages:
            page.wait(page.status, "open".__eq__)
            page.wait(page.people, lambda people: sorted(people) == ["Ann", "Bob"])
        lines = [("Ann", "before")]
        for page, name in ((bob, "Bob"), (ann, "Ann")):
            page.enter("after")
            lines.append((name, "after"))
            self.assert_shown(pages, lines)
        self.assert_no_complaint(but=OFFLINE)

    @blocking
    def test_another_server(self) -> None:
        """A page goes on with a new server at the same address; a line written meanwhile arrives, once."""
        ann = self.chat("Ann")
        ann.enter("before")
        self.assert_shown([ann], [("Ann", "before")])
        self.server.wait(self.server.stop(), PATIENCE)
        ann.wait(ann.status, "waiting".__eq__)
        ann.enter("meanwhile")
        ann.wait(ann.unsent, ["meanwhile"].__eq__)
        self.server.wait(self.make_server().start(), PATIENCE)
        self.assert_shown([ann], [("Ann", "before"), ("Ann", "meanwhile")])
        ann.enter("after")
        self.assert_shown([ann], [("Ann", "before"), ("Ann", "meanwhile"), ("Ann", "after")])
        self.assertIn("The server restarted", ann.notes())
        self.assertEqual(ann.people(), ["Ann"])
        self.assert_no_complaint(but=OFFLINE)

    @blocking
    def test_taken_over(self) -> None:
        """A page whose person goes on elsewhere says so, and does not come back to take the name again."""
        ann = self.chat("Ann")
        other = self.line_client("Ann", token=ann.token())
        self.assertIn("Ann", ann.wait(lambda: ann.text("name-error")))
        self.assertEqual((ann.status(), ann.visible("join-view")), ("closed", True))
        other.send(json.dumps({"type": "say", "text": "here now"}))
        self.assertEqual(self.hear(other)["text"], "here now")

    @blocking
    def test_coming_back(self) -> None:
        """Loading the page anew brings its person back, with what was said; leaving and another name work too."""
        ann = self.chat("Ann")
        ann.enter("first")
        self.assert_shown([ann], [("Ann", "first")])
        ann.driver.refresh()
        ann.wait(lambda: ann.visible("chat-view"))
        self.assert_shown([ann], [("Ann", "first")])
        ann.run("document.getElementById('leave').click()")
        ann.wait(ann.focused, "name".__eq__)
        ann.join("Zoë")
        self.assertEqual(ann.wait(ann.people), ["Zoë"])
        self.assert_no_complaint()


    @blocking
    def test_link_away(self) -> None:
        """Who follows a link away has left at once; Back brings the same page back, with no line lost or doubled."""
        ann, bob = self.chat("Ann"), self.chat("Bob")
        ann.enter("before")
        self.assert_shown([ann, bob], [("Ann", "before")])
        bob.run("window.kept = true")
        bob.follow("a.brand")
        ann.wait(ann.people, ["Ann"].__eq__)
        self.assertEqual(ann.notes(), ["Bob joined", "Bob left"])
        ann.enter("meanwhile")
        self.assert_shown([ann], [("Ann", "before"), ("Ann", "meanwhile")])
        bob.driver.back()
        bob.wait(lambda: bob.run("return window.kept ?? false"))
        bob.wait(bob.status, "open".__eq__)
        ann.wait(ann.people, ["Ann", "Bob"].__eq__)
        self.assert_shown([ann, bob], [("Ann", "before"), ("Ann", "meanwhile")])
        bob.run("document.getElementById('text').focus()")
        bob.enter("back")
        self.assert_shown([ann, bob], [("Ann", "before"), ("Ann", "meanwhile"), ("Bob", "back")])
        self.assert_no_complaint()


class OtherPageTests(BrowserCase):
    """The index and the tester."""

    @blocking
    def test_tester_link_away(self) -> None:
        """Who follows a link away from the tester is not connected any more, and finds that said on coming back."""
        page = Page(self.browser, f"{self.url}/sgcws.html")
        page.run("document.getElementById('path').focus()")
        page.enter("/chat")
        page.wait(page.status, "open".__eq__)
        page.run("window.kept = true; document.getElementById('text').select()")
        page.paste(json.dumps({"type": "join", "name": "Ann"}))
        page.run("document.getElementById('send-text').click()")
        page.wait(lambda: len(_rows(page)), lambda count: count == 4)
        carl = self.line_client("Carl")
        page.follow("a.brand")
        self.assertEqual(self.hear(carl)["type"], "left")
        page.driver.back()
        page.wait(lambda: page.run("return window.kept ?? false"))
        self.assertEqual(page.status(), "closed")
        self.assertEqual(_rows(page)[-1][2], "Left the connection")
        self.assert_no_complaint()

    @blocking
    def test_tester(self) -> None:
        """The tester sends text and bytes and shows what comes back, by keyboard too; who reads old entries stays."""
        page = Page(self.browser, f"{self.url}/sgcws.html")
        page.run("document.getElementById('path').focus()")
        page.enter("/echo")
        page.wait(page.status, "open".__eq__)
        for kind, content in (("text", "Hello"), ("binary", "00 ff 10")):
            page.run(f"document.getElementById('send-{kind}').click()")
            exchange = [["out", kind, content], ["in", kind, content]]
            page.wait(lambda: _rows(page)[-2:], exchange.__eq__)
        page.run("document.getElementById('measure').click()")
        self.assertIn("ms", page.wait(lambda: page.text("trip")))
        before = len(_rows(page))
        page.run("for (let i = 0; i < 200; i++) setTimeout(() => document.getElementById('send-text').click(), i)")
        page.wait(lambda: len(_rows(page)), lambda count: count == before + 400)
        page.wait(page.below, lambda pixels: pixels < 2)
        page.run("document.getElementById('scroll').scrollTop = 0; document.getElementById('send-text').click()")
        page.wait(lambda: len(_rows(page)), lambda count: count == before + 402)
        self.assertGreater(page.below(), 1000)
        page.run("document.getElementById('close').click()")
        page.wait(page.status, "closed".__eq__)
        self.assertIn("1000", _rows(page)[-1][2])
        self.assert_no_complaint()

    @blocking
    def test_index(self) -> None:
        """The index shows this server's address, and its links lead to the pages."""
        page = Page(self.browser, f"{self.url}/")
        self.assertIn(f"127.0.0.1:{self.port}", page.run("return document.body.textContent"))
        for link in page.run("return Array.from(document.querySelectorAll('.door'), link => link.href)"):
            page.driver.get(link)
            self.assertTrue(page.driver.title)
        self.assert_no_complaint()

    @blocking
    def test_policy(self) -> None:
        """A script that gets into a page does not run, and the console tells: so silence there means something."""
        for path in ("/", "/chat.html", "/sgcws.html"):
            page = Page(self.browser, self.url + path)
            self.assert_no_complaint()
            page.run("document.body.append(Object.assign(document.createElement('script'), {text: 'broken = 1'}))")
            page.wait(lambda: "Content Security Policy" in " ".join(self.browser.complaints()))
            self.assertIsNone(page.run("return window.broken ?? null"))


def _rows(page: Page) -> list[list[str]]:
    """Return direction, type and content of each row of the tester's record."""
    rows: list[list[str]] = page.run(
        "return Array.from(document.querySelectorAll('#rows tr'),"
        " row => [row.dataset.direction, row.dataset.type, row.querySelector('.content').textContent])"
    )
    return rows
