-- The sales that are few among many, as lists ask for them: those that no card of ours paid, and
-- those that were not paid and are over, or wait for their outcome. Without them a list of few looks
-- at every sale between two of its own. States that a sale only passes through are in none, so a tap
-- at the till writes no more than before.
CREATE INDEX sales_by_others ON sales (store_id, method, sale_id) WHERE method <> 'card';

CREATE INDEX sales_unpaid ON sales (store_id, state, sale_id)
    WHERE state IN ('declined', 'checking', 'cancelled');
