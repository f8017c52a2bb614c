"""The formats of `gunitune probe`."""
