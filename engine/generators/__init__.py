"""Image generators, each cut into named points from which it can run onward."""
