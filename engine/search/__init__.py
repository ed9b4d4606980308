"""Searches: trials in, results out."""
