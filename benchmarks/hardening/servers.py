"""Servers and bystanders in processes of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["PATIENCE", "SERVERS", "Served", "bystander", "serving"]

HERE = Path(__file__).parent
SERVERS = ("stock", "sgcws")
PATIENCE = 90.0
"""Seconds that a server may be deaf."""


class Served(NamedTuple):
    """
    A server that runs.

    Attributes:
        name: ``stock`` or ``sgcws``.
        pid: Of its process.
        port: Where it listens.
        path: Of its WebSocket.
        tls: Whether it speaks TLS.
        log: The file of what it writes.
    """

    name: str
    pid: int
    port: int
    path: str
    tls: bool
    log: Path


def command(name: str, options: Mapping[str, Any], pem: Path | None, buffer: str) -> list[str]:
    """Return what starts a server."""
    if name == "stock":
        return ["benchmarks.hardening.stock", "0", "" if pem is None else str(pem), buffer]
    tls = {} if pem is None else {"tls": {"certificate": str(pem), "private_key": str(pem)}}
    return ["tests.wire.target", "0", json.dumps({**options, **tls}), buffer]


@contextmanager
def serving(
    name: str, options: Mapping[str, Any], pem: Path | None, buffer: str, folder: Path
) -> Iterator[Served]:
    """
    Run a server until the block is left.

    Args:
        name: ``stock`` or ``sgcws``.
        options: Those of sgcws that are not the defaults.
        pem: The file for TLS, if it is to speak that.
        buffer: How many bytes the system keeps for each peer; empty leaves it to the system.
        folder: Where its log stays.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", *command(name, options, pem, buffer)], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        port = port_in(log, process)
        yield Served(name, process.pid, port, "/ws" if name == "stock" else "/", pem is not None, log)
    finally:
        process.kill()
        process.wait(PATIENCE)


def port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until a server listens, and return the port that its log tells."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        found = re.search(r"listening on \S*:(\d+)/", log.read_text("utf-8", "replace"))
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(log.read_text("utf-8", "replace"))


@contextmanager
def bystander(served: Served) -> Iterator[dict[str, float]]:
    """Run a bystander until the block is left; the dictionary has what it saw after that."""
    words = [str(served.port), served.path, *(["tls"] if served.tls else [])]
    process = subprocess.Popen(
        [sys.executable, str(HERE / "bystander.py"), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin is not None and process.stdout is not None
    seen: dict[str, float] = {}
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the bystander was not served")
        yield seen
        process.stdin.close()
        seen.update(json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()
