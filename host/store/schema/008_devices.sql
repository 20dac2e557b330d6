-- Browsers that stand in a store and are trusted as tills: people sign in there with a PIN. The
-- cookie is kept as its SHA-256 only. `terminal_id` is where its sales are charged now.
CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    name TEXT NOT NULL,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),
    trusted_by TEXT,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_of_store ON devices (store_id, created_at);

-- Links that make the browser which opens them a trusted till, once.
CREATE TABLE device_links (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    name TEXT NOT NULL,
    terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),
    trusted_by TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

-- A session that began with a PIN is of use on its own device only, and ends sooner when nobody
-- does anything; it is then locked, and its person comes back with the PIN.
ALTER TABLE sessions ADD COLUMN device_id TEXT REFERENCES devices (device_id);

ALTER TABLE sessions ADD COLUMN idle_ms INTEGER CHECK (idle_ms > 0);
