-- Each card that a till refused, written with the sale's own step: what the pages of a sale and of a
-- card tell. `card_id` is a card of ours whose tap was proven, `host` is another issuer; neither
-- where nobody knows which card it was, or where the QR code was not paid.
CREATE TABLE attempts (
    attempt_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sale_id TEXT NOT NULL REFERENCES sales (sale_id),
    card_id TEXT REFERENCES cards (card_id),
    host TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL,
    words TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX attempts_of_sale ON attempts (sale_id, attempt_id);

CREATE INDEX attempts_of_card ON attempts (card_id, attempt_id) WHERE card_id IS NOT NULL;

CREATE TRIGGER attempts_stay BEFORE UPDATE ON attempts
    BEGIN SELECT RAISE(ABORT, 'attempts are never changed'); END;

CREATE TRIGGER attempts_remain BEFORE DELETE ON attempts
    BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;

-- What was there before; nobody noted then which card it was.
INSERT INTO attempts (at, sale_id, code, words)
    SELECT e.at, e.subject, e.data ->> '$.code', coalesce(e.data ->> '$.words', '')
    FROM events e JOIN sales s ON s.sale_id = e.subject
    WHERE e.kind = 'sale.declined' AND e.data ->> '$.code' IS NOT NULL ORDER BY e.event_id;

-- To be asked for the PIN is no refusal: reports count it as declined no more.
DROP TRIGGER sales_end_unpaid;

CREATE TRIGGER sales_end_unpaid AFTER UPDATE OF state ON sales
    WHEN NEW.state IN ('declined', 'cancelled') AND NEW.code IS NOT 'pin_required' BEGIN
    INSERT INTO till_lines (at, store_id, terminal_id, person_id, shift_id, kind, subject, sale_id,
        amount_msat)
    VALUES (NEW.changed_at, NEW.store_id, NEW.terminal_id, NEW.person_id,
        (SELECT shift_id FROM shifts WHERE terminal_id = NEW.terminal_id
            AND person_id = NEW.person_id AND closed_at IS NULL),
        NEW.state, NEW.sale_id, NEW.sale_id, NEW.amount_msat);
    END;
