"""Promises of `sgcws.http.response`: what a handler fills in is what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.http.response import CommandResponse, phrase
from sgcws.options import HTTPOptions
from tests.web import Answer, Server, ServerTestCase, request

unhurried = settings(deadline=None, database=None)


class SendTests(ServerTestCase):
    """Answers on the wire."""

    def filled(self, fill: Callable[[Any], Any], data: bytes = b"") -> Answer:
        """Answer a request by what *fill* does to the response."""
        handler = self.events.on_command_get(lambda request, response: fill(response) and None)
        try:
            return self.ask(data or request("/"), bodies=not data.startswith(b"HEAD"))
        finally:
            self.events.on_command_get.remove(handler)

    def assert_fails(self, fill: Callable[[Any], Any]) -> None:
        """Fail unless an answer filled like this becomes a plain 500, and the application hears why."""
        heard: list[Any] = []
        listener = self.events.on_exception(lambda connection, failure: heard.append(failure))
        answer = self.filled(fill)
        self.events.on_exception.remove(listener)
        self.flushLoggedErrors()
        self.assertEqual((answer.status, len(heard)), (500, 1))
        words = b"500 Internal Server Error"
        self.assertEqual(answer.body, b"<!doctype html>\n<title>%b</title>\n<h1>%b</h1>\n" % (words, words))

    def test_nothing_set(self) -> None:
        """A handler that sets nothing gives a small page with the status."""
        answer = self.filled(lambda response: None)
        self.assertEqual((answer.status, answer.reason), (200, "OK"))
        self.assertEqual(answer.body, b"<!doctype html>\n<title>200 OK</title>\n<h1>200 OK</h1>\n")
        self.assertEqual(answer.header("Content-Type"), b"text/html; charset=utf-8")

    def test_status_alone(self) -> None:
        """So does one that sets the status, with a reason or without, which is no markup."""
        answer = self.filled(lambda response: vars(response).update(status=418, reason="<tea>"))
        self.assertEqual((answer.status, answer.reason), (418, "<tea>"))
        self.assertIn(b"<h1>418 &lt;tea&gt;</h1>", answer.body)
        self.assertEqual(self.filled(lambda response: setattr(response, "status", 599)).reason, "Status")
        self.assertIn(b"404 Not Found", self.filled(lambda response: setattr(response, "status", "404")).body)

    def test_empty(self) -> None:
        """An answer that is to be empty has no body."""
        answer = self.filled(lambda response: response.empty())
        self.assertEqual((answer.body, answer.header("Content-Length")), (b"", b"0"))
        self.assertIsNone(answer.header("Content-Type"))

    def test_text(self) -> None:
        """Text is HTML in the server's charset, unless it is said to be something else."""
        answer = self.filled(lambda response: setattr(response, "text", "grüße ✓"))
        self.assertEqual(answer.body, "grüße ✓".encode())
        self.assertEqual(answer.header("Content-Type"), b"text/html; charset=utf-8")

    def test_other_charset(self) -> None:
        """What the charset lacks is sent as HTML knows it."""
        self.serve(http=HTTPOptions(charset="iso-8859-1"))
        answer = self.filled(lambda response: setattr(response, "text", "grüße ✓"))
        self.assertEqual(answer.body, "grüße &#10003;".encode("iso-8859-1"))
        self.assertEqual(answer.header("Content-Type"), b"text/html; charset=iso-8859-1")

    def test_content_type(self) -> None:
        """A text type gets the charset unless it names one; it may be set as a header, too."""
        for kind, wanted in (
            ("text/plain", b"text/plain; charset=utf-8"),
            ("text/plain; Charset=ascii", b"text/plain; Charset=ascii"),
            ("application/json", b"application/json"),
        ):
            typed = self.filled(lambda response, kind=kind: vars(response).update(content_type=kind, _content="x"))
            self.assertEqual(typed.header("Content-Type"), wanted)
            headed = self.filled(
                lambda response, kind=kind: (response.headers.add("content-type", kind), setattr(response, "text", "x"))
            )
            self.assertEqual(headed.header("Content-Type"), wanted)

    def test_bytes(self) -> None:
        """Bytes are sent as they are, and announced as what the handler says, or not at all."""
        for body in (b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")):
            answer = self.filled(lambda response, body=body: setattr(response, "body", body))
            self.assertEqual((answer.body, answer.header("Content-Type")), (b"\x00\xff", None))

    def test_head(self) -> None:
        """The answer to HEAD is that to GET, without the body."""
        answer = self.filled(lambda response: setattr(response, "text", "12345"), request("/", method="HEAD"))
        self.assertEqual((answer.status, answer.header("Content-Length"), answer.body), (200, b"5", b""))

    def test_bodiless(self) -> None:
        """A status that has no body gets none, whatever was set."""
        for status, length in ((204, None), (304, None), (205, b"0")):
            answer = self.filled(
                lambda response, status=status: (setattr(response, "status", status), setattr(response, "text", "x"))
            )
            self.assertEqual((answer.status, answer.body, answer.header("Content-Length")), (status, b"", length))
            self.assertIsNone(answer.header("Content-Type"))

    def test_headers(self) -> None:
        """Headers are sent as UTF-8, more than one by a name as well, in place of those that are set anyway."""

        def fill(response: Any) -> None:
            response.headers.add("X-Many", "1")
            response.headers.add("x-many", "grüße")
            response.headers["Server"] = "mine"
            response.headers["Date"] = "today"

        answer = self.filled(fill)
        self.assertEqual(answer.headers[b"x-many"], [b"1", "grüße".encode()])
        self.assertEqual((answer.header("Server"), answer.header("Date")), (b"mine", b"today"))

    def test_bad_headers(self) -> None:
        """A header with a line break, of no name, or about how the body is sent, gives 500 and is not sent."""
        for name, value in (
            ("X-Name", "a\r\nSet-Cookie: b=c"),
            ("X-Name", "a\nb"),
            ("X-Name", "a\x00"),
            ("X-Name", "\ud800"),
            ("X Name", "a"),
            ("Transfer-Encoding", "chunked"),
        ):
            self.assert_fails(lambda response, name=name, value=value: response.headers.add(name, value))

    def test_bad_values(self) -> None:
        """So does a status, a reason, a type or a body that is none."""
        for field, value in (
            ("status", 199),
            ("status", 101),
            ("status", 1000),
            ("status", "many"),
            ("status", None),
            ("reason", "a\r\nb"),
            ("reason", 5),
            ("content_type", "a\r\nb"),
            ("_content", 5),
            ("_content", ["x"]),
        ):
            self.assert_fails(lambda response, field=field, value=value: setattr(response, field, value))

    def test_redirect(self) -> None:
        """A redirect names another place, with what URLs cannot carry percent-encoded."""
        answer = self.filled(lambda response: response.redirect("/grüße?a=1&b=%20#c", 303))
        self.assertEqual((answer.status, answer.header("Location")), (303, b"/gr%C3%BC%C3%9Fe?a=1&b=%20#c"))
        self.assertEqual(self.filled(lambda response: response.redirect("http://[::1]/")).status, 302)

    def test_cookies(self) -> None:
        """Cookies are sent beside those that were set through Twisted's own request."""
        self.events.on_before_command(lambda connection, request, response: request.twisted.addCookie("a", "1"))
        answer = self.filled(lambda response: (response.set_cookie("b", "2"), response.set_cookie("c", "3")))
        self.assertEqual(
            answer.headers[b"set-cookie"],
            [b"a=1", b"b=2; Path=/; SameSite=Lax; HttpOnly", b"c=3; Path=/; SameSite=Lax; HttpOnly"],
        )

    def test_any_text(self) -> None:
        """Whatever text a handler sets, the answer is one answer, and the connection goes on."""

        @unhurried
        @given(st.text(), st.text(), st.text(), st.text(), st.integers(0, 1200))
        def check(name: str, value: str, reason: str, content_type: str, status: int) -> None:
            server = Server()

            def fill(request: Any, response: Any) -> None:
                response.headers.add(name, value)
                response.reason, response.content_type, response.status = reason, content_type, status
                response.text = value

            server.events.on_command_get(fill)
            socket = server.connect()
            self.assertIn(socket.ask(request("/")).status, (status, 500))
            self.assertIn(socket.ask(request("/")).status, (status, 500))
            self.flushLoggedErrors()

        check()


class ResponseTests(SynchronousTestCase):
    """The object that a handler fills."""

    def setUp(self) -> None:
        self.response = CommandResponse()

    def test_text_or_bytes(self) -> None:
        """The body is text or bytes, whichever was set last."""
        self.response.text = "a"
        self.assertEqual((self.response.text, self.response.body), ("a", None))
        self.response.body = b"b"
        self.assertEqual((self.response.text, self.response.body), (None, b"b"))

    def test_redirect_refused(self) -> None:
        """A redirect has a status of one, and a place of one line."""
        for status in (200, 300, 304, 404):
            self.assertRaises(ValueError, self.response.redirect, "/", status)
        for url in ("/\r\nX: y", "/\x00", "/\ud800"):
            self.assertRaises(ValueError, self.response.redirect, url)
        self.assertEqual((self.response.status, len(self.response.headers)), (200, 0))

    def test_cookie(self) -> None:
        """A cookie keeps to this server, to TLS if the request came by it, and is hidden from scripts."""
        CommandResponse.set_cookie(secure := CommandResponse(secure=True), "a", "1", max_age=60, path="/x")
        self.assertEqual(
            secure.headers["Set-Cookie"], "a=1; Path=/x; SameSite=Lax; Max-Age=60; Secure; HttpOnly"
        )
        secure.set_cookie("b", "2", secure=False, http_only=False, same_site="None")
        self.assertEqual(secure.headers.getall("Set-Cookie")[1], "b=2; Path=/; SameSite=None")

    def test_cookie_refused(self) -> None:
        """Nothing can be smuggled into a cookie by its name, value, path or policy."""
        for name, value, more in (
            ("", "", {}),
            ("a b", "", {}),
            ("a=", "", {}),
            ("a", "1; Secure", {}),
            ("a", "1\r\n", {}),
            ("a", "1,2", {}),
            ("a", '"1"', {}),
            ("a", "ü", {}),
            ("a", "1", {"path": "x"}),
            ("a", "1", {"path": "/; Domain=x"}),
            ("a", "1", {"same_site": "lax"}),
        ):
            self.assertRaises(ValueError, self.response.set_cookie, name, value, **more)
        self.assertNotIn("Set-Cookie", self.response.headers)

    def test_phrase(self) -> None:
        """A status has its standard reason, unless it has its own."""
        self.assertEqual((phrase(404), phrase(404, "gone"), phrase(799)), ("Not Found", "gone", "Status"))
