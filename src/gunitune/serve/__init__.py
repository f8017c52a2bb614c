"""Starts the real app under the real Gunicorn, confined, and leaves no process behind."""
