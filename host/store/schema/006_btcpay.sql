-- Accounts whose payouts are filed as claims on a pull payment of BTCPay Server, so that a shop
-- with BTCPay keeps one set of books. `unit` is the currency that is claimed in; `manages` lets us
-- approve claims, and cancel those that nobody paid in time.
CREATE TABLE btcpay_pull_payments (
    pull_payment_id TEXT PRIMARY KEY REFERENCES pull_payments (pull_payment_id),
    btcpay_id TEXT NOT NULL UNIQUE,
    unit TEXT NOT NULL CHECK (unit IN ('BTC', 'SATS')),
    manages INTEGER NOT NULL CHECK (manages IN (0, 1)),
    linked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Payouts that go this way: a row stands before BTCPay is asked, with the link as it was then.
-- `filing_at` stands before the claim leaves, and it leaves once; `remote_id` and `state` are what
-- BTCPay said last.
CREATE TABLE btcpay_payouts (
    payout_id TEXT PRIMARY KEY REFERENCES payouts (payout_id),
    payment_hash BLOB NOT NULL UNIQUE CHECK (length(payment_hash) = 32),
    btcpay_id TEXT NOT NULL,
    unit TEXT NOT NULL CHECK (unit IN ('BTC', 'SATS')),
    manages INTEGER NOT NULL CHECK (manages IN (0, 1)),
    filing_at INTEGER,
    remote_id TEXT UNIQUE,
    state TEXT,
    seen_at INTEGER,
    CHECK (remote_id IS NULL OR filing_at IS NOT NULL),
    CHECK ((remote_id IS NULL) = (state IS NULL) AND (remote_id IS NULL) = (seen_at IS NULL))
) STRICT, WITHOUT ROWID;
