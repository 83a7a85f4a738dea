"""The checks that are known: ours, and those that installed packages offer by an entry point."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

from envfactory_client.verify.check import Check
from envfactory_client.verify.checks import CHECKS
from envfactory_client.verify.installed import is_ours


def all_checks() -> tuple[Check, ...]:
    """The checks of this package, and those that installed packages add, in the order of their ids."""
    added = [check for point in entry_points(group="envfactory.checks") for check in _offered(point)]
    return tuple(sorted((*CHECKS, *added), key=_in_order))


def _offered(point: EntryPoint) -> Sequence[Check]:
    """The checks behind an entry point; none where the extra that they look into isn't installed."""
    try:
        checks: Sequence[Check] = point.load()
    except ModuleNotFoundError as error:
        if is_ours(error):
            raise
        return ()
    return checks


def _in_order(check: Check) -> tuple[str, int]:
    return check.id[0], int(check.id[1:])
