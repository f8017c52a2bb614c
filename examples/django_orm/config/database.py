"""Brings the SQLite database of a fresh checkout up to date, once, however many workers start."""

import fcntl

from django.conf import settings
from django.core.management import call_command
from django.db import connection


def migrate_sqlite():
    """Migrate under a file lock. PostgreSQL is left to the deploy: `manage.py migrate`."""
    if connection.vendor != "sqlite":
        return
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with open(settings.DATA_DIR / "migrate.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call_command("migrate", verbosity=0, interactive=False)
        connection.close()  # a connection must not live on through a fork (preload_app)
