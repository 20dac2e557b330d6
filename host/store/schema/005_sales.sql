-- What a sale knows beside its amount. `amount_msat` is all that is charged, the tip within it;
-- `fiat` is what was keyed in where the shop counts in its own currency, as decimal text.
ALTER TABLE sales ADD COLUMN tip_msat INTEGER NOT NULL DEFAULT 0
    CHECK (tip_msat >= 0 AND tip_msat % 1000 = 0);

ALTER TABLE sales ADD COLUMN note TEXT NOT NULL DEFAULT '';

ALTER TABLE sales ADD COLUMN fiat TEXT;

ALTER TABLE sales ADD COLUMN person_id TEXT REFERENCES people (person_id);

-- How and when it was paid: a card of ours, another issuer's card, or our invoice on the screen.
-- Reports range over this time, which never changes afterwards.
ALTER TABLE sales ADD COLUMN method TEXT CHECK (method IN ('card', 'foreign', 'invoice'));

ALTER TABLE sales ADD COLUMN settled_at INTEGER
    CHECK ((settled_at IS NULL) = (method IS NULL));

UPDATE sales SET settled_at = changed_at,
    method = CASE WHEN payout_id IS NULL THEN 'foreign' ELSE 'card' END
    WHERE state = 'approved';

CREATE INDEX sales_settled ON sales (store_id, settled_at) WHERE settled_at IS NOT NULL;

CREATE INDEX sales_settled_here ON sales (terminal_id, settled_at) WHERE settled_at IS NOT NULL;

-- Who was handed an invoice of ours: the issuer of a card, or whoever reads the screen.
ALTER TABLE sale_invoices ADD COLUMN source TEXT NOT NULL DEFAULT 'issuer'
    CHECK (source IN ('issuer', 'screen'));
