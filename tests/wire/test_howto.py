"""The programs of the how-to pages and of the reference do what their pages say."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
from pathlib import Path
from urllib.request import Request, urlopen

import attrs
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sgcws import WebSocketHTTPServer
from tests.tls import for_two_threads, issue, pem

from . import browser, peer
from .pages import DOCS, Served, fetch, hear, load
from .program import PATIENCE, TWISTD, Program, connected, free_port

HOWTO = DOCS / "howto"


class AllTests(SynchronousTestCase):
    """The folder."""

    def test_every_file_is_shown_and_tested(self) -> None:
        """Each program is on a page, and is named in the tests here or in those of the pages."""
        shown = "".join(path.read_text("utf-8") for path in DOCS.rglob("*.rst"))
        unit = Path(__file__).parent.parent / "unit" / "test_docs.py"
        tests = Path(__file__).read_text("utf-8") + unit.read_text("utf-8")
        for path in HOWTO.iterdir():
            if path.suffix not in (".rst", ".pas", ".service") and path.is_file():
                self.assertRegex(shown, rf"literalinclude:: (\.\./howto/)?{re.escape(path.name)}\n")
                self.assertIn(path.stem, tests)


class ServerTests(Served):
    """Programs with a server."""

    async def howto(self, name: str) -> WebSocketHTTPServer:
        """Serve one of the programs."""
        server = load(HOWTO / f"{name}.py").server
        assert isinstance(server, WebSocketHTTPServer)
        await self.serve(server)
        return server

    async def test_events(self) -> None:
        """Handlers of all three kinds are registered, and one is taken off."""
        await self.howto("events")

        def talk() -> None:
            self.assertEqual(fetch(self.url()), "<h1>later</h1>")
            with self.websocket() as client:
                client.send("nobody listens")
                client.send(b"abc")
                self.assertEqual(client.recv(timeout=PATIENCE), b"cba")

        await deferToThread(talk)

    async def test_channels(self) -> None:
        """A channel reaches who subscribed to it, and a mask all rooms but the one who speaks."""
        await self.howto("channels")

        def talk() -> None:
            with self.websocket() as ann, self.websocket() as bob:
                for client, room in ((ann, "Room 1"), (bob, "Room 2")):
                    client.send(f"enter: {room}")
                    client.send(f"who: {room}")
                    self.assertEqual(hear(client), f"1 in {room}")
                for line in ("subscribe: news", "subscribe: *", "news: rain", "all rooms: hello", "unsubscribe: news"):
                    ann.send(line)
                self.assertEqual((hear(ann), hear(bob)), ("rain", "hello"))
                for line in ("news: sun", "leave: Room 1", "who: Room 1"):
                    ann.send(line)
                self.assertEqual(hear(ann), "0 in Room 1")

        await deferToThread(talk)

    async def test_server_sent_events(self) -> None:
        """The page is there, and what is posted reaches those who listen to events, and WebSockets."""
        await self.howto("server_sent_events")

        def talk() -> None:
            self.assertIn("new EventSource(PATH)", fetch(self.url()))
            self.assertEqual(fetch(self.url("/other")), "404")
            events = Request(self.url("/sgcws/events"), headers={"Accept": "text/event-stream"})
            with urlopen(events, timeout=PATIENCE) as stream, self.websocket() as other:
                opened = json.loads([stream.readline() for _ in range(5)][3].removeprefix(b"data: "))
                who = {"Sgcws-Connection": opened["guid"], "Sgcws-Secret": opened["secret"]}
                message = Request(events.full_url, b"hello", {**who, "Content-Type": "text/plain"})
                with urlopen(message, timeout=PATIENCE) as answer:
                    self.assertEqual(answer.status, 204)
                self.assertEqual((hear(other), stream.readline()), ("hello", b"data: hello\n"))

        await deferToThread(talk)

    async def test_composing_resource(self) -> None:
        """A resource comes before the commands, and WebSockets go on beside both."""
        await self.howto("composing_resource")

        def talk() -> None:
            self.assertEqual(fetch(self.url("/status")), "fine")
            self.assertEqual(fetch(self.url("/other")), "no resource took /other")
            with self.websocket("/any") as client:
                client.send("hello")
                self.assertEqual(hear(client), "hello")

        await deferToThread(talk)

    async def test_composing_site(self) -> None:
        """The WebSocket works at one place of somebody's site, and ``stop`` says goodbye to its peers."""
        module = load(HOWTO / "composing_site.py")
        port = reactor.listenTCP(0, module.site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port

        def talk() -> None:
            self.assertEqual(fetch(self.url()), "<h1>our site</h1>")
            self.client = self.websocket("/ws")
            self.client.send("hello")
            self.assertEqual(hear(self.client), "hello")
            with self.assertRaises(InvalidStatus) as refused, self.websocket("/elsewhere"):
                pass
            self.assertEqual(refused.exception.response.status_code, 404)

        await deferToThread(talk)
        self.assertEqual(len(module.server.connections), 1)
        await module.server.stop()
        self.assertEqual(len(module.server.connections), 0)
        await deferToThread(self.client.close)
        self.assertEqual(self.client.close_code, 1001)

    async def test_raw_tcp(self) -> None:
        """A text protocol in lower case and one that waits for a greeting share the port with HTTP."""
        module = load(HOWTO / "raw_tcp.py")
        server = module.server
        server.bindings = ["tcp:0:interface=127.0.0.1"] * 2
        self.addCleanup(server.stop)
        await server.start()
        self.port, module.TALKS_FIRST = server.listening_ports

        def talk() -> None:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as peer, peer.makefile("rb") as answers:
                for piece in (b"hel", b"lo\r\nwor", b"ld\n"):
                    peer.sendall(piece)
                self.assertEqual([answers.readline() for _ in "ab"], [b"you said: hello\n", b"you said: world\n"])
                peer.sendall(b"x" * (module.LONGEST_LINE + 1))
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(answers.read(), b"")
            with socket.create_connection(("127.0.0.1", module.TALKS_FIRST), PATIENCE) as peer:
                self.assertEqual(peer.recv(100), b"hello\n")
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as peer:
                peer.sendall(b"\x00\x01")
                self.assertEqual(peer.recv(100), b"")
            self.assertEqual(fetch(self.url()), "404")

        await deferToThread(talk)

    async def test_slow_clients(self) -> None:
        """A slow peer gets the newest price of each name, and what does not fit is told."""
        module = load(HOWTO / "slow_clients.py")
        server, limit = module.server, module.policy.limit
        await self.serve(server)
        told: list[int] = []
        server.on_slow_client(lambda connection, dropped: told.append(dropped))
        feed = await deferToThread(self.websocket, "/feed")
        self.addCleanup(deferToThread, feed.close)
        (source,) = server.connections.values()
        slow = await peer.connect(self.port)

        # Nobody takes anything within one turn of the reactor.
        server.broadcast("much" * (limit // 8), exclude=[source.guid])
        for line in ("EURUSD 1.07", "GBPUSD 1.26", "EURUSD 1.08"):
            module.price(source, line)
        came = [await slow.came.get() for _ in range(3)]
        self.assertEqual([message[:11] for message in came], [b"muchmuchmuc", b"EURUSD 1.08", b"GBPUSD 1.26"])

        server.broadcast("much" * (limit // 8), exclude=[source.guid])
        for line in ("EURUSD 1.09" + "0" * (limit // 4), "GBPUSD 1.27" + "0" * (limit // 4), "USDJPY 155.1"):
            module.price(source, line)
        came = [await slow.came.get() for _ in range(3)]
        self.assertEqual([message[:11] for message in came], [b"muchmuchmuc", b"GBPUSD 1.27", b"USDJPY 155."])
        self.assertEqual(told, [1])
        slow.sendClose(1000)
        self.assertEqual(await slow.ended, 1000)

    async def test_big_transfer(self) -> None:
        """A file much larger than may wait arrives as one message, and an empty one does, too."""
        module = load(HOWTO / "big_transfer.py")
        await self.serve(module.server)
        module.FILE = Path(self.mktemp())
        for content in (bytes(range(256)) * 16 * 1024, b""):
            module.FILE.write_bytes(content)
            asking = await peer.connect(self.port)
            asking.say("send")
            self.assertEqual(await asking.came.get(), content)
            asking.sendClose(1000)
            self.assertEqual(await asking.ended, 1000)

    async def test_asking(self) -> None:
        """Who answers is told how far away they are."""
        await self.howto("asking")

        def talk() -> None:
            with self.websocket() as client:
                self.assertEqual(hear(client), "who are you?")
                client.send("Ann")
                self.assertRegex(hear(client), r"^hello Ann, \d+ ms away$")

        await deferToThread(talk)

    async def test_tls(self) -> None:
        """One binding speaks TLS, and the one beside it does not."""
        folder = Path(self.mktemp())
        folder.mkdir()
        made = issue()
        (folder / "fullchain.pem").write_bytes(pem(made.certificate))
        (folder / "privkey.pem").write_bytes(pem(made.key))
        trust = for_two_threads(ssl.create_default_context(cadata=pem(made.certificate).decode()))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        server = load(HOWTO / "tls.py").server
        self.assertEqual([binding.port for binding in server.bindings], [8443, 8080])
        server.bindings = [attrs.evolve(binding, host="127.0.0.1", port=0) for binding in server.bindings]
        self.addCleanup(server.stop)
        await server.start()

        def talk() -> None:
            for scheme, port, context in zip(("wss", "ws"), server.listening_ports, (trust, None), strict=True):
                with connect(f"{scheme}://127.0.0.1:{port}/", ssl=context, open_timeout=PATIENCE) as client:
                    client.send("hello")
                    self.assertEqual(hear(client), "hello")

        await deferToThread(talk)

    async def test_asyncio_awaiting(self) -> None:
        """A coroutine that awaits a Deferred answers on the reactor that is there."""
        await self.howto("asyncio_awaiting")

        def talk() -> None:
            with self.websocket() as client:
                client.send("hello")
                self.assertEqual(hear(client), "hello")

        await deferToThread(talk)

    async def test_threads(self) -> None:
        """A blocking handler answers, and a thread of one's own reaches everybody."""
        server = await self.howto("threads")
        module = load(HOWTO / "threads.py")
        module.server = server  # what its ``measure`` broadcasts to

        def talk() -> None:
            with self.websocket() as client:
                client.send("hello")
                self.assertEqual(len(hear(client)), 64)
                module.measure()
                self.assertEqual(hear(client), "21.5 degrees")

        await deferToThread(talk)

    async def test_ported(self) -> None:
        """The ported server tells the others, and says goodbye."""
        await self.howto("ported")

        def talk() -> None:
            with self.websocket() as ann, self.websocket() as bob:
                self.assertEqual(hear(ann), "127.0.0.1 is here")
                bob.send("hi")
                self.assertEqual(hear(ann), "hi")
                self.assertEqual(fetch(self.url("/count")), "2")
                self.assertEqual(fetch(self.url("/other")), "404")
                bob.send("bye")
                self.assertEqual(hear(ann), "127.0.0.1 has left (1000)")
                bob.close()
                self.assertEqual((bob.close_code, bob.close_reason), (1000, "bye"))

        await deferToThread(talk)

    async def test_origins(self) -> None:
        """Listed origins may connect, others get 403, and programs are let in."""
        await self.howto("origins")

        def status(origin: str) -> int:
            try:
                with self.websocket(Origin=origin):
                    return 101
            except InvalidStatus as error:
                return error.response.status_code

        def talk() -> None:
            for origin in ("https://chat.example.com", "https://a.example.org"):
                self.assertEqual(status(origin), 101)
            for origin in ("https://chat.example.com.evil.test", "https://a.b.example.org", "https://example.org"):
                self.assertEqual(status(origin), 403)
            with self.websocket():
                pass

        await deferToThread(talk)


class BrowserTests(Served):
    """The page of the reference."""

    skip = browser.missing()

    async def test_page(self) -> None:
        """``page.html`` sends a message and shows the answer."""
        server = WebSocketHTTPServer()

        @server.on_message
        def echo(connection: object, text: str) -> None:
            connection.write_data(text)  # type: ignore[attr-defined]

        @server.on_command_get
        def page(request: object, response: object) -> None:
            response.text = (HOWTO / "page.html").read_text("utf-8")  # type: ignore[attr-defined]

        await self.serve(server)
        self.browser = await deferToThread(browser.Browser)
        self.addCleanup(deferToThread, self.browser.quit)
        await deferToThread(self.look)

    def look(self) -> None:
        """Look at the answer."""
        shown = browser.Page(self.browser, self.url())
        shown.wait(lambda: shown.text("answer"), "hello".__eq__)


class ReadmeTests(SynchronousTestCase):
    """The program in README.rst."""

    def test_it_runs_when_pasted(self) -> None:
        """Its twelve lines greet a browser and echo messages."""
        source = (DOCS.parent / "README.rst").read_text("utf-8").partition(".. code-block:: python\n\n")[2]
        lines = [line[4:] for line in source.partition("\n\nThe same server")[0].splitlines()]
        self.assertEqual(len(lines), 12)
        pasted = "\n".join(lines).replace("port=8080", "port=0")
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        program = Program(self, "-c", pasted, path=path)
        port = program.port()
        with connected(f"ws://127.0.0.1:{port}/") as client:
            client.send("hi")
            self.assertEqual(hear(client), "hi")
        self.assertEqual(fetch(f"http://127.0.0.1:{port}/"), "<h1>hello, 127.0.0.1</h1>")
        program.signal(signal.SIGINT)
        self.assertEqual(program.ended(), 0, program.err)


class ProgramTests(SynchronousTestCase):
    """Programs in processes of their own."""

    def program(self, *arguments: str) -> Program:
        """Start Python in the folder."""
        return Program(self, *arguments, path=HOWTO, more={"PYTHONDONTWRITEBYTECODE": "1"})

    def test_in_thread(self) -> None:
        """``in_thread`` serves beside a program that reads its input, and ends with it."""
        program = self.program("-c", "import in_thread; in_thread.main(0)")
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            client.send("echo")
            self.assertEqual(hear(client), "echo")
            program.type("from the shell")
            self.assertEqual(hear(client), "from the shell")
            program.says("heard by 1")
        program.close_input()
        self.assertEqual(program.ended(), 0, program.err)
        self.assertIn("stopped", program.out)

    def changed(self, name: str, instead: dict[str, str]) -> str:
        """Return a program with other words in some places."""
        source = (HOWTO / f"{name}.py").read_text("utf-8")
        for old, new in instead.items():
            self.assertIn(old, source)
            source = source.replace(old, new)
        return source

    def test_asyncio_reactor(self) -> None:
        """``asyncio_reactor`` waits for asyncio as a program, and under twistd with the same reactor."""
        twistd = (*TWISTD, "--nodaemon", "--pidfile=", "--reactor", "asyncio", "sgcws", "--port", "0")
        ways = (
            ("-c", self.changed("asyncio_reactor", {"port=8080": "port=0"})),
            (*twistd, "--app", "asyncio_reactor:make_server"),
        )
        for arguments in ways:
            program = self.program(*arguments)
            with connected(f"ws://127.0.0.1:{program.port()}/") as client:
                client.send("now?")
                self.assertEqual(hear(client), "21.5 degrees")

    def test_composing_site(self) -> None:
        """``composing_site`` serves as a program, and says goodbye when it is ended."""
        port = free_port()
        program = self.program("-c", self.changed("composing_site", {"8080": str(port)}))
        with connected(f"ws://127.0.0.1:{port}/ws") as client:
            client.send("hello")
            self.assertEqual(hear(client), "hello")
            program.signal(signal.SIGINT)
            self.assertEqual(program.ended(), 0, program.err)
            client.close()
            self.assertEqual(client.close_code, 1001)

    def test_raw_tcp_client(self) -> None:
        """``raw_tcp_client`` prints what its page shows."""
        server = self.program("-c", self.changed("raw_tcp", {"tcp:8080": "tcp:0", "= 7000": "= 0"}))
        client = self.program("-c", self.changed("raw_tcp_client", {"8080": str(server.port())}))
        self.assertEqual(client.ended(), 0, client.err)
        shown = (HOWTO / "raw_tcp.rst").read_text("utf-8").partition("python raw_tcp_client.py\n")[2]
        self.assertEqual(client.out.split(), shown.split())

    def test_chat_tac(self) -> None:
        """``chat.tac`` serves under twistd."""
        application = (HOWTO / "chat.tac").read_text("utf-8").replace("port=8080", "port=0")
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        (path / "chat.tac").write_text(application, "utf-8")
        program = Program(self, *TWISTD, "--nodaemon", "--pidfile=", "--python", "chat.tac", path=path)
        with connected(f"ws://127.0.0.1:{program.port()}/") as client:
            client.send("hello")
            self.assertEqual(hear(client), "hello")
        program.signal(signal.SIGTERM)
        self.assertEqual(program.ended(), -signal.SIGTERM, program.err)

    def test_tests(self) -> None:
        """``test_shout`` and ``test_handler``, the tests that the page on testing shows, pass."""
        folder = str(Path(self.mktemp()).absolute())
        program = self.program("-m", "twisted.trial", f"--temp-directory={folder}", "test_shout", "test_handler")
        self.assertEqual(program.ended(), 0, program.out + program.err)
        self.assertIn("successes=4", program.out)
