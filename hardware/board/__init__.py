"""The reader's board: one description, from which everything that is made of it comes."""
