-- What a store decided about itself, one row a subject (`tips`, `receipts`, …). A subject without a
-- row follows its defaults; the record of `host.ledger.settings` says what is in the JSON text.
CREATE TABLE store_settings (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (store_id, key)
) STRICT, WITHOUT ROWID;
