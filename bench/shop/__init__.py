"""The shop: an environment of common size, for measuring."""
