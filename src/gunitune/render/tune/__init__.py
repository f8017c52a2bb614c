"""The formats of `gunitune tune`."""
