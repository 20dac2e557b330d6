-- What is kept (DESIGN). Amounts are integer millisatoshi, times are UTC epoch milliseconds,
-- ids are text, hashes are 32 bytes. A blank line ends a statement, and stands nowhere else.
CREATE TABLE stores (
    store_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    timezone TEXT NOT NULL,
    cutoff_hour INTEGER NOT NULL CHECK (cutoff_hour BETWEEN 0 AND 23),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE terminals (
    terminal_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    name TEXT NOT NULL,
    reader TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The accounts that cards draw on. balance + held + paid is what ever came in.
CREATE TABLE pull_payments (
    pull_payment_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'ended')),
    limit_msat INTEGER CHECK (limit_msat >= 0),
    starts_at INTEGER,
    ends_at INTEGER,
    balance_msat INTEGER NOT NULL CHECK (balance_msat >= 0),
    held_msat INTEGER NOT NULL CHECK (held_msat >= 0),
    paid_msat INTEGER NOT NULL CHECK (paid_msat >= 0),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pull_payments_of_store ON pull_payments (store_id, created_at);

-- A limit that is NULL is none; zero is zero. Keys are derived, never kept. `spent` is what is
-- paid or on its way, ever; with the payouts' `before` it gives the sums of any time (windows).
CREATE TABLE cards (
    card_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    pull_payment_id TEXT NOT NULL REFERENCES pull_payments (pull_payment_id),
    uid TEXT NOT NULL UNIQUE CHECK (length(uid) = 14),
    alias TEXT NOT NULL,
    issuer_id TEXT NOT NULL,
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    key_scheme TEXT NOT NULL CHECK (key_scheme IN ('boltcard', 'pull_payment')),
    last_counter INTEGER NOT NULL CHECK (last_counter BETWEEN 0 AND 16777215),
    state TEXT NOT NULL CHECK (state IN ('new', 'active', 'frozen', 'wiped')),
    starts_at INTEGER,
    ends_at INTEGER,
    limit_tap_msat INTEGER CHECK (limit_tap_msat >= 0),
    limit_day_msat INTEGER CHECK (limit_day_msat >= 0),
    limit_month_msat INTEGER CHECK (limit_month_msat >= 0),
    limit_count INTEGER CHECK (limit_count >= 0),
    pin_hash TEXT,
    pin_limit_msat INTEGER CHECK (pin_limit_msat >= 0),
    pin_tries INTEGER NOT NULL CHECK (pin_tries >= 0),
    created_at INTEGER NOT NULL,
    spent_msat INTEGER NOT NULL DEFAULT 0 CHECK (spent_msat >= 0),
    spent_count INTEGER NOT NULL DEFAULT 0 CHECK (spent_count >= 0),
    newest_at INTEGER NOT NULL DEFAULT 0,
    CHECK ((pin_hash IS NULL) = (pin_limit_msat IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX cards_of_store ON cards (store_id, created_at);

CREATE INDEX cards_of_pull_payment ON cards (pull_payment_id);

-- The ids of a terminal's sales ascend, and only its newest sale can be open.
CREATE TABLE sales (
    sale_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0 AND amount_msat % 1000 = 0),
    currency TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('ready', 'reading', 'authorising', 'approved', 'declined', 'checking', 'cancelled')),
    code TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    payout_id TEXT REFERENCES payouts (payout_id),
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sales_of_store ON sales (store_id, sale_id);

CREATE INDEX sales_of_terminal ON sales (terminal_id, sale_id);

-- Those whose outcome somebody must find out, also after a restart.
CREATE INDEX sales_unknown ON sales (sale_id) WHERE state IN ('authorising', 'checking');

-- The columns of the dashboard guide, then ours. A tap is one counter of one version of a card's
-- keys, because a chip counts from zero again when it is made anew; it pays once. `day` is the store's business day of created_at,
-- fixed when the row is made, so that a later change of time zone moves no money between days.
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    payout_id TEXT NOT NULL UNIQUE,
    pull_payment_id TEXT NOT NULL REFERENCES pull_payments (pull_payment_id),
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    amount INTEGER NOT NULL CHECK (amount > 0 AND amount % 1000 = 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN
        ('Pending', 'Processing', 'Completed', 'Failed', 'Cancelled')),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    boltcard_id TEXT NOT NULL REFERENCES cards (card_id),
    boltcard_ntag TEXT NOT NULL,
    recipient_address TEXT,
    transaction_id TEXT,
    error_message TEXT,
    metadata TEXT,
    key_version INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    day TEXT NOT NULL,
    route TEXT NOT NULL CHECK (route IN ('internal', 'lightning')),
    sale_id TEXT REFERENCES sales (sale_id),
    payment_hash BLOB CHECK (length(payment_hash) = 32),
    preimage BLOB CHECK (length(preimage) = 32),
    fee_msat INTEGER NOT NULL CHECK (fee_msat >= 0),
    fee_held_msat INTEGER NOT NULL CHECK (fee_held_msat >= 0),
    processing_at INTEGER,
    next_check_at INTEGER,
    checks INTEGER NOT NULL,
    before_msat INTEGER NOT NULL CHECK (before_msat >= 0),
    before_count INTEGER NOT NULL CHECK (before_count >= 0),
    UNIQUE (boltcard_id, key_version, counter),
    CHECK ((status = 'Completed') = (completed_at IS NOT NULL)),
    CHECK ((route = 'lightning') = (payment_hash IS NOT NULL)),
    CHECK ((route = 'lightning' AND status = 'Completed') = (preimage IS NOT NULL)),
    CHECK ((status = 'Processing') = (next_check_at IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX payouts_hash ON payouts (payment_hash) WHERE payment_hash IS NOT NULL;

-- A card has one payment on its way at most.
CREATE UNIQUE INDEX payouts_on_the_way ON payouts (boltcard_id)
    WHERE status IN ('Pending', 'Processing');

-- What a card did and spent in any time, read from here alone, without a look at the table.
CREATE INDEX payouts_of_card
    ON payouts (boltcard_id, created_at, id, status, amount, before_msat, before_count);

CREATE INDEX payouts_of_day ON payouts (store_id, day);

CREATE INDEX payouts_not_completed ON payouts (store_id, status, day) WHERE status <> 'Completed';

CREATE INDEX payouts_pending ON payouts (id) WHERE status = 'Pending';

CREATE INDEX payouts_due ON payouts (next_check_at) WHERE status = 'Processing';

-- Every movement of money, never changed: what it did to what is available, and to what is held.
-- A payout's movements are named after it, so nothing is held twice and no hold ends twice.
CREATE TABLE entries (
    entry_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    pull_payment_id TEXT NOT NULL REFERENCES pull_payments (pull_payment_id),
    payout_id TEXT REFERENCES payouts (payout_id),
    card_id TEXT REFERENCES cards (card_id),
    kind TEXT NOT NULL CHECK (kind IN
        ('fund', 'top-up', 'hold', 'release', 'settle', 'refund', 'adjust')),
    available_msat INTEGER NOT NULL,
    held_msat INTEGER NOT NULL,
    reason TEXT,
    person_id TEXT,
    CHECK (kind NOT IN ('hold', 'release', 'settle')
        OR entry_id = payout_id || CASE kind WHEN 'hold' THEN '.hold' ELSE '.end' END)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_by_hand ON entries (pull_payment_id, at)
    WHERE kind NOT IN ('hold', 'release', 'settle');

CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;

CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;

-- Only real outcomes: what was Completed.
CREATE TABLE boltcard_usage (
    boltcard_id TEXT PRIMARY KEY REFERENCES cards (card_id),
    alias TEXT,
    total_payouts INTEGER NOT NULL CHECK (total_payouts >= 0),
    total_amount INTEGER NOT NULL CHECK (total_amount >= 0),
    first_used INTEGER,
    last_used INTEGER,
    store_id TEXT NOT NULL REFERENCES stores (store_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_totals (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    day TEXT NOT NULL,
    boltcard_id TEXT NOT NULL REFERENCES cards (card_id),
    status TEXT NOT NULL,
    payouts INTEGER NOT NULL CHECK (payouts >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (store_id, day, boltcard_id, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    store_id TEXT,
    subject TEXT,
    data TEXT NOT NULL
) STRICT;

CREATE TRIGGER events_stay BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

-- Who did what: each row carries the hash of the one before it.
CREATE TABLE audit (
    audit_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    person_id TEXT,
    action TEXT NOT NULL,
    subject TEXT,
    data TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END;

CREATE TRIGGER audit_remains BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is never deleted'); END;

CREATE TABLE people (
    person_id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('cashier', 'technician', 'manager')),
    store_id TEXT REFERENCES stores (store_id),
    password_hash TEXT,
    pin_hash TEXT,
    state TEXT NOT NULL CHECK (state IN ('active', 'blocked')),
    tries INTEGER NOT NULL CHECK (tries >= 0),
    locked_until INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tokens are kept as their SHA-256 only.
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    person_id TEXT NOT NULL REFERENCES people (person_id),
    terminal_id TEXT REFERENCES terminals (terminal_id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_person ON sessions (person_id);

CREATE TABLE sign_in_links (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    person_id TEXT NOT NULL REFERENCES people (person_id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE health (
    part TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The dashboard guide's tables, exactly: BTC with 8 decimals by integer arithmetic, UTC text.
CREATE VIEW flash_payouts AS SELECT
    id,
    payout_id,
    pull_payment_id,
    store_id,
    printf('%d.%08d', amount / 100000000000, amount / 1000 % 100000000) AS amount,
    currency,
    status,
    strftime('%Y-%m-%d %H:%M:%S', created_at / 1000, 'unixepoch') AS created_at,
    strftime('%Y-%m-%d %H:%M:%S', completed_at / 1000, 'unixepoch') AS completed_at,
    boltcard_id,
    boltcard_ntag,
    recipient_address,
    transaction_id,
    error_message,
    metadata
    FROM payouts;

CREATE VIEW flash_boltcard_usage AS SELECT
    boltcard_id,
    alias,
    total_payouts,
    printf('%d.%08d', total_amount / 100000000000, total_amount / 1000 % 100000000)
        AS total_amount,
    strftime('%Y-%m-%d %H:%M:%S', first_used / 1000, 'unixepoch') AS first_used,
    strftime('%Y-%m-%d %H:%M:%S', last_used / 1000, 'unixepoch') AS last_used,
    store_id
    FROM boltcard_usage;
