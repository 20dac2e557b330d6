"""Tests mirror the tree; `integration`, `browser`, `bench` and `device` stand beside."""
