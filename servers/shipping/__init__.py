"""Shipping: one environment with all that it needs, as a folder that runs by itself or as a bundle."""
