"""Which zlib inflates and which deflates: the standard library's, or a faster one where it is installed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import attrs

__all__ = ["DEFLATING", "INFLATING", "STANDARD", "Zlib", "choose_deflating", "choose_inflating"]


@attrs.frozen
class Zlib:
    """
    One implementation of zlib.

    Args:
        module: What has ``compressobj``, ``decompressobj`` and ``error``, as the standard library's has them.
        level: How hard it tries when it deflates; each implementation counts in its own way.
    """

    module: Any
    level: int = zlib.Z_DEFAULT_COMPRESSION

    def start_inflating(self, bits: int) -> Any:
        """Return a ``decompressobj`` for raw DEFLATE with a window of 2 to the power of *bits* bytes."""
        return self.module.decompressobj(-bits)

    def start_deflating(self, bits: int, memory_level: int) -> Any:
        """Return a ``compressobj`` for raw DEFLATE with a window of 2 to the power of *bits* bytes."""
        return self.module.compressobj(self.level, zlib.DEFLATED, -bits, memory_level)


STANDARD = Zlib(zlib)
"""The one that is always there."""


def choose_inflating(find: Callable[[str], ModuleType] = import_module) -> Zlib:
    """
    Return the best zlib that is installed for what comes in.

    That is zlib-ng: half as fast again where there is much to inflate. ISA-L is hardly faster, but keeps 58 KiB for
    each peer.

    Args:
        find: Imports a module by its name, or raises ImportError.
    """
    return _installed(find, "zlib_ng.zlib_ng", zlib.Z_DEFAULT_COMPRESSION)


def choose_deflating(find: Callable[[str], ModuleType] = import_module) -> Zlib:
    """
    Return the best zlib that is installed for what goes out.

    That is ISA-L: two to eight times as fast. Its level 2, the default, keeps more memory than level 1 and saves next
    to nothing. zlib-ng would keep more than 140 KiB for each peer, however small the window.

    Args:
        find: Imports a module by its name, or raises ImportError.
    """
    return _installed(find, "isal.isal_zlib", 1)


def _installed(find: Callable[[str], ModuleType], name: str, level: int) -> Zlib:
    """Return the zlib in the module *name*, or the standard library's."""
    try:
        return Zlib(find(name), level)
    except ImportError:
        return STANDARD


INFLATING = choose_inflating()
DEFLATING = choose_deflating()
