"""Over real sockets, with real clients."""
