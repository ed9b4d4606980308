"""Measurements: every figure in a document comes from a command here."""
