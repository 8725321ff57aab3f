"""Promises of `sgcws.http.root`: in which order a path is looked for."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from sgcws.http.root import Root
from sgcws.options import HTTPOptions
from tests.web import ServerTestCase, request, upgrade


class OrderTests(ServerTestCase):
    """A server that has something of each kind."""

    def setUp(self) -> None:
        """Start it with files that are called as what else there is."""
        folder = Path(self.mktemp())
        folder.mkdir()
        for name in ("file", "resource", "sgcws.js"):
            (folder / name).write_text("file")
        self.serve(http=HTTPOptions(document_root=os.fspath(folder), test_pages=True))
        self.server.root.putChild(b"resource", Data(b"resource", "text/plain"))

    def command(self, other: bool = False) -> None:
        """Answer commands."""
        self.events.on_command_get(lambda request, response: setattr(response, "text", "command"))
        if other:
            self.events.on_command_other(lambda request, response: setattr(response, "text", "other"))

    def test_resource_first(self) -> None:
        """What the application put there comes first."""
        self.command()
        self.assertEqual(self.ask(request("/resource")).body, b"resource")

    def test_files_next(self) -> None:
        """Then come files: one that exists never reaches the commands, and hides a page of its name."""
        self.command()
        for path in ("/file", "/sgcws.js"):
            self.assertEqual(self.ask(request(path)).header("Content-Length"), b"4")
            self.assertEqual(self.ask(request(path, method="POST")).status, 405)

    def test_pages_next(self) -> None:
        """Then come built-in pages."""
        self.command()
        self.assertIn(b"<html", self.ask(request("/chat.html")).body)
        self.assertEqual(self.ask(request("/chat.html", method="POST")).status, 405)

    def test_commands_next(self) -> None:
        """Then come commands, and then there is nothing."""
        self.assertEqual(self.ask(request("/x")).status, 404)
        self.command()
        self.assertEqual(self.ask(request("/x")).body, b"command")
        self.assertEqual(self.ask(request("/x", method="POST")).body, b"command")
        self.assertEqual(self.ask(request("/x", method="PUT")).status, 404)

    def test_index(self) -> None:
        """The built-in index is there until the application answers commands."""
        for path in ("/", "/index.html"):
            self.assertIn(b"<html", self.ask(request(path)).body)
        self.command()
        for path in ("/", "/index.html"):
            self.assertEqual(self.ask(request(path)).body, b"command")

    def test_other_methods(self) -> None:
        """Methods that store and delete go to their handler, whatever is there to be read."""
        for path in ("/file", "/chat.html", "/"):
            self.assertEqual(self.ask(request(path, method="PUT")).status, 405)
        self.command(other=True)
        for path in ("/file", "/chat.html", "/", "/x"):
            self.assertEqual(self.ask(request(path, method="PUT")).body, b"other")

    def test_upgrades(self) -> None:
        """An upgrade goes to the WebSocket, whatever file or page has that path, and whatever handlers there are."""
        self.command(other=True)
        for path in ("/", "/file", "/chat.html", "/x", "/%00", "//"):
            self.assertEqual(self.server.connect().open(path=path).status, 101, path)

    def test_upgrade_of_a_resource(self) -> None:
        """It goes to a resource that was put there, which may answer as it likes."""
        self.assertEqual(self.ask(upgrade(path="/resource")).body, b"resource")

    def test_upgrade_that_is_none(self) -> None:
        """In HTTP/1.0, by another method, or to something else, it is no upgrade to a WebSocket."""
        for data in (
            upgrade(path="/file", version="1.0"),
            upgrade("Upgrade: h2c", path="/file"),
            upgrade(path="/file", without=["Upgrade"]),
        ):
            self.assertEqual(self.ask(data).header("Content-Length"), b"4")
        self.assertEqual(self.ask(upgrade(path="/file", method="POST")).status, 405)


class CompositionTests(ServerTestCase):
    """The tree as a part of another one."""

    def test_in_another_site(self) -> None:
        """It is a resource that can stand anywhere in anybody's Site, and finds its paths from there."""
        self.serve(http=HTTPOptions(test_pages=True))
        self.events.on_command_get(lambda request, response: setattr(response, "text", request.path))
        self.events.on_message(lambda connection, text: connection.write_data(text))
        top, middle = Resource(), Resource()
        top.putChild(b"a", middle)
        middle.putChild(b"b", self.server.root)
        port = self.server.listen(Site(top, reactor=self.reactor))
        for path, body in (("/a/b", b"/a/b"), ("/a/b/", b"/a/b/"), ("/a/b/c/d", b"/a/b/c/d")):
            self.assertEqual(self.server.connect(port).ask(request(path)).body, body)
        self.assertIn(b"<html", self.server.connect(port).ask(request("/a/b/chat.html")).body)
        self.assertEqual(self.server.connect(port).ask(request("/chat.html")).status, 404)
        self.assertEqual(self.server.connect(port).ask(upgrade(path="/a/b/chat.html")).status, 101)
        self.assertEqual(self.server.connect(port).ask(upgrade(path="/a")).status, 405)

    def test_put_into(self) -> None:
        """Any resource can be put in, below another one as well."""
        middle = Resource()
        self.server.root.putChild(b"a", middle)
        middle.putChild(b"b", Data(b"there", "text/plain"))
        self.assertEqual(self.ask(request("/a/b")).body, b"there")

    def test_without_anything(self) -> None:
        """A tree that nobody furnished holds what was put in, and nothing else."""
        root = Root()
        root.putChild(b"a", Data(b"there", "text/plain"))
        port = self.server.listen(Site(root, reactor=self.reactor))
        self.assertEqual(self.server.connect(port).ask(request("/a")).body, b"there")
        self.assertEqual(self.server.connect(port).ask(request("/b")).status, 404)
