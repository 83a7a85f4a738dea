"""A home: what an episode is called, where it lives, what it may take, and who hears of its calls."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from servers.runtime.place import Memory, Place
from servers.runtime.quota import UNLIMITED, Quota

if TYPE_CHECKING:
    from servers.runtime.tool import Definition, Outcome

Observer = Callable[[str, "Definition", "Outcome", float], None]
"""Hears of a call: the environment, the tool, how it ended, and how many seconds it took."""


@dataclass(frozen=True)
class Names:
    """What an episode is called: by who runs it, and by those who act in it. None leads to another."""

    episode: str = field(default_factory=partial(secrets.token_urlsafe, 12))
    agent: str = field(default_factory=partial(secrets.token_urlsafe, 18))
    user: str = field(default_factory=partial(secrets.token_urlsafe, 18))


@dataclass(frozen=True)
class Home:
    """Where an episode lives and what it may take; a farm gives one, and otherwise it lives in memory, unlimited."""

    names: Names = field(default_factory=Names)
    place: Place = field(default_factory=Memory)
    quota: Quota = UNLIMITED
    logged: bool = False
    """Whether calls are noted, for who will judge them."""
    observer: Observer | None = None
    """Who hears of each call, and how many seconds it took."""
