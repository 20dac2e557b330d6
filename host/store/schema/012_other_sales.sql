-- Sums of the sales that no payout of ours stands behind, by the quarter of an hour in which they
-- were paid: a business day of any time zone is made of whole ones. Written with the very change
-- that they count, and never for a card of ours, whose sums are among the daily totals.
CREATE TABLE other_sales (
    store_id TEXT NOT NULL REFERENCES stores (store_id),
    quarter INTEGER NOT NULL,
    method TEXT NOT NULL CHECK (method IN ('foreign', 'invoice')),
    sales INTEGER NOT NULL CHECK (sales > 0),
    amount_msat INTEGER NOT NULL CHECK (amount_msat > 0),
    tip_msat INTEGER NOT NULL CHECK (tip_msat >= 0),
    PRIMARY KEY (store_id, quarter, method)
) STRICT, WITHOUT ROWID;

INSERT INTO other_sales (store_id, quarter, method, sales, amount_msat, tip_msat)
    SELECT store_id, settled_at / 900000, method, count(*), sum(amount_msat), sum(tip_msat)
    FROM sales WHERE settled_at IS NOT NULL AND method <> 'card'
    GROUP BY store_id, settled_at / 900000, method;

CREATE TRIGGER other_sales_count AFTER UPDATE OF settled_at ON sales
    WHEN NEW.method <> 'card' AND NEW.settled_at IS NOT NULL AND OLD.settled_at IS NULL BEGIN
    INSERT INTO other_sales (store_id, quarter, method, sales, amount_msat, tip_msat)
    VALUES (NEW.store_id, NEW.settled_at / 900000, NEW.method, 1, NEW.amount_msat, NEW.tip_msat)
    ON CONFLICT (store_id, quarter, method) DO UPDATE SET sales = sales + 1,
        amount_msat = amount_msat + excluded.amount_msat, tip_msat = tip_msat + excluded.tip_msat;
    END;
