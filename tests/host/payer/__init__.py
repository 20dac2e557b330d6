"""Tests of the payer."""
