"""Reads Gunicorn's config files without running them."""
