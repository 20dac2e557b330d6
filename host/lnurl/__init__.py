"""LNURL: how others ask us, and how we ask others."""
