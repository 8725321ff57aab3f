"""Promises of `sgcws.http.pages`: the built-in pages and scripts."""

from __future__ import annotations

from importlib.resources import files

from sgcws.http.pages import TYPES, Pages
from sgcws.options import HTTPOptions
from sgcws.version import VERSION
from tests.web import ServerTestCase, request

PAGES = sorted(file.name for file in files("sgcws").joinpath("pages").iterdir() if file.name != "index.html")
SCRIPTS = ("sgcws.js", "sgcws.mjs", "sgcws.d.ts")


class PageTests(ServerTestCase):
    """Pages and scripts on the wire."""

    def setUp(self) -> None:
        """Start a server with the pages."""
        self.serve(http=HTTPOptions(test_pages=True))

    def test_all(self) -> None:
        """Every file of the package's folder is served, as what it is, byte by byte."""
        self.assertIn("chat.html", PAGES)
        for name in PAGES:
            answer = self.ask(request(f"/{name}"))
            self.assertEqual(answer.body, files("sgcws").joinpath("pages", name).read_bytes(), name)
            self.assertEqual(answer.header("Content-Type"), TYPES["." + name.rpartition(".")[2]].encode(), name)

    def test_no_stranger(self) -> None:
        """A file of another kind that lies in that folder stops nobody, and is not served."""
        folder = files("sgcws").joinpath("pages")
        names = [*folder.iterdir(), folder.joinpath("notes.txt~"), folder.joinpath("README")]
        self.patch(type(folder), "iterdir", lambda self: iter(names))
        pages = Pages(True, True, "x")
        self.assertIsNone(pages.find([b"notes.txt~"], index=True))
        self.assertIsNotNone(pages.find([b"chat.html"], index=True))

    def test_policy(self) -> None:
        """Every page may load from its own server alone, and its type is not guessed."""
        for path in ("/", "/chat.html", "/sgcws.js", "/style.css"):
            answer = self.ask(request(path))
            policy = (answer.header("Content-Security-Policy") or b"").decode().split("; ")
            self.assertIn("default-src 'none'", policy)
            self.assertIn("script-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertFalse([rule for rule in policy if "unsafe" in rule or "*" in rule])
            self.assertEqual(answer.header("X-Content-Type-Options"), b"nosniff")

    def test_index(self) -> None:
        """The index names the server, under both its paths."""
        for path in ("/", "/index.html"):
            answer = self.ask(request(path))
            self.assertEqual(answer.header("Content-Type"), b"text/html; charset=utf-8")
            self.assertIn(f"sgcws/{VERSION}".encode(), answer.body)
            self.assertNotIn(b"{{", answer.body)

    def test_index_is_no_place_for_markup(self) -> None:
        """What the options call the server is text, not markup."""
        self.serve(http=HTTPOptions(test_pages=True, server_header="<b>me</b>"))
        self.assertIn(b"&lt;b&gt;me&lt;/b&gt;", self.ask(request("/")).body)

    def test_known(self) -> None:
        """A browser that has the page is told so, without the page."""
        tag = (self.ask(request("/chat.html")).header("ETag") or b"").decode()
        for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = self.ask(request("/chat.html", f"If-None-Match: {given}"))
            self.assertEqual((answer.status, answer.body), (304, b""), given)
            self.assertEqual(answer.header("ETag"), tag.encode())
            self.assertIsNone(answer.header("Content-Length"))
        for given in ('"x"', tag.strip('"'), ""):
            self.assertEqual(self.ask(request("/chat.html", f"If-None-Match: {given}")).status, 200, given)

    def test_head(self) -> None:
        """HEAD gives the head."""
        length = len(self.ask(request("/chat.html")).body)
        answer = self.ask(request("/chat.html", method="HEAD"), bodies=False)
        self.assertEqual((answer.status, answer.header("Content-Length")), (200, b"%d" % length))

    def test_other_methods(self) -> None:
        """A page can only be read."""
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = self.ask(request("/chat.html", method=method, body=b"x"))
            self.assertEqual((answer.status, answer.header("Allow")), (405, b"GET, HEAD"), method)

    def test_only_these(self) -> None:
        """There is no way from the pages to any other file."""
        for path in ("/chat.html/", "//chat.html", "/x/chat.html", "/../tcp.py", "/%2e%2e/tcp.py", "/py.typed"):
            self.assertEqual(self.ask(request(path)).status, 404, path)


class ChoiceTests(ServerTestCase):
    """Which of them are served."""

    def served(self, *paths: str) -> list[str]:
        return [path for path in paths if self.ask(request(path)).status == 200]

    def test_scripts(self) -> None:
        """By default the script for browsers is served, and no page."""
        scripts = [f"/{name}" for name in SCRIPTS]
        self.assertEqual(self.served("/", "/chat.html", "/style.css", *scripts), scripts)

    def test_nothing(self) -> None:
        """Nothing is, if nothing is wanted."""
        self.serve(http=HTTPOptions(scripts=False))
        self.assertEqual(self.served("/", "/chat.html", "/sgcws.js"), [])

    def test_pages_need_scripts(self) -> None:
        """The pages bring their scripts along."""
        self.serve(http=HTTPOptions(scripts=False, test_pages=True))
        self.assertEqual(self.served("/", "/chat.html", "/sgcws.js"), ["/", "/chat.html", "/sgcws.js"])
