"""Asks a server on loopback for answers, and tells how it fared."""
