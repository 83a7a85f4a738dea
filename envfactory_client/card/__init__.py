"""A report card: what a dataset of trajectories covers, hides, repeats and proves, counted from its own lines."""
