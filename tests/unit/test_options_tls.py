"""Promises of `sgcws.options.tls`."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options import ServerOptions, TLSOptions, describe
from sgcws.values import TLSVersion


class TLSOptionsTests(SynchronousTestCase):
    """What TLS is spoken with."""

    def test_off(self) -> None:
        """Without a word no TLS is spoken; with one it is 1.2 or newer."""
        self.assertIsNone(ServerOptions().tls)
        self.assertEqual(TLSOptions().minimum_version, TLSVersion.TLS_1_2)
        self.assertIsNone(TLSOptions().maximum_version)

    def test_paths(self) -> None:
        """Paths are kept absolute, whether there is such a file or not: files are looked at when the server starts."""
        options = TLSOptions(certificate="missing.pem", private_key="/k", chain="a/../b")
        here = os.getcwd()
        self.assertEqual(
            (options.certificate, options.private_key, options.chain),
            (os.path.join(here, "missing.pem"), "/k", os.path.join(here, "b")),
        )

    def test_no_paths(self) -> None:
        """What cannot be a path is refused by its field."""
        for wrong in ("", "a\0b", b"a", 1):
            error: OptionError = self.assertRaises(OptionError, TLSOptions, certificate=wrong)
            self.assertEqual((error.field, error.value), ("certificate", wrong))

    def test_versions(self) -> None:
        """Versions are TLS 1.2 and 1.3, the oldest no newer than the newest."""
        options = TLSOptions(minimum_version=TLSVersion.TLS_1_3, maximum_version=TLSVersion.TLS_1_3)
        self.assertEqual(options.minimum_version, TLSVersion.TLS_1_3)
        self.assertRaises(OptionError, TLSOptions, minimum_version="1.2")
        error: OptionError = self.assertRaises(
            OptionError, TLSOptions, minimum_version=TLSVersion.TLS_1_3, maximum_version=TLSVersion.TLS_1_2
        )
        self.assertEqual((error.field, error.value), ("tls.maximum_version", "1.2"))

    def test_text(self) -> None:
        """A file says versions by their numbers, and what is older than 1.2 is refused."""
        options = ServerOptions.from_mapping({"tls": {"minimum_version": "1.3", "maximum_version": "none"}}).tls
        self.assertEqual(options, TLSOptions(minimum_version=TLSVersion.TLS_1_3))
        for wrong in ("1.1", "1.0", "SSLv3", 1.2):
            error: OptionError = self.assertRaises(
                OptionError, ServerOptions.from_mapping, {"tls": {"minimum_version": wrong}}
            )
            self.assertEqual(error.field, "tls.minimum_version")

    def test_group(self) -> None:
        """The group can be off, has the names that the documentation lists, and lies over another one."""
        names = [option.name for option in describe() if option.path[0] == "tls"]
        fields = ("certificate", "private_key", "chain", "minimum_version", "maximum_version")
        self.assertEqual(names, ["tls", *(f"tls.{field}" for field in fields)])
        base = ServerOptions(tls=TLSOptions(certificate="/c", private_key="/k"))
        over = ServerOptions.from_mapping({"tls": {"private_key": "/other"}}, base).tls
        self.assertEqual(over, TLSOptions(certificate="/c", private_key="/other"))
        self.assertIsNone(ServerOptions.from_mapping({"tls": False}, base).tls)
