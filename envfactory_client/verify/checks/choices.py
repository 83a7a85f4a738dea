"""Where hypothesis takes its choices from: a generator alone.

On its own, hypothesis also draws constants that it reads in whatever modules are loaded, so that what it tries depends
on what was imported before; a record could then not be compared with what is found another day.
"""

from __future__ import annotations

from typing import Any

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

BACKEND = "envfactory"
"""Name of the backend, for `hypothesis.settings`."""


class Choices(HypothesisProvider):
    """Hypothesis' own choices, without the constants."""

    def _maybe_draw_constant(self, *_: Any, **__: Any) -> None:
        return None


AVAILABLE_PROVIDERS[BACKEND] = Choices
