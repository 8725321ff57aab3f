"""Each step of the tutorial does what its page says."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from . import browser
from .pages import DOCS, Served, fetch, hear, load
from .program import TWISTD, Program, connected

TUTORIAL = DOCS / "tutorial"


class PageTests(SynchronousTestCase):
    """The page itself."""

    def test_every_file_is_shown_and_tested(self) -> None:
        """Each step is on the page, and has a test here."""
        page = (TUTORIAL / "index.rst").read_text("utf-8")
        steps = [path.name for path in sorted(TUTORIAL.glob("step_*.py"))]
        self.assertEqual(re.findall(r"literalinclude:: (step_\d\.py)", page), steps)
        self.assertEqual([name for name in steps if not hasattr(StepTests, f"test_{name.removesuffix('.py')}")], [])

    def test_emphasized_lines(self) -> None:
        """What is emphasized in a step are the lines that were not in the step before."""
        page = (TUTORIAL / "index.rst").read_text("utf-8")
        pattern = r"literalinclude:: (step_\d\.py)\n   :emphasize-lines: ([\d,-]+)"
        for name, ranges in re.findall(pattern, page):
            number = int(name[5])
            before = (TUTORIAL / f"step_{number - 1}.py").read_text("utf-8").splitlines()
            lines = (TUTORIAL / name).read_text("utf-8").splitlines()
            for first, _, last in (each.partition("-") for each in ranges.split(",")):
                shown = lines[int(first) - 1 : int(last or first)]
                self.assertTrue(set(shown) - set(before), (name, shown))


class StepTests(Served):
    """The steps, one after the other."""

    async def step(self, number: int, talk: Callable[[], None]) -> None:
        """Serve a step, and talk to it."""
        await self.serve(load(TUTORIAL / f"step_{number}.py").server)
        await deferToThread(talk)

    async def test_step_1(self) -> None:
        """The page says hello and the visitor's address."""
        await self.step(1, lambda: self.assertEqual(fetch(self.url()), "<h1>hello, 127.0.0.1</h1>"))

    async def test_step_2(self) -> None:
        """A message is answered, and the tester is there."""

        def talk() -> None:
            with self.websocket() as client:
                client.send("hello")
                self.assertEqual(hear(client), "you said: hello")
            self.assertIn("<title>", fetch(self.url("/sgcws.html")))

        await self.step(2, talk)

    async def test_step_3(self) -> None:
        """A message reaches everybody, the sender too."""

        def talk() -> None:
            with self.websocket() as ann, self.websocket() as bob:
                ann.send("hello")
                self.assertEqual([hear(ann), hear(bob)], ["hello", "hello"])

        await self.step(3, talk)

    def talk_with_names(self) -> None:
        """Talk as the page of step 4 says."""
        with self.websocket() as ann:
            with self.websocket() as bob:
                ann.send(" Ann ")
                self.assertEqual([hear(ann), hear(bob)], ["Ann is here"] * 2)
                bob.send("Bob")
                self.assertEqual([hear(ann), hear(bob)], ["Bob is here"] * 2)
                bob.send("hi")
                self.assertEqual([hear(ann), hear(bob)], ["Bob: hi"] * 2)
            self.assertEqual(hear(ann), "Bob has left")

    async def test_step_4(self) -> None:
        """The first message is a name, and who leaves is told of."""
        await self.step(4, self.talk_with_names)

    async def test_step_5(self) -> None:
        """It is the chat of step 4 with a page of its own, which brings its script along."""

        def talk() -> None:
            self.talk_with_names()
            self.assertIn("<title>My chat</title>", fetch(self.url()))
            self.assertIn("Client", fetch(self.url("/sgcws.js")))

        await self.step(5, talk)


class BrowserTests(Served):
    """The page of step 5 in a browser."""

    skip = browser.missing()

    async def test_two_windows(self) -> None:
        """Two windows talk, and both come back with their names when the server has restarted."""
        server = load(TUTORIAL / "step_5.py").server
        await self.serve(server)
        self.browser = await deferToThread(browser.Browser)
        self.addCleanup(deferToThread, self.browser.quit)
        pages = await deferToThread(self.talk)
        await server.stop()
        server.bindings = [f"tcp:{self.port}:interface=127.0.0.1"]
        await server.start()
        await deferToThread(self.come_back, pages)

    def talk(self) -> dict[str, browser.Page]:
        """Say a name and a line in each of two windows."""
        pages = {name: browser.Page(self.browser, self.url()) for name in ("Ann", "Bob")}
        for name, page in pages.items():
            self.say(page, name)
            self.see(page, f"{name} is here")
        self.say(pages["Ann"], "<b>hello</b>")
        for page in pages.values():
            self.see(page, "Ann: <b>hello</b>")
        return pages

    def come_back(self, pages: dict[str, browser.Page]) -> None:
        """See each window's name again, below what was said before."""
        for name, page in pages.items():
            self.see(page, f"{name} is here", after="Ann: <b>hello</b>")

    def say(self, page: browser.Page, text: str) -> None:
        """Write something, again until it is taken: the page may not be connected yet."""
        script = (
            "const input = document.getElementById('text');"
            "input.value = arguments[0]; input.form.requestSubmit(); return input.value;"
        )
        page.wait(lambda: page.run(script, text), "".__eq__)

    def see(self, page: browser.Page, line: str, after: str = "") -> None:
        """Wait until a line is there, below another one."""
        page.wait(lambda: self.lines(page), lambda lines: line in lines[(lines.index(after) if after else 0) :])

    def lines(self, page: browser.Page) -> list[str]:
        """Return what the page shows."""
        lines: list[str] = page.run("return Array.from(document.querySelectorAll('#lines li'), e => e.textContent)")
        return lines


class TwistdTests(SynchronousTestCase):
    """The last section."""

    def test_twistd(self) -> None:
        """``twistd sgcws --app step_5:server`` serves the chat, and stops when it is told to."""
        more = {"PYTHONDONTWRITEBYTECODE": "1"}
        arguments = ("--nodaemon", "--pidfile=", "sgcws", "--app", "step_5:server", "--port", "0")
        program = Program(self, *TWISTD, *arguments, path=Path(TUTORIAL), more=more)
        port = program.port()
        self.assertIn("<title>My chat</title>", fetch(f"http://127.0.0.1:{port}/"))
        with connected(f"ws://127.0.0.1:{port}/") as client:
            client.send("Ann")
            self.assertEqual(hear(client), "Ann is here")
        program.signal(signal.SIGTERM)
        self.assertEqual(program.ended(), -signal.SIGTERM, program.err)
