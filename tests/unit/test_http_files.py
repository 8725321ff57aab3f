"""Promises of `sgcws.http.files`: files are served, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.python.filepath import FilePath

from sgcws.http.files import MOST_RANGES, locate
from sgcws.options import HTTPOptions
from tests.web import Answer, ServerTestCase, read_answers, request

unhurried = settings(deadline=None, database=None)

CONTENT = bytes(range(100))
INDEX = ("index.html", "default.htm")


class FileTestCase(ServerTestCase):
    """Tests with a folder: some files in it, and a secret beside it."""

    def setUp(self) -> None:
        """Make the folder and serve it."""
        above = Path(os.path.realpath(self.mktemp()))
        self.folder = above / "root"
        (self.folder / "sub" / "deep").mkdir(parents=True)
        (above / "secret").write_text("secret")
        (above / "root-beside").mkdir()
        (above / "root-beside" / "secret").write_text("secret")
        for name in ("a.bin", "a.txt", "grüße.txt", "with space.txt", ".hidden", "sub/b.txt", "sub/index.html"):
            (self.folder / name).write_bytes(CONTENT)
        (self.folder / ".git").mkdir()
        (self.folder / ".git" / "config").write_text("secret")
        (self.folder / "link").symlink_to(above / "secret")
        (self.folder / "inner-link").symlink_to(self.folder / "a.txt")
        (self.folder / "link-up").symlink_to(above)
        os.mkfifo(self.folder / "pipe")
        self.serve(http=HTTPOptions(document_root=os.fspath(self.folder), index_files=INDEX))

    def get(self, path: str, *lines: str, method: str = "GET") -> Answer:
        """Ask for a file."""
        return self.ask(request(path, *lines, method=method), bodies=method != "HEAD")


class LookupTests(FileTestCase):
    """What is found, and what is not."""

    def test_found(self) -> None:
        """A file is found by its path, percent-encoded or not."""
        for path in ("/a.bin", "/%61.bin", "/sub/b.txt", "/gr%C3%BC%C3%9Fe.txt", "/with%20space.txt", "/a.bin?x=/../y"):
            answer = self.get(path)
            self.assertEqual((answer.status, answer.body), (200, CONTENT), path)

    def test_not_found(self) -> None:
        """Nothing is found outside the folder, in any encoding, nor by a link, a hidden name, or an odd path."""
        for path in (
            "/../secret",
            "/sub/../../secret",
            "/%2e%2e/secret",
            "/.%2e/secret",
            "/..%2fsecret",
            "/%2e%2e%2fsecret",
            "/%2fetc%2fpasswd",
            "//etc/passwd",
            "/%252e%252e/secret",
            "/..%252fsecret",
            "/%c0%ae%c0%ae/secret",
            "/%c0%af..%c0%afsecret",
            "/%e0%80%af..%e0%80%afsecret",
            "/..%5csecret",
            "/..\\secret",
            "/%5c..%5csecret",
            "/../root-beside/secret",
            "/secret%00.txt",
            "/a.txt%00",
            "/%00",
            "/link",
            "/inner-link",
            "/link-up/secret",
            "/link-up/root/a.txt",
            "/.hidden",
            "/.git/config",
            "/%2egit/config",
            "/./a.txt",
            "/sub/./b.txt",
            "/sub/../a.txt",
            "/sub//b.txt",
            "//a.txt",
            "/a.txt/",
            "/a.txt/x",
            "/A.TXT",
            "/pipe",
            "/" + "x" * 5000,
            "/" + "x/" * 2000,
            "/sub/deep/",
            "/sub/deep",
            "/",
        ):
            self.assertEqual(self.get(path).status, 404, path)

    def test_index(self) -> None:
        """A folder has an index, the first there is of those in the options."""
        self.assertEqual(self.get("/sub/").body, CONTENT)
        (self.folder / "default.htm").write_text("default")
        self.assertEqual(self.get("/").body, b"default")
        (self.folder / "index.html").write_text("index")
        self.assertEqual(self.get("/").body, b"index")

    def test_index_is_no_link(self) -> None:
        """A link is no index."""
        (self.folder / "index.html").symlink_to(self.folder / "a.txt")
        self.assertEqual(self.get("/").status, 404)

    def test_folder_without_slash(self) -> None:
        """A folder asked for as if it were a file is named with the slash that its links need, on this very server."""
        answer = self.get("/sub?a=1&b=/%20")
        self.assertEqual((answer.status, answer.header("Location")), (302, b"./sub/?a=1&b=/%20"))
        (self.folder / "evil.com:80").mkdir()
        (self.folder / "evil.com:80" / "index.html").write_text("x")
        self.assertEqual(self.get("/evil.com:80").header("Location"), b"./evil.com%3A80/")
        self.assertEqual(self.get("//evil.com:80").status, 404)

    def test_root_by_a_link(self) -> None:
        """The folder itself may be named by a link."""
        link = Path(self.mktemp())
        link.symlink_to(self.folder)
        self.serve(http=HTTPOptions(document_root=os.fspath(link)))
        self.assertEqual(self.get("/a.bin").body, CONTENT)

    @unhurried
    @given(st.lists(st.sampled_from([b"..", b".", b"", b"sub", b"b.txt", b"/", b"\\", b"\x00", b"\xff"]), min_size=1))
    def test_any_segments(self, segments: list[bytes]) -> None:
        """Whatever the segments are, what is found lies in the folder."""
        self.check(segments)

    @unhurried
    @given(st.lists(st.binary(max_size=8), min_size=1, max_size=4))
    def test_any_bytes(self, segments: list[bytes]) -> None:
        """The same with segments of any bytes."""
        self.check(segments)

    def check(self, segments: list[bytes]) -> None:
        """Fail if what is found lies elsewhere."""
        found = locate(os.fspath(self.folder), segments, INDEX)
        self.assertTrue(found is None or os.path.realpath(found).startswith(os.fspath(self.folder) + os.sep))


class ServingTests(FileTestCase):
    """How a file is served."""

    def test_types(self) -> None:
        """A file is announced by its name's ending, text with a charset, and no browser shall guess."""
        for name, kind in (
            ("a.txt", b"text/plain; charset=utf-8"),
            ("a.html", b"text/html; charset=utf-8"),
            ("A.HTML", b"text/html; charset=utf-8"),
            ("a.png", b"image/png"),
            ("a.json", b"application/json"),
            ("a", b"application/octet-stream"),
            ("a.unknown", b"application/octet-stream"),
            ("a.txt.gz", b"application/octet-stream"),
        ):
            (self.folder / name).write_bytes(CONTENT)
            answer = self.get(f"/{name}")
            self.assertEqual(answer.header("Content-Type"), kind, name)
            self.assertIsNone(answer.header("Content-Encoding"))
            self.assertEqual(answer.header("X-Content-Type-Options"), b"nosniff")

    def test_charset(self) -> None:
        """The charset is that of the options."""
        self.serve(http=HTTPOptions(document_root=os.fspath(self.folder), charset="iso-8859-15"))
        self.assertEqual(self.get("/a.txt").header("Content-Type"), b"text/plain; charset=iso-8859-15")

    def test_head(self) -> None:
        """HEAD gives the head."""
        answer = self.get("/a.txt", method="HEAD")
        self.assertEqual((answer.status, answer.header("Content-Length")), (200, b"100"))

    def test_other_methods(self) -> None:
        """A file can only be read."""
        for method in ("POST", "PUT", "DELETE"):
            answer = self.get("/a.txt", method=method)
            self.assertEqual((answer.status, answer.header("Allow")), (405, b"GET, HEAD"))

    def test_not_modified(self) -> None:
        """A browser that has the file is told so, without the file."""
        date = (self.get("/a.txt").header("Last-Modified") or b"").decode()
        answer = self.get("/a.txt", f"If-Modified-Since: {date}")
        self.assertEqual((answer.status, answer.body, answer.header("Content-Length")), (304, b"", None))
        os.utime(self.folder / "a.txt", (2e9, 2e9))
        self.assertEqual(self.get("/a.txt", f"If-Modified-Since: {date}").status, 200)

    def test_empty(self) -> None:
        """A file without content is served, too."""
        (self.folder / "empty").touch()
        self.assertEqual((self.get("/empty").status, self.get("/empty").body), (200, b""))
        self.assertEqual(self.get("/empty", "Range: bytes=0-").status, 416)

    def test_large(self) -> None:
        """A large file comes whole, in parts."""
        content = os.urandom(300_000)
        (self.folder / "large").write_bytes(content)
        self.assertEqual(self.get("/large").body, content)

    def test_client_leaves(self) -> None:
        """A client that leaves in the middle has its file closed."""
        opened = []
        real = FilePath.open

        def noting(path: FilePath[str], mode: str = "r") -> object:
            opened.append(real(path, mode))
            return opened[-1]

        self.patch(FilePath, "open", noting)
        (self.folder / "large").write_bytes(bytes(300_000))
        socket = self.server.connect()
        socket.send(request("/large"))
        socket.leave()
        self.reactor.advance(0)
        self.assertEqual([file.closed for file in opened], [True])
        self.assertEmpty()

    def test_gone(self) -> None:
        """A file that goes away while it is looked for is not found."""
        real = os.path.realpath

        def vanishing(path: str) -> str:
            found = real(path)
            os.unlink(path)
            return found

        self.patch(os.path, "realpath", vanishing)
        self.assertEqual(self.get("/a.txt").status, 404)

    def test_not_readable(self) -> None:
        """A file that may not be read is refused."""

        def denied(path: FilePath[str], mode: str = "r") -> None:
            raise PermissionError(13, "denied")

        self.patch(FilePath, "open", denied)
        self.assertEqual(self.get("/a.txt").status, 403)


class RangeTests(FileTestCase):
    """Parts of files (RFC 9110 section 14)."""

    def test_one(self) -> None:
        """One range is sent as one part."""
        for asked, first, last in (
            ("0-0", 0, 0),
            ("10-19", 10, 19),
            ("90-", 90, 99),
            ("90-1000", 90, 99),
            ("-10", 90, 99),
            ("-1000", 0, 99),
        ):
            answer = self.get("/a.bin", f"Range: bytes={asked}")
            self.assertEqual(answer.status, 206, asked)
            self.assertEqual(answer.body, CONTENT[first : last + 1], asked)
            self.assertEqual(answer.header("Content-Range"), f"bytes {first}-{last}/100".encode(), asked)

    def test_several(self) -> None:
        """Several are sent as several parts."""
        answer = self.get("/a.bin", "Range: bytes=0-1, -2")
        self.assertEqual(answer.status, 206)
        self.assertIn(b"multipart/byteranges", answer.header("Content-Type") or b"")
        self.assertIn(b"\r\n\r\n" + CONTENT[:2] + b"\r\n--", answer.body)
        self.assertIn(b"\r\n\r\n" + CONTENT[-2:] + b"\r\n--", answer.body)

    def test_none_there(self) -> None:
        """A range beyond the end is refused, with the length told."""
        for asked in ("100-", "200-300", "-0"):
            answer = self.get("/a.bin", f"Range: bytes={asked}")
            self.assertEqual((answer.status, answer.header("Content-Range")), (416, b"bytes */100"), asked)

    def test_not_understood(self) -> None:
        """What is no range, or far too many, is not looked at: the whole file comes."""
        for asked in (
            "bytes",
            "bytes=",
            "bytes=x-y",
            "bytes=-",
            "bytes=5-3",
            "bytes=+1-2",
            "bytes=1_0-20",
            "bytes=0-" + "9" * 19,
            "items=0-1",
            "bytes=\xff-1",
            "bytes=" + ",".join(["0-"] * (MOST_RANGES + 1)),
        ):
            answer = self.get("/a.bin", f"Range: {asked}")
            self.assertEqual((answer.status, answer.body), (200, CONTENT), asked)
        self.assertEqual(self.get("/a.bin", "Range: bytes=0-1", "Range: bytes=2-3").status, 200)

    def test_if_range(self) -> None:
        """A part of a file that has changed meanwhile is of no use: the whole file comes."""
        date = (self.get("/a.bin").header("Last-Modified") or b"").decode()
        self.assertEqual(self.get("/a.bin", "Range: bytes=0-1", f"If-Range: {date}").status, 206)
        for asked in ('"tag"', "Mon, 01 Jan 2001 00:00:00 GMT", ""):
            self.assertEqual(self.get("/a.bin", "Range: bytes=0-1", f"If-Range: {asked}").status, 200, asked)

    def test_head(self) -> None:
        """HEAD is about the whole file."""
        answer = self.get("/a.bin", "Range: bytes=0-1", method="HEAD")
        self.assertEqual((answer.status, answer.header("Content-Length")), (200, b"100"))

    @unhurried
    @given(st.text("0123456789-, ", max_size=20))
    def test_any_ranges(self, asked: str) -> None:
        """Whatever is asked for, the answer is one of the three, and the connection goes on."""
        socket = self.server.connect()
        socket.send(request("/a.bin", f"Range: bytes={asked}"))
        self.reactor.advance(0)
        (answer,) = read_answers(socket.received())
        self.assertIn(answer.status, (200, 206, 416))
        self.assertFalse(socket.closed)
