"""Which sgcws this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

__all__ = ["VERSION"]


def _installed_version(distribution: str = "sgcws") -> str:
    """Return the version of the installed *distribution*, or ``0`` where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "0"


VERSION: Final[str] = _installed_version()
"""The version of the installed package."""
