"""Garbage: looking for cycles among all that Python holds costs most where much is held and little is cyclic."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (50_000, 20, 50)


def look_seldom() -> None:
    """Look for cycles less often from now on, here and in processes forked later."""
    gc.set_threshold(*_SELDOM)


@contextmanager
def looked_for_seldom() -> Iterator[None]:
    """Look for cycles less often as far as the block goes."""
    before = gc.get_threshold()
    look_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
