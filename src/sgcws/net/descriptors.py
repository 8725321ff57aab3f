"""How many files and sockets this process may have open."""

from __future__ import annotations

from types import ModuleType
from typing import Any

_system: ModuleType | None
try:
    import resource as _system
except ImportError:  # Windows has no such limit
    _system = None

__all__ = ["raise_descriptor_limit"]

ENOUGH = 1024**2
"""Where no hard limit is set: the most that Linux gives by default."""

LITTLE = 10240
"""What macOS gives at least, which refuses to go as far as its hard limit says."""


def raise_descriptor_limit(resource: Any = _system) -> str | None:
    """
    Raise the soft limit of open files to the hard one, as far as the system lets us.

    Every connection needs a file descriptor, and the soft limit is often 1024.

    Args:
        resource: The module of that name, or None where there is none.

    Returns:
        A line for the log, such as ``open files: 1024 -> 20000``; None where there is no such limit.
    """
    if resource is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return "open files: no limit"
    most = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft >= most:
        return f"open files: {soft}"
    for limit in (most, min(most, LITTLE)):
        if limit > soft and _set(limit, hard, resource):
            return f"open files: {soft} -> {limit}"
    return f"open files: {soft}; the system refuses more"


def _set(soft: int, hard: int, resource: Any) -> bool:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    except (OSError, ValueError):
        return False
    return True
