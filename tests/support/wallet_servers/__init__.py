"""Stand-ins for wallets' services, as strict as the descriptions that their makers publish."""
