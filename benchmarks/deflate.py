"""CPU time for each KiB and memory for each peer that permessage-deflate takes, by zlib, window and size of message."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from sgcws import Compression
from sgcws.rules.deflate import Deflate
from sgcws.websocket.deflating import Deflater
from sgcws.websocket.inflating import Inflater
from sgcws.websocket.zlibs import Zlib

ZLIBS = {"zlib": ("zlib", -1), "zlib-ng": ("zlib_ng.zlib_ng", -1), "isal": ("isal.isal_zlib", 1)}
"""Name to module and level."""

KIB = 1024
PAGE = 4 * KIB
PEERS = 200
WORDS = ["a", "server", "sends", "messages", "that", "always", "arrive", "or", "say", "they", "did", "not", "when"]


class Case(NamedTuple):
    """What is measured at a time."""

    zlib: str
    what: str
    bits: int
    size: int
    seconds: float


def record(random: Random) -> str:
    """Return a line such as an application sends: names that come again, and values that do not."""
    return json.dumps(
        {
            "type": random.choice(["trade", "quote", "chat", "presence"]),
            "id": random.randrange(10**9),
            "at": 1_700_000_000 + random.randrange(10**7),
            "price": round(random.random() * 1000, 2),
            "text": " ".join(random.choices(WORDS, k=random.randint(3, 14))),
        }
    )


def messages(size: int) -> list[bytes]:
    """Return some messages of *size* bytes, each time the same ones."""
    random = Random(size)
    count = max(1, min(256, 4 * KIB * KIB // size))
    return [",".join(record(random) for _ in range(1 + size // 100)).encode()[:size] for _ in range(count)]


def ends(bits: int, name: str) -> tuple[Deflater, Inflater]:
    """Return both ends for one peer."""
    deflate = Deflate(
        server_bits=bits,
        server_bits_asked=False,
        server_takeover=True,
        client_bits=bits if bits < 15 else None,
        client_takeover=True,
    )
    module, level = ZLIBS[name]
    zlib = Zlib(import_module(module), level)
    return Deflater(deflate, Compression(), zlib), Inflater(deflate, Compression(), zlib)


def inflate(inflater: Inflater, wire: list[bytes]) -> None:
    """Inflate messages."""
    for data in wire:
        inflater.start_decompress_message()
        inflater.decompress_message_data(data, 1 << 26)
        inflater.end_decompress_message()


def work(case: Case) -> Callable[[], object]:
    """Return what is to be timed: it takes all messages once."""
    batch = messages(case.size)
    wire = list(map(ends(case.bits, "zlib")[0].compress, batch))
    deflater, _ = ends(case.bits, case.zlib)
    if case.what == "inflate":
        return lambda: inflate(ends(case.bits, case.zlib)[1], wire)
    compress = deflater.compress_shared if case.what == "alone" else deflater.compress
    return lambda: list(map(compress, batch))


def speed(case: Case) -> float:
    """Return microseconds of CPU for each KiB of the messages."""
    run, size = work(case), sum(map(len, messages(case.size)))
    run()
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < case.seconds:
        run()
        done += size
    return spent / done * KIB * 1e6


def left(case: Case) -> float:
    """Return how much of the messages is left on the wire, in percent."""
    batch = messages(case.size)
    deflater, _ = ends(case.bits, case.zlib)
    compress = deflater.compress_shared if case.what == "left alone" else deflater.compress
    return 100 * sum(len(compress(message)) for message in batch) / sum(map(len, batch))


def memory(case: Case) -> float:
    """Return KiB that each peer takes once messages have gone to it, or come from it."""
    batch = messages(KIB)[:40]
    wire = list(map(ends(case.bits, "zlib")[0].compress, batch))

    def peer() -> object:
        deflater, inflater = ends(case.bits, case.zlib)
        if case.what == "deflating peer":
            list(map(deflater.compress, batch))
        else:
            inflate(inflater, wire)
        return deflater, inflater

    peers = [peer() for _ in range(20)]
    gc.collect()
    before = resident()
    peers += [peer() for _ in range(PEERS)]
    return (resident() - before) / PEERS / KIB


def resident() -> int:
    """Return how much memory the process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def measure(case: Case) -> float:
    """Measure one case, in a process of its own."""
    kinds = {"deflating peer": memory, "inflating peer": memory, "left": left, "left alone": left}
    return kinds.get(case.what, speed)(case)


def row(name: str, cases: list[Case], rounds: int) -> None:
    """Measure a line of the table, its zlibs in turns, and print it."""
    found: dict[str, list[float]] = {case.zlib: [] for case in cases}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as one_by_one:
        for number in range(rounds):
            print(f"\r{name}: round {number + 1} of {rounds}", end="", file=sys.stderr)
            for case in cases:
                found[case.zlib].append(one_by_one.submit(measure, case).result())
    print(f"\r{name:40}" + "".join(f"{median(values):10.1f}" for values in found.values()), flush=True)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[64, 128, 256, 512, 1024, 4096, 65536])
    parser.add_argument("--bits", type=int, nargs="+", default=[9, 12, 15], help="windows, as powers of two")
    parser.add_argument("--zlib", nargs="+", choices=ZLIBS, default=list(ZLIBS))
    parser.add_argument("--seconds", type=float, default=0.3, help="CPU time of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median is taken")
    given = parser.parse_args()
    print(f"{'':40}" + "".join(f"{name:>10}" for name in given.zlib))
    for bits in given.bits:
        for what in ("deflating peer", "inflating peer"):
            cases = [Case(name, what, bits, KIB, given.seconds) for name in given.zlib]
            row(f"{bits} bits, {what}, KiB", cases, given.rounds)
        for size in given.size:
            for what, unit in (("left", "%"), ("left alone", "%")):
                row(
                    f"{bits} bits, {size} B, {what}, {unit}",
                    [Case(name, what, bits, size, 0.0) for name in given.zlib],
                    1,
                )
            for what in ("deflate", "alone", "inflate"):
                cases = [Case(name, what, bits, size, given.seconds) for name in given.zlib]
                row(f"{bits} bits, {size} B, {what}, us a KiB", cases, given.rounds)


if __name__ == "__main__":
    main()
