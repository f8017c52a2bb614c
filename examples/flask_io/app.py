"""A shop window: products from SQLite, priced in the visitor's currency by a rates service."""

import os
import sqlite3
from contextlib import closing

import requests
import upstream
from flask import Flask, abort, g, request
from requests.adapters import HTTPAdapter

app = Flask(__name__)
DATABASE = os.environ.get("DATABASE", os.path.join(app.instance_path, "shop.sqlite3"))

rates = requests.Session()
rates.trust_env = False  # a service of our own: never through a proxy
rates.mount("http://", HTTPAdapter(pool_maxsize=1000))


def connect():
    db = sqlite3.connect(DATABASE, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def init_db():
    os.makedirs(os.path.dirname(os.path.abspath(DATABASE)), exist_ok=True)
    with closing(connect()) as db, app.open_resource("schema.sql", "r") as schema:
        db.executescript(schema.read())


def get_db():
    if "db" not in g:
        g.db = connect()
    return g.db


@app.teardown_appcontext
def close_db(error):
    db = g.pop("db", None)
    if db is not None:
        db.close()


def get_rate(currency):
    response = rates.get(f"{upstream.url()}/rates/{currency}", timeout=5)
    if response.status_code == 404:
        abort(404, f"no rate for {currency}")
    response.raise_for_status()
    return response.json()["rate"]


def count_view(currency):
    """One statement, committed at once: nobody holds the write lock while waiting for a rate."""
    with get_db() as db:
        row = db.execute(
            "INSERT INTO view (currency, count) VALUES (?, 1) "
            "ON CONFLICT (currency) DO UPDATE SET count = count + 1 RETURNING count",
            (currency,),
        ).fetchone()
    return row["count"]


@app.get("/")
def index():
    currency = request.args.get("currency", "EUR").upper()
    products = get_db().execute("SELECT name, price_cents FROM product ORDER BY id").fetchall()
    rate = get_rate(currency)
    return {
        "currency": currency,
        "products": [
            {"name": product["name"], "price": round(product["price_cents"] * rate / 100, 2)}
            for product in products
        ],
        "views": count_view(currency),
    }


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.errorhandler(requests.RequestException)
def upstream_failed(error):
    app.logger.warning("rates service: %s", error)
    return {"error": "the rates service does not answer"}, 502


init_db()
