"""What was measured, as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import attrs

__all__ = ["Row", "header", "line", "write_csv", "write_json"]

WIDTHS = (44, 8, 44, 10, 8, 8, 9, 9)
TITLES = ("attack", "server", "the attacker got", "memory", "CPU s", "took s", "p99 ms", "max ms")


@attrs.frozen
class Row:
    """
    One attack on one server.

    Attributes:
        number: Which line of the list.
        attack: Its name.
        server: Who was attacked.
        got: What the attacker got.
        growth: MB of memory, at the peak, above what the server had before.
        kept: MB of memory above that when the attack was over.
        cpu: Seconds of the server's CPU time, with what the other client cost.
        took: Seconds.
        p99: Milliseconds that another client waited for an answer, all but the longest hundredth.
        longest: Milliseconds of its longest wait.
        asked: How often it asked.
        lost: How often it was lost.
        tracebacks: How many the log has.
    """

    number: int
    attack: str
    server: str
    got: str
    growth: float
    kept: float
    cpu: float
    took: float
    p99: float
    longest: float
    asked: int
    lost: int
    tracebacks: int

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the table."""
        return (
            f"{self.number} {self.attack}",
            self.server,
            self.got,
            f"+{self.growth:,.1f} MB",
            f"{self.cpu:.2f}",
            f"{self.took:.1f}",
            f"{self.p99:,.1f}",
            f"{self.longest:,.1f}" + (f", lost {self.lost} times" if self.lost else ""),
        )


def header() -> str:
    """Return the first line of the table."""
    return aligned(TITLES)


def line(row: Row) -> str:
    """Return a line of it."""
    return aligned(row.cells()) + (f"  {row.tracebacks} tracebacks" if row.tracebacks else "")


def aligned(cells: Iterable[str]) -> str:
    """Put cells into columns: words to the left, figures to the right."""
    return " ".join(
        f"{cell:{'<' if place < 3 else '>'}{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )


def write_json(path: Path, rows: Iterable[Row]) -> None:
    """Write all that was measured."""
    path.write_text(json.dumps([attrs.asdict(row) for row in rows], indent=1) + "\n", "utf-8")


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write the table, for a page."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TITLES)
        writer.writerows(row.cells() for row in rows)
