-- Payouts that another system made before, as its table flash_payouts tells them (the dashboard
-- guide). They are shown and summed beside ours and move no money: no entry, no balance and no
-- limit knows of them.
CREATE TABLE history_imports (
    import_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    at INTEGER NOT NULL,
    person_id TEXT REFERENCES people (person_id),
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('payouts', 'usage')),
    planned INTEGER NOT NULL CHECK (planned > 0),
    taken INTEGER NOT NULL CHECK (taken BETWEEN 0 AND planned)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_imports_of_store ON history_imports (store_id, at);

-- The guide's columns; `from_store` is what the other system called its store. `day` is our
-- store's business day of created_at, fixed when the row comes in.
CREATE TABLE history_payouts (
    id INTEGER PRIMARY KEY,
    payout_id TEXT NOT NULL,
    pull_payment_id TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    from_store TEXT,
    amount INTEGER NOT NULL CHECK (amount > 0 AND amount % 1000 = 0),
    status TEXT NOT NULL CHECK (status IN
        ('Pending', 'Processing', 'Completed', 'Failed', 'Cancelled')),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    boltcard_id TEXT,
    boltcard_ntag TEXT,
    recipient_address TEXT,
    transaction_id TEXT,
    error_message TEXT,
    metadata TEXT,
    day TEXT NOT NULL,
    import_id TEXT NOT NULL REFERENCES history_imports (import_id),
    UNIQUE (store_id, payout_id)
) STRICT;

CREATE INDEX history_payouts_of_day ON history_payouts (store_id, day, created_at, id);

CREATE INDEX history_payouts_of_card ON history_payouts (store_id, boltcard_id, created_at, id)
    WHERE boltcard_id IS NOT NULL;

-- Their cards: the alias from either file, the sums from flash_boltcard_usage, as they were told.
CREATE TABLE history_cards (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    boltcard_id TEXT NOT NULL,
    alias TEXT,
    boltcard_ntag TEXT,
    total_payouts INTEGER CHECK (total_payouts >= 0),
    total_amount INTEGER CHECK (total_amount >= 0),
    first_used INTEGER,
    last_used INTEGER,
    PRIMARY KEY (store_id, boltcard_id)
) STRICT, WITHOUT ROWID;

-- As daily_totals; a payout without a card counts for the card ''.
CREATE TABLE history_days (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    day TEXT NOT NULL,
    boltcard_id TEXT NOT NULL,
    status TEXT NOT NULL,
    payouts INTEGER NOT NULL CHECK (payouts >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (store_id, day, boltcard_id, status)
) STRICT, WITHOUT ROWID;
