"""The formats of `gunitune compare`."""
