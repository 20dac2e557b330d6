-- Somebody's time at a terminal. What was counted in the drawer is in the smallest unit of the
-- store's currency; both amounts are NULL where nobody counted. A closed shift never changes.
CREATE TABLE shifts (
    shift_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT NOT NULL REFERENCES terminals (terminal_id),
    person_id TEXT NOT NULL REFERENCES people (person_id),
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    currency TEXT NOT NULL,
    opening_minor INTEGER CHECK (opening_minor >= 0),
    counted_minor INTEGER CHECK (counted_minor >= 0),
    note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX shifts_open ON shifts (terminal_id, person_id) WHERE closed_at IS NULL;

CREATE INDEX shifts_of_store ON shifts (store_id, shift_id);

CREATE TRIGGER shifts_stay BEFORE UPDATE ON shifts WHEN OLD.closed_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a closed shift is never changed'); END;

CREATE TRIGGER shifts_remain BEFORE DELETE ON shifts
    BEGIN SELECT RAISE(ABORT, 'shifts are never deleted'); END;

-- What reports count, in the order in which it became durable: the ledger's one writer numbers
-- the lines, so a report is a range of numbers, and no clock can lose a line or count it twice.
-- `subject` is the sale, the entry, the payment hash or the payout that the line stands for. A
-- top-up in cash is at the terminal where whoever took it has a shift; a fee is at none.
CREATE TABLE till_lines (
    line_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT REFERENCES terminals (terminal_id),
    person_id TEXT,
    shift_id TEXT REFERENCES shifts (shift_id),
    kind TEXT NOT NULL CHECK (kind IN
        ('sale', 'refund', 'late', 'top-up', 'fee', 'declined', 'cancelled')),
    subject TEXT NOT NULL,
    sale_id TEXT REFERENCES sales (sale_id),
    method TEXT,
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    tip_msat INTEGER NOT NULL DEFAULT 0,
    CHECK ((kind = 'sale') = (method IS NOT NULL))
) STRICT;

CREATE INDEX till_lines_of_store ON till_lines (store_id, line_id);

CREATE INDEX till_lines_of_terminal ON till_lines (terminal_id, line_id);

CREATE INDEX till_lines_of_shift ON till_lines (shift_id, line_id) WHERE shift_id IS NOT NULL;

CREATE UNIQUE INDEX till_lines_once ON till_lines (kind, subject)
    WHERE kind NOT IN ('declined', 'cancelled');

CREATE TRIGGER till_lines_stay BEFORE UPDATE ON till_lines
    BEGIN SELECT RAISE(ABORT, 'lines of a till are never changed'); END;

CREATE TRIGGER till_lines_remain BEFORE DELETE ON till_lines
    BEGIN SELECT RAISE(ABORT, 'lines of a till are never deleted'); END;

-- What was there before, in the order of its time.
INSERT INTO till_lines
    (at, store_id, terminal_id, person_id, kind, subject, sale_id, method, amount_msat, tip_msat)
    SELECT at, store_id, terminal_id, person_id, kind, subject, sale_id, method, amount, tip FROM (
        SELECT settled_at AS at, store_id, terminal_id, person_id, 'sale' AS kind,
            sale_id AS subject, sale_id, method, amount_msat AS amount, tip_msat AS tip
        FROM sales WHERE settled_at IS NOT NULL
        UNION ALL
        SELECT e.at, s.store_id, s.terminal_id, e.person_id, 'refund', e.entry_id, s.sale_id,
            NULL, e.available_msat, 0
        FROM entries e JOIN payouts p ON p.payout_id = e.payout_id
        JOIN sales s ON s.sale_id = p.sale_id WHERE e.kind = 'refund'
        UNION ALL
        SELECT i.ended_at, s.store_id, s.terminal_id, s.person_id, 'late',
            lower(hex(i.payment_hash)), s.sale_id, NULL, i.amount_msat, 0
        FROM sale_invoices i JOIN sales s ON s.sale_id = i.sale_id WHERE i.state = 'late'
        UNION ALL
        SELECT e.at, a.store_id, NULL, e.person_id, 'top-up', e.entry_id, NULL, NULL,
            e.available_msat, 0
        FROM entries e JOIN pull_payments a ON a.pull_payment_id = e.pull_payment_id
        WHERE e.kind = 'top-up' AND e.entry_id NOT LIKE '%.top-up'
        UNION ALL
        SELECT completed_at, store_id, NULL, NULL, 'fee', payout_id, NULL, NULL,
            fee_msat - fee_held_msat, 0
        FROM payouts WHERE status = 'Completed' AND fee_msat > fee_held_msat
    ) ORDER BY at, subject;

-- The lines are written by the change itself, so no way of charging can forget one. A shift is
-- that of whoever charged, where it is open as the money comes.
CREATE TRIGGER sales_settle AFTER UPDATE OF settled_at ON sales
    WHEN NEW.settled_at IS NOT NULL AND OLD.settled_at IS NULL BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject, sale_id,
        method, amount_msat, tip_msat)
    VALUES (NEW.settled_at, NEW.store_id, NEW.terminal_id, NEW.person_id,
        (SELECT shift_id FROM shifts WHERE terminal_id = NEW.terminal_id
            AND person_id = NEW.person_id AND closed_at IS NULL),
        'sale', NEW.sale_id, NEW.sale_id, NEW.method, NEW.amount_msat, NEW.tip_msat);
    END;

CREATE TRIGGER sales_stay_settled
    BEFORE UPDATE OF settled_at, method, amount_msat, tip_msat, store_id, terminal_id ON sales
    WHEN OLD.settled_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a sale that was paid is never changed'); END;

CREATE TRIGGER sales_end_unpaid AFTER UPDATE OF state ON sales
    WHEN NEW.state IN ('declined', 'cancelled') BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject, sale_id,
        amount_msat)
    VALUES (NEW.changed_at, NEW.store_id, NEW.terminal_id, NEW.person_id,
        (SELECT shift_id FROM shifts WHERE terminal_id = NEW.terminal_id
            AND person_id = NEW.person_id AND closed_at IS NULL),
        NEW.state, NEW.sale_id, NEW.sale_id, NEW.amount_msat);
    END;

CREATE TRIGGER entries_refund AFTER INSERT ON entries WHEN NEW.kind = 'refund' BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject, sale_id,
        amount_msat)
    SELECT NEW.at, s.store_id, s.terminal_id, NEW.person_id,
        (SELECT shift_id FROM shifts WHERE terminal_id = s.terminal_id
            AND person_id = NEW.person_id AND closed_at IS NULL),
        'refund', NEW.entry_id, s.sale_id, NEW.available_msat
    FROM payouts p JOIN sales s ON s.sale_id = p.sale_id WHERE p.payout_id = NEW.payout_id;
    END;

CREATE TRIGGER entries_cash AFTER INSERT ON entries
    WHEN NEW.kind = 'top-up' AND NEW.entry_id NOT LIKE '%.top-up' BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject,
        amount_msat)
    SELECT NEW.at, a.store_id, h.terminal_id, NEW.person_id, h.shift_id, 'top-up', NEW.entry_id,
        NEW.available_msat
    FROM pull_payments a LEFT JOIN shifts h ON h.shift_id =
        (SELECT max(shift_id) FROM shifts WHERE person_id = NEW.person_id
            AND store_id = a.store_id AND closed_at IS NULL)
    WHERE a.pull_payment_id = NEW.pull_payment_id;
    END;

CREATE TRIGGER invoices_late AFTER UPDATE OF state ON sale_invoices
    WHEN NEW.state = 'late' AND OLD.state <> 'late' BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject, sale_id,
        amount_msat)
    SELECT NEW.ended_at, s.store_id, s.terminal_id, s.person_id,
        (SELECT shift_id FROM shifts WHERE terminal_id = s.terminal_id
            AND person_id = s.person_id AND closed_at IS NULL),
        'late', lower(hex(NEW.payment_hash)), s.sale_id, NEW.amount_msat
    FROM sales s WHERE s.sale_id = NEW.sale_id;
    END;

CREATE TRIGGER payouts_fee AFTER UPDATE OF status ON payouts
    WHEN NEW.status = 'Completed' AND OLD.status <> 'Completed'
        AND NEW.fee_msat > NEW.fee_held_msat BEGIN
    INSERT INTO till_lines (at, store_id, kind, subject, amount_msat)
    VALUES (NEW.completed_at, NEW.store_id, 'fee', NEW.payout_id,
        NEW.fee_msat - NEW.fee_held_msat);
    END;

-- Z reports: one numbered row after the other for each terminal, and for each store as a whole
-- (`terminal_id` NULL). Each takes up where the one before it ended: lines above `after_line`, up
-- to and with `until_line`; the times are for people. Each hash covers the one before it.
CREATE TABLE z_reports (
    report_id TEXT PRIMARY KEY,
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    terminal_id TEXT REFERENCES terminals (terminal_id),
    number INTEGER NOT NULL CHECK (number > 0),
    after_line INTEGER NOT NULL CHECK (after_line >= 0),
    until_line INTEGER NOT NULL CHECK (until_line >= after_line),
    from_at INTEGER,
    until_at INTEGER NOT NULL,
    person_id TEXT,
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX z_reports_numbers ON z_reports (store_id, coalesce(terminal_id, ''), number);

CREATE INDEX z_reports_of_store ON z_reports (store_id, report_id);

CREATE TRIGGER z_reports_stay BEFORE UPDATE ON z_reports
    BEGIN SELECT RAISE(ABORT, 'Z reports are never changed'); END;

CREATE TRIGGER z_reports_remain BEFORE DELETE ON z_reports
    BEGIN SELECT RAISE(ABORT, 'Z reports are never deleted'); END;
