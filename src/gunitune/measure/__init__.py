"""Learns what one request of the app costs, by measuring it."""
