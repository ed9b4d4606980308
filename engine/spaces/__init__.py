"""Semantic spaces: named axes with ranges, and a function from their points to images."""
