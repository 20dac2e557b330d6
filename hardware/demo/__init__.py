"""The demo: a twin reader and its cards, and a real daemon serving them."""
