"""Several rooms of the house together, against the real things."""
