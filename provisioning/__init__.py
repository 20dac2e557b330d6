"""Making, checking, repairing and wiping cards."""
