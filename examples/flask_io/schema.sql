BEGIN IMMEDIATE;

CREATE TABLE IF NOT EXISTS product (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    price_cents INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS view (
    currency TEXT PRIMARY KEY,
    count INTEGER NOT NULL
);

INSERT OR IGNORE INTO product (id, name, price_cents) VALUES
    (1, 'Espresso cup', 890),
    (2, 'Teapot', 3450),
    (3, 'Tray', 1999);

COMMIT;
