"""Nulls: what a query's parameters are bound to where it is only compiled and never asked for rows."""

from __future__ import annotations


class Nulls(dict[str, None]):
    """Null for every parameter that a query has, whatever its name."""

    def __missing__(self, name: str) -> None:
        return None
