"""What an attack costs: sgcws beside stock Twisted with Autobahn, one attack after the other, and one table."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.hardening.attacks import ATTACKS, MIB, Attack, Target
from benchmarks.hardening.certificate import write_pem
from benchmarks.hardening.report import Row, header, line, write_csv, write_json
from benchmarks.hardening.servers import SERVERS, bystander, serving
from tests.wire.costs import cpu_seconds, forget_peak, peak, resident

DESCRIPTORS = 20000


def measure(attack: Attack, name: str, pem: Path | None, given: argparse.Namespace) -> Row:
    """Attack a fresh server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(name, attack.options, pem, attack.buffer, Path(folder)) as served,
        bystander(served) as seen,
    ):
        forget_peak(served.pid)
        before, spent, begun = resident(served.pid), cpu_seconds(served.pid), time.monotonic()
        got = attack.run(Target(served, given.seconds, given.octets, given.peers))
        took, spent = time.monotonic() - begun, cpu_seconds(served.pid) - spent
        growth, kept = peak(served.pid) - before, resident(served.pid) - before
        log = served.log
        # The bystander's figures are there when its block is left, and the log while the folder is.
        row = (attack.number, attack.name + (" (wss)" if pem else ""), name, got, growth / 1e6, kept / 1e6, spent, took)
        tracebacks = log.read_text("utf-8", "replace").count("Traceback (most recent call last)")
    return Row(*row, seen["p99"] * 1e3, seen["max"] * 1e3, int(seen["asked"]), int(seen["lost"]), tracebacks)


def say(words: str) -> None:
    """Tell whoever waits at a terminal what goes on; the next line takes its place."""
    if sys.stderr.isatty():
        print(f"\r{words}\x1b[K", end="\r", file=sys.stderr, flush=True)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    """Yield what was measured, attack by attack."""
    with tempfile.TemporaryDirectory() as folder:
        pem = write_pem(Path(folder) / "server.pem")
        for attack in ATTACKS:
            if given.only and attack.number not in given.only:
                continue
            for certificate in (None, pem) if attack.tls and not given.no_tls else (None,):
                for name in given.servers:
                    if name in attack.servers:
                        say(f"{name}: {attack.name} ...")
                        yield measure(attack, name, certificate, given)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hardening", description=__doc__)
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", help="attacks of these numbers only")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=SERVERS, help="who is attacked")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of an attack")
    parser.add_argument("--megabytes", type=int, default=300, help="what an attacker sends, or has sent, at most")
    parser.add_argument("--peers", type=int, default=2000, help="peers of attacks by many")
    parser.add_argument("--no-tls", action="store_true", help="plain connections only")
    parser.add_argument("--quick", action="store_true", help="two seconds each, 64 MB and 500 peers")
    parser.add_argument("--json", type=Path, help="write all figures there, too")
    parser.add_argument("--csv", type=Path, help="write the table there, too")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.megabytes, given.peers = 2.0, 64, 500
    given.octets = given.megabytes * MIB
    return given


def main() -> None:
    """Attack, and print a table."""
    given = arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, DESCRIPTORS), hard))
    print(header())
    measured = []
    for row in rows(given):
        measured.append(row)
        say("")
        print(line(row), flush=True)
    if given.json:
        write_json(given.json, measured)
    if given.csv:
        write_csv(given.csv, measured)


if __name__ == "__main__":
    main()
