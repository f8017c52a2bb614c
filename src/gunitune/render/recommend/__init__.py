"""The formats of `gunitune recommend`."""
