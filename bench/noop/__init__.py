"""The least environment that there can be, to compare others with."""
