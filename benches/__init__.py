"""``make bench``: Postroom beside a bare forwarder that stores nothing, in one run on one machine. Nothing here asserts a time."""
