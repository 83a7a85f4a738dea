"""Authoring: the skeleton of a new environment, and the list of what its author still owes."""
