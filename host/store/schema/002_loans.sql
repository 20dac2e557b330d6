-- A terminal's reader is lent to something else than its till, such as the card desk: while the
-- row is there, no sale starts on this terminal, and while a sale is open there is no row.
CREATE TABLE reader_loans (
    terminal_id TEXT PRIMARY KEY REFERENCES terminals (terminal_id),
    borrower TEXT NOT NULL,
    job_id INTEGER NOT NULL,
    person_id TEXT,
    lent_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
