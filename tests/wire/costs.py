"""What a process costs, as Linux tells in ``/proc``."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cpu_seconds", "descriptors", "forget_peak", "peak", "resident"]


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Return the most bytes of memory that a process has had, since its start or the last `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let `peak` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, from the scheduler's own count."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)
