-- Invoices of the shop's own wallet that were handed to the issuer of a card which is not ours.
-- A row stands before its invoice leaves; the sale is paid when this invoice is paid. `over` is
-- expired and not paid, `late` is paid although its sale was over already.
CREATE TABLE sale_invoices (
    payment_hash BLOB PRIMARY KEY CHECK (length(payment_hash) = 32),
    sale_id TEXT NOT NULL REFERENCES sales (sale_id),
    bolt11 TEXT NOT NULL,
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    host TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('offered', 'paid', 'late', 'over')),
    offered_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    seen_at INTEGER,
    checks INTEGER NOT NULL,
    next_check_at INTEGER,
    CHECK ((state = 'offered') = (ended_at IS NULL)),
    CHECK (state <> 'offered' OR next_check_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX sale_invoices_of_sale ON sale_invoices (sale_id);

CREATE UNIQUE INDEX sale_invoices_paid ON sale_invoices (sale_id) WHERE state = 'paid';

CREATE INDEX sale_invoices_due ON sale_invoices (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE INDEX sale_invoices_late ON sale_invoices (ended_at) WHERE state = 'late';

-- What one bitcoin cost when the sale was made, as decimal text in the store's currency.
ALTER TABLE sales ADD COLUMN rate TEXT;

ALTER TABLE sales ADD COLUMN rate_source TEXT;

ALTER TABLE sales ADD COLUMN rate_at INTEGER;

-- The newest rate of a currency: good until `stale_at`, shown with a warning until `void_at`.
CREATE TABLE rates (
    currency TEXT PRIMARY KEY,
    rate TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    stale_at INTEGER,
    void_at INTEGER
) STRICT, WITHOUT ROWID;
