"""A guest book: reads and writes SQLite without blocking the event loop."""

import os
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

DATABASE = Path(
    os.environ.get("DATABASE", Path(__file__).resolve().parent / "instance" / "book.sqlite3")
)
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    message TEXT NOT NULL
);
INSERT OR IGNORE INTO entry (id, name, message) VALUES (1, 'Ada', 'I was here first.');
COMMIT;
"""


@asynccontextmanager
async def lifespan(app):
    """One connection per worker, open as long as the worker lives."""
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    async with aiosqlite.connect(DATABASE, timeout=10) as db:
        db.row_factory = aiosqlite.Row
        await db.executescript(SCHEMA)
        app.state.db = db
        yield


async def entries(request):
    query = "SELECT name, message FROM entry ORDER BY id DESC LIMIT 20"
    async with request.app.state.db.execute(query) as cursor:
        rows = await cursor.fetchall()
    return JSONResponse({"entries": [dict(row) for row in rows]})


async def sign(request):
    form = await request.json()
    name, message = str(form.get("name", ""))[:100], str(form.get("message", ""))[:1000]
    if not name or not message:
        raise HTTPException(422, "name and message, please")
    db = request.app.state.db
    await db.execute("INSERT INTO entry (name, message) VALUES (?, ?)", (name, message))
    await db.commit()
    return JSONResponse({"name": name, "message": message}, status_code=201)


async def healthz(request):
    return JSONResponse({"status": "ok"})


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", entries, methods=["GET"]),
        Route("/", sign, methods=["POST"]),
        Route("/healthz", healthz),
    ],
)
