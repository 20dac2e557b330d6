-- The printers of the configuration, written anew whenever the daemon starts: who wants something
-- printed finds here which printer serves a terminal, in whatever process it runs.
CREATE TABLE printers (
    printer TEXT PRIMARY KEY,
    drawer INTEGER NOT NULL CHECK (drawer IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE printer_terminals (
    terminal_id TEXT PRIMARY KEY,
    printer TEXT NOT NULL REFERENCES printers (printer) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What was asked to be printed. A job is printed at least once or it has failed with words, and a
-- person retries or dismisses it. `lines` are neutral pieces (receipts/paper), forgotten when the
-- job is over for good. A job that is not printed by `expires_at` fails: nobody wants a drawer
-- that opens, or yesterday's receipts, when a printer comes back.
CREATE TABLE print_jobs (
    job_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),
    printer TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('receipt', 'copy', 'refund', 'report', 'drawer', 'test')),
    subject TEXT,
    lines TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'printed', 'failed', 'dismissed')),
    tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    error TEXT,
    person_id TEXT REFERENCES people (person_id),
    created_at INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    CHECK ((state = 'queued') = (ended_at IS NULL)),
    CHECK (state <> 'failed' OR error IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX print_jobs_queued ON print_jobs (printer, next_try_at) WHERE state = 'queued';

CREATE INDEX print_jobs_open ON print_jobs (terminal_id, job_id) WHERE state IN ('queued', 'failed');

-- A sale has one receipt; whatever is printed of it after that says that it is a copy.
CREATE UNIQUE INDEX print_jobs_receipt ON print_jobs (subject)
    WHERE kind = 'receipt' AND state <> 'dismissed';
