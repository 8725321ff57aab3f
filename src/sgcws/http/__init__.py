"""HTTP/1.1: the channel, the site, and the resources behind it."""
