"""How value moves: one `Wallet` interface and the wallets behind it."""
