"""Promises of `sgcws.websocket.zlibs`: the best that is installed is taken, and something always is."""

from __future__ import annotations

import zlib
from types import ModuleType

from twisted.trial.unittest import SynchronousTestCase

from sgcws.websocket.zlibs import DEFLATING, INFLATING, STANDARD, choose_deflating, choose_inflating

from ..zlib_peer import installed


class ChoiceTests(SynchronousTestCase):
    """Which zlib is taken."""

    def nothing(self, name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    def broken(self, name: str) -> ModuleType:
        raise ImportError(f"{name}: wrong ELF class")

    def test_nothing_installed(self) -> None:
        """The standard library's zlib takes the place of what is not installed, or not for this machine."""
        for find in (self.nothing, self.broken):
            self.assertIs(choose_inflating(find), STANDARD)
            self.assertIs(choose_deflating(find), STANDARD)
        self.assertIs(STANDARD.module, zlib)

    def test_each_for_itself(self) -> None:
        """One may be installed without the other: zlib-ng inflates, ISA-L deflates, and nothing else is asked for."""
        asked: list[str] = []

        def find(name: str) -> ModuleType:
            asked.append(name)
            return ModuleType(name)

        inflating, deflating = choose_inflating(find), choose_deflating(find)
        self.assertEqual(asked, ["zlib_ng.zlib_ng", "isal.isal_zlib"])
        self.assertEqual([inflating.module.__name__, deflating.module.__name__], asked)

    def test_zlib_ng(self) -> None:
        """zlib-ng inflates where it is installed."""
        self.assertEqual(INFLATING.module, installed("zlib_ng.zlib_ng").module)

    def test_isal(self) -> None:
        """ISA-L deflates where it is installed, at the level that takes least memory for what it saves."""
        self.assertEqual(DEFLATING, installed("isal.isal_zlib", 1))

    def test_raw(self) -> None:
        """Streams are raw DEFLATE with the window asked for."""
        for bits in range(9, 16):
            stream = DEFLATING.start_deflating(bits, 5)
            data = stream.compress(b"x" * 1000) + stream.flush(zlib.Z_SYNC_FLUSH)
            self.assertEqual(zlib.decompressobj(-bits).decompress(data), b"x" * 1000)
            self.assertEqual(INFLATING.start_inflating(bits).decompress(data, 2000), b"x" * 1000)
