-- Sums of the daily totals, so that what a screen reads does not grow with the number of cards:
-- what a store's day came to, and what a card's month came to. Written with the very change of the
-- daily total that they sum up, and proven by `books`.
CREATE TABLE store_days (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    day TEXT NOT NULL,
    status TEXT NOT NULL,
    payouts INTEGER NOT NULL CHECK (payouts >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (store_id, day, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE card_months (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    month TEXT NOT NULL,
    boltcard_id TEXT NOT NULL REFERENCES cards (card_id),
    status TEXT NOT NULL,
    payouts INTEGER NOT NULL CHECK (payouts >= 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (store_id, month, boltcard_id, status)
) STRICT, WITHOUT ROWID;

INSERT INTO store_days SELECT store_id, day, status, sum(payouts), sum(amount)
    FROM daily_totals GROUP BY store_id, day, status;

INSERT INTO card_months
    SELECT store_id, substr(day, 1, 7), boltcard_id, status, sum(payouts), sum(amount)
    FROM daily_totals GROUP BY store_id, substr(day, 1, 7), boltcard_id, status;

CREATE TRIGGER daily_totals_new AFTER INSERT ON daily_totals BEGIN
    INSERT INTO store_days (store_id, day, status, payouts, amount)
    VALUES (NEW.store_id, NEW.day, NEW.status, NEW.payouts, NEW.amount)
    ON CONFLICT (store_id, day, status) DO UPDATE SET
        payouts = payouts + excluded.payouts, amount = amount + excluded.amount;
    INSERT INTO card_months (store_id, month, boltcard_id, status, payouts, amount)
    VALUES (NEW.store_id, substr(NEW.day, 1, 7), NEW.boltcard_id, NEW.status, NEW.payouts,
        NEW.amount)
    ON CONFLICT (store_id, month, boltcard_id, status) DO UPDATE SET
        payouts = payouts + excluded.payouts, amount = amount + excluded.amount;
    END;

CREATE TRIGGER daily_totals_more AFTER UPDATE OF payouts, amount ON daily_totals BEGIN
    UPDATE store_days SET payouts = payouts + NEW.payouts - OLD.payouts,
        amount = amount + NEW.amount - OLD.amount
    WHERE store_id = NEW.store_id AND day = NEW.day AND status = NEW.status;
    UPDATE card_months SET payouts = payouts + NEW.payouts - OLD.payouts,
        amount = amount + NEW.amount - OLD.amount
    WHERE store_id = NEW.store_id AND month = substr(NEW.day, 1, 7)
        AND boltcard_id = NEW.boltcard_id AND status = NEW.status;
    END;
