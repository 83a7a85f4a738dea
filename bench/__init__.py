"""Benchmarks: what we claim of speed, measured; the figures to quote are ratios within one run."""
