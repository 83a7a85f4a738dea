"""Limits: how much a farm takes on, and how much of it any one episode may have."""

from __future__ import annotations

from dataclasses import dataclass

from servers.runtime.quota import UNLIMITED, Quota

MIB = 1_048_576
PAGES_OF_MIB = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a whole farm."""

    episodes: int = 10_000
    """Open episodes, wherever they are."""
    idle_seconds: float = 3600.0
    """How long an episode stays open that nobody uses."""
    memory: int = 2048 * MIB
    """Bytes that episodes may take in memory, as estimated; those idle for longest are moved to files beyond it."""
    warm: int = 1024
    """Episodes, the last used, whose connections remember their statements, which takes more room than small states."""
    stock: int = 0
    """Databases of closed episodes that the next ones take over, so that statements stay prepared; in small files."""
    requests: int = 4096
    """Requests under way at a time."""
    depth: int = 64
    """How deep lists and objects of a request may lie in each other."""
    quota: Quota = UNLIMITED
    """What one episode may have."""


QUOTA = Quota(rows=200_000, pages=64 * PAGES_OF_MIB, call_seconds=5.0, calls=10_000, snapshots=256)
"""What one episode may have unless the farm is told otherwise."""
EMBEDDED = Limits(episodes=100_000, memory=16_384 * MIB, stock=12)
"""The limits of a farm inside its only caller's process, who has itself to blame, and uses few episodes at a time."""
