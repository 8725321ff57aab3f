"""Two lines over raw TCP, and what comes back."""

import socket

with socket.create_connection(("localhost", 8080)) as peer:
    peer.sendall(b"hello\nworld\n")
    answers = peer.makefile()
    print(answers.readline(), answers.readline(), sep="", end="")
