"""Which episode the code that runs now belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servers.runtime.episode import Episode

current_episode: ContextVar[Episode] = ContextVar("current_episode")
