"""The host: cards, readers, claims, payouts, LNURL and Lightning."""
