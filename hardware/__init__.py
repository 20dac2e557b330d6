"""The reader's board and case, and the twin: card, chip and slot in software."""
