"""What is asked: by which host and path a request reached the farm, for answers that hold addresses."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """The Host header and the path of a request."""

    host: str = ""
    path: str = ""


NOBODY = Asked()
current_asked: ContextVar[Asked] = ContextVar("current_asked", default=NOBODY)
