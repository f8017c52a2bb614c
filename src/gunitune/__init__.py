"""gunitune: the configuration advisor for Gunicorn."""

__version__ = "0.1.0"
