"""The rooms put together: what a start goes by, what becomes of a socket, and the server in operation."""
