"""Cards are made, checked, repaired and wiped on the twin."""
