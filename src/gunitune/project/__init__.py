"""Reads the project that will run: its files, what it depends on, and what its source does."""
