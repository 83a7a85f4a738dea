"""An HTTP answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: its status and the whole body."""

    status: int
    body: bytes
