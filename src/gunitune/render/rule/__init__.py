"""The formats of `gunitune rule`."""
