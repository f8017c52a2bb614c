"""The formats of `gunitune check`."""
