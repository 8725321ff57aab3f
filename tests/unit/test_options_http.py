"""Tests of `sgcws.options.http`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.http import HTTPOptions
from sgcws.version import VERSION


class HTTPOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """The defaults are those of the contract."""
        options = HTTPOptions()
        self.assertEqual((options.document_root, options.index_files), (None, ("index.html",)))
        self.assertEqual((options.charset, options.server_header), ("utf-8", f"sgcws/{VERSION}"))
        self.assertEqual((options.test_pages, options.scripts), (False, True))
        self.assertEqual((options.keep_alive_timeout, options.header_timeout), (60.0, 10.0))

    def test_refused(self) -> None:
        """A wrong value names the field."""
        wrong: tuple[dict[str, Any], ...] = (
            {"index_files": ("a/b",)},
            {"index_files": ("a\\b",)},
            {"index_files": ("..",)},
            {"index_files": ("",)},
            {"index_files": ("a\0",)},
            {"index_files": "index.html"},
            {"charset": "klingon"},
            {"charset": "hex"},
            {"charset": "utf-7"},
            {"charset": "idna"},
            {"charset": "utf-16"},
            {"charset": "utf-8; x"},
            {"charset": ""},
            {"server_header": ""},
            {"server_header": "a\r\nb"},
            {"server_header": "é"},
            {"server_header": " a"},
            {"test_pages": "yes"},
            {"keep_alive_timeout": 0},
            {"header_timeout": None},
        )
        for given_value in wrong:
            error = self.assertRaises(OptionError, HTTPOptions, **given_value)
            self.assertEqual({error.field: error.value}, given_value)

    def test_allowed(self) -> None:
        """No Server header, no index file and another encoding can be asked for."""
        options = HTTPOptions(server_header=None, index_files=(), charset="iso-8859-1")
        self.assertEqual((options.server_header, options.index_files), (None, ()))
        self.assertEqual(options.charset, "iso-8859-1")

    @settings(deadline=None, database=None)
    @given(
        st.text() | st.sampled_from(["idna", "punycode", "undefined", "mbcs", "aliases", "rot13", "utf_16"])
    )
    def test_any_charset(self, name: str) -> None:
        """Any text is an encoding that works, or refused."""
        try:
            HTTPOptions(charset=name)
        except OptionError:
            return
        self.assertTrue("a".encode(name))


class DocumentRootTests(SynchronousTestCase):
    def test_exists(self) -> None:
        """A directory is kept as an absolute path, so that it stays the same one in a daemon."""
        directory = self.mktemp()
        os.makedirs(directory)
        root = HTTPOptions(document_root=directory).document_root
        self.assertEqual(root, os.path.abspath(directory))
        self.assertEqual(HTTPOptions(document_root=root).document_root, root)

    def test_refused(self) -> None:
        """What is not a directory now is refused now."""
        file = self.mktemp()
        with open(file, "w"):
            pass
        wrong: tuple[Any, ...] = ("", "no such directory", file, "a\0b", "\ud800", b".", 5)
        for path in wrong:
            error = self.assertRaises(OptionError, HTTPOptions, document_root=path)
            self.assertEqual((error.field, error.value), ("document_root", path))
