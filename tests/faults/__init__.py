"""kill -9 of a serving host at every step from claim to settlement (`make faults`)."""
