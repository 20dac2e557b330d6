"""A real LNbits behind our wallet."""
