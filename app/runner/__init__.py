"""Runs searches in a process of their own: jobs, workers, and what pages may ask of them."""
