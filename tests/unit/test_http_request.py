"""Promises of `sgcws.http.request`: a request as handlers see it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sgcws.http.request import CommandRequest
from tests.web import Server, ServerTestCase, request

unhurried = settings(deadline=None, database=None)


class RequestTests(ServerTestCase):
    """What a handler finds in a request."""

    def seen(self, data: bytes) -> Any:
        """Send a request, and return what the handler got to see; it looks at everything."""
        found: list[Any] = []

        def look(seen: Any, response: Any) -> None:
            found.append(seen)
            for name in ("method", "url", "path", "query", "headers", "cookies", "form", "body", "ip", "host"):
                getattr(seen, name)

        self.events.on_command_get(look)
        self.events.on_command_other(look)
        self.ask(data)
        return found[0]

    def test_get(self) -> None:
        """Method, path, query, headers and cookies are there as text."""
        seen = self.seen(request("/gr%C3%BC%C3%9Fe?a=1&a=2&b=%C3%BC", "X-Name: ü", "Cookie: c=d; e=f", "Host: h:1"))
        self.assertEqual((seen.method, seen.path, seen.host, seen.ip), ("GET", "/grüße", "h:1", "127.0.0.1"))
        self.assertEqual(seen.url, "/gr%C3%BC%C3%9Fe?a=1&a=2&b=%C3%BC")
        self.assertEqual((seen.query.getall("a"), seen.query["b"]), (["1", "2"], "ü"))
        self.assertEqual(seen.headers["x-name"], "ü")
        self.assertEqual(seen.cookies, {"c": "d", "e": "f"})
        self.assertEqual((seen.body, dict(seen.form)), (b"", {}))
        self.assertEqual(repr(seen), "<Request GET /grüße>")

    def test_form(self) -> None:
        """The fields of a form are there, and its body, too."""
        kind = "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
        seen = self.seen(request("/", kind, method="POST", body=b"a=1&a=2&b=%C3%BC"))
        self.assertEqual((seen.form.getall("a"), seen.form["b"]), (["1", "2"], "ü"))
        self.assertEqual(seen.body, b"a=1&a=2&b=%C3%BC")

    def test_no_form(self) -> None:
        """A body of any other type is no form."""
        seen = self.seen(request("/", "Content-Type: text/plain", method="POST", body=b"a=1"))
        self.assertEqual((dict(seen.form), seen.body), ({}, b"a=1"))

    def test_large_body(self) -> None:
        """A body that Twisted keeps in a file is there as well."""
        body = bytes(range(256)) * 1024
        self.assertEqual(self.seen(request("/", method="PUT", body=body)).body, body)

    def test_connection(self) -> None:
        """The connection and Twisted's own request are at hand."""
        seen = self.seen(request("/x", version="1.0"))
        self.assertEqual((seen.http_version, seen.connection.ip), ("1.0", "127.0.0.1"))
        self.assertEqual(seen.twisted.uri, b"/x")

    def test_no_host(self) -> None:
        """Without a Host header, the host is empty."""
        self.assertEqual(self.seen(b"GET / HTTP/1.0\r\n\r\n").host, "")

    def test_any_bytes(self) -> None:
        """Whatever bytes come in, a handler never fails by looking at them."""

        @unhurried
        @given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=50))
        def check(path: bytes, cookie: bytes, body: bytes) -> None:
            server = Server()
            server.events.on_command_get(look)
            head = b"POST /" + path + b" HTTP/1.1\r\nHost: h\r\nCookie: " + cookie + b"\r\n" + FORM
            server.connect().send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.assertEqual(server.told, [])

        check()


FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def look(seen: CommandRequest, response: Any) -> None:
    """Look at everything."""
    assert isinstance(f"{seen.path}{seen.url}{seen.query}{seen.headers}{seen.cookies}{seen.form}{seen.host}", str)
