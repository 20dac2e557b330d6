-- Which wallet a payout was handed to, written before that wallet is called: what one was asked for,
-- no other one knows of, so another one's "no such payment" frees no money. A payout that was handed
-- over before this step has none: the first wallet that is noted below is taken to be its own.
ALTER TABLE payouts ADD COLUMN wallet TEXT;

-- The wallets this ledger worked with, one row each time another one took over. `wallet` names it
-- without any secret; `since` of the first row is 0: what was before this step was its own too.
CREATE TABLE wallets (
    number INTEGER PRIMARY KEY,
    wallet TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
