"""Echoes per second of the server's CPU time: sgcws beside stock Twisted with Autobahn."""

from __future__ import annotations

import argparse
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

SERVERS = {"stock": "stock.py", "sgcws": "ours.py"}
FOLDER = Path(__file__).parent / "servers"
PATIENCE = 20.0

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(size: int) -> bytes:
    """Return a binary message of *size* bytes in one masked frame (RFC 6455 section 5.2)."""
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x82" + length + bytes(4) + b"x" * size


def echoed(size: int) -> int:
    """Return how many bytes the echo of *size* bytes takes."""
    return size + (2 if size < 126 else 4)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, from the scheduler's own count."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(name: str) -> Iterator[tuple[int, int]]:
    """Run a server in a process of its own; its process id and port."""
    port = free_port()
    command = [sys.executable, str(FOLDER / SERVERS[name]), str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def connect(port: int) -> socket.socket:
    """Open one WebSocket, as soon as the server listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            break
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(UPGRADE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    return client


def load(clients: list[socket.socket], size: int, depth: int, seconds: float) -> int:
    """Keep *depth* messages on the way on each connection for a time; how many came back."""
    batch, expected = masked(size) * depth, echoed(size) * depth
    waiting = dict.fromkeys(clients, expected)
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client, selectors.EVENT_READ)
        client.sendall(batch)
    count, end = 0, time.monotonic() + seconds
    while waiting:
        for key, _ in selector.select(PATIENCE):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            waiting[client] -= len(client.recv(1 << 16))
            if waiting[client] == 0:
                count += depth
                if time.monotonic() < end:
                    waiting[client] = expected
                    client.sendall(batch)
                else:
                    del waiting[client]
    return count


def measure(name: str, size: int, depth: int, seconds: float, connections: int) -> float:
    """Return the echoes per second of the server's CPU time in one round."""
    with serving(name) as (pid, port):
        clients = [connect(port) for _ in range(connections)]
        load(clients, size, depth, seconds / 5)
        before = cpu_seconds(pid)
        count = load(clients, size, depth, seconds)
        spent = cpu_seconds(pid) - before
        for client in clients:
            client.close()
    return count / spent


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[16, 1024], help="bytes of a message, below 65536")
    parser.add_argument("--depth", type=int, nargs="+", default=[1, 16], help="messages on the way on a connection")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median is taken")
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    print(f"{'measure':28}" + "".join(f"{name:>15}" for name in SERVERS) + f"{'ratio':>15}")
    for size in given.size:
        for depth in given.depth:
            rounds: dict[str, list[float]] = {name: [] for name in SERVERS}
            for number in range(given.rounds):
                for name in SERVERS:
                    print(f"\r{size} B, depth {depth}: round {number + 1} of {given.rounds}", end="", file=sys.stderr)
                    rounds[name].append(measure(name, size, depth, given.seconds, given.connections))
            stock, ours = (median(rounds[name]) for name in SERVERS)
            print(f"\r{f'echo {size} B, depth {depth}':28}{stock:15,.0f}{ours:15,.0f}{ours / stock:15.2f}", flush=True)


if __name__ == "__main__":
    main()
