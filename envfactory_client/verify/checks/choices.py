"""Where hypothesis takes its choices from: a generator alone.

On its own, hypothesis also draws constants that it reads in whatever modules are loaded, so that what it tries depends
on what was imported before; a record could then not be compared with what is found another day.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def backend() -> str:
    """The name of hypothesis' own choices without the constants, for `hypothesis.settings`."""
    from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

    class Choices(HypothesisProvider):
        def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
            return None

    AVAILABLE_PROVIDERS["envfactory"] = Choices
    return "envfactory"
