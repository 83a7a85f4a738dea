"""The battery's inner half: checks that look inside an environment's process."""
