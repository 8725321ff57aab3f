"""What servers bear: attacks on a server in a process of its own, while another client is served."""
