"""How a card is reached: PC/SC, nfcpy and our own reader behind one interface."""
