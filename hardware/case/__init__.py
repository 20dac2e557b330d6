"""The reader's case: a base, a lid and two buttons, made from the board's own dimensions."""
