"""Tests of `sgcws.version`."""

from __future__ import annotations

from importlib.metadata import version

from twisted.trial.unittest import SynchronousTestCase

from sgcws.version import VERSION, _installed_version


class VersionTests(SynchronousTestCase):
    def test_installed(self) -> None:
        """The version is the one that the installed distribution's metadata say."""
        self.assertEqual(_installed_version("attrs"), version("attrs"))

    def test_not_installed(self) -> None:
        """A source tree that was never installed has version 0 instead of an error."""
        self.assertEqual(_installed_version("sgcws-is-not-this"), "0")

    def test_constant(self) -> None:
        """The constant is that text, and is never empty."""
        self.assertEqual(VERSION, _installed_version())
        self.assertTrue(VERSION)
