"""The formats of `gunitune predict`."""
