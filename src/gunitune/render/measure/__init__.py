"""The formats of `gunitune measure`."""
