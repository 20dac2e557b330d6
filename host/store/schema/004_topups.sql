-- Who pays what the way of a payment costs, and how much at most: a base and parts per million of
-- the amount. Without numbers of its own an account follows the host's.
ALTER TABLE pull_payments ADD COLUMN fee_payer TEXT NOT NULL DEFAULT 'card'
    CHECK (fee_payer IN ('card', 'store'));

ALTER TABLE pull_payments ADD COLUMN fee_base_msat INTEGER CHECK (fee_base_msat >= 0);

ALTER TABLE pull_payments ADD COLUMN fee_ppm INTEGER
    CHECK ((fee_ppm IS NULL) = (fee_base_msat IS NULL) AND fee_ppm BETWEEN 0 AND 1000000);

-- What the wallet may spend on the way. The card's account holds all of it, or nothing of it.
ALTER TABLE payouts ADD COLUMN fee_limit_msat INTEGER
    CHECK (fee_limit_msat IS NULL OR (route = 'lightning' AND fee_held_msat IN (0, fee_limit_msat)));

UPDATE payouts SET fee_limit_msat = fee_held_msat WHERE route = 'lightning';

-- Invoices of the shop's wallet that somebody asked for to fill a card. A row stands before its
-- invoice leaves. `over` is expired and not paid; what is paid later is credited all the same.
CREATE TABLE topup_invoices (
    payment_hash BLOB PRIMARY KEY CHECK (length(payment_hash) = 32),
    card_id TEXT NOT NULL REFERENCES cards (card_id),
    pull_payment_id TEXT NOT NULL REFERENCES pull_payments (pull_payment_id),
    bolt11 TEXT NOT NULL,
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    state TEXT NOT NULL CHECK (state IN ('offered', 'paid', 'over')),
    offered_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    checks INTEGER NOT NULL,
    next_check_at INTEGER,
    CHECK ((state = 'offered') = (ended_at IS NULL)),
    CHECK (state <> 'offered' OR next_check_at IS NOT NULL),
    CHECK (state <> 'paid' OR next_check_at IS NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX topup_invoices_due ON topup_invoices (next_check_at)
    WHERE next_check_at IS NOT NULL;

CREATE INDEX topup_invoices_open ON topup_invoices (card_id) WHERE state = 'offered';

-- Lightning addresses: the name before the @, chosen for a card (LUD-16).
CREATE TABLE card_addresses (
    name TEXT PRIMARY KEY,
    card_id TEXT NOT NULL UNIQUE REFERENCES cards (card_id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest tap of each card that opened the balance page, and when it did first.
CREATE TABLE balance_looks (
    card_id TEXT PRIMARY KEY REFERENCES cards (card_id),
    key_version INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    before_at INTEGER
) STRICT, WITHOUT ROWID;

-- What belongs to a payment beside its own hold and end: what was given back.
CREATE INDEX entries_of_payout ON entries (payout_id)
    WHERE kind NOT IN ('hold', 'release', 'settle');

CREATE INDEX entries_of_card ON entries (card_id, at)
    WHERE kind NOT IN ('hold', 'release', 'settle');
