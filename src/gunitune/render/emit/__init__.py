"""The formats of `gunitune emit`."""
