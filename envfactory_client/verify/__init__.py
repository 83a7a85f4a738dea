"""Verifying: what an environment promises, tried by machine until it breaks or the effort is spent."""
