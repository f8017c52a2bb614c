"""Knows which libraries come with an extra: `gunicorn[gevent]` brings gevent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunitune.model import Dependency

# From the packages' own metadata: what says something about the app or about its workers, and
# brings the same in every release (`sqlalchemy[postgresql]` does not).
_UVICORN = ("uvicorn", "httptools", "uvloop", "websockets")
_BRINGS = {
    "celery[eventlet]": ("eventlet",),
    "celery[gevent]": ("gevent",),
    "celery[mongodb]": ("pymongo",),
    "celery[redis]": ("redis",),
    "celery[sqs]": ("boto3", "pycurl"),
    "django-storages[azure]": ("azure-storage-blob",),
    "django-storages[boto3]": ("boto3",),
    "django-storages[google]": ("google-cloud-storage",),
    "django-storages[s3]": ("boto3",),
    "django[argon2]": ("argon2-cffi",),
    "django[bcrypt]": ("bcrypt",),
    "fastapi[all]": ("httpx", "jinja2", *_UVICORN),
    "fastapi[standard]": ("httpx", "jinja2", *_UVICORN),
    "flask[async]": ("asgiref",),
    "gunicorn[eventlet]": ("eventlet",),
    "gunicorn[fast]": ("gunicorn-h1c",),
    "gunicorn[gevent]": ("gevent",),
    "gunicorn[http2]": ("h2",),
    "gunicorn[setproctitle]": ("setproctitle",),
    "gunicorn[tornado]": ("tornado",),
    "httpx[http2]": ("h2",),
    "kombu[mongodb]": ("pymongo",),
    "kombu[redis]": ("redis",),
    "litestar[redis]": ("redis", "hiredis"),
    "litestar[standard]": ("jinja2", *_UVICORN),
    "psycopg[binary]": ("psycopg-binary",),
    "psycopg[c]": ("psycopg-c",),
    "psycopg[pool]": ("psycopg-pool",),
    "redis[hiredis]": ("hiredis",),
    "sqlalchemy[aiomysql]": ("aiomysql", "greenlet"),
    "sqlalchemy[aiosqlite]": ("aiosqlite", "greenlet"),
    "sqlalchemy[asyncio]": ("greenlet",),
    "sqlalchemy[mysql]": ("mysqlclient",),
    "sqlalchemy[postgresql-asyncpg]": ("asyncpg", "greenlet"),
    "sqlalchemy[postgresql-psycopg2binary]": ("psycopg2-binary",),
    "sqlalchemy[postgresql-psycopg]": ("psycopg",),
    "sqlalchemy[pymysql]": ("pymysql",),
    "transformers[torch]": ("accelerate", "torch"),
    "uvicorn[standard]": _UVICORN[1:],
}


def implied(declared: Dependency) -> Iterator[Dependency]:
    """Give what the extras of a declaration bring along, declared at the same place."""
    for extra in declared.extras:
        for name in _BRINGS.get(f"{declared.name}[{extra}]", ()):
            yield replace(declared, name=name, specifier="", pinned=None, extras=())
