"""Names of tools where several environments stand side by side: `{environment}_{tool}`, at most 64 characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

LONGEST = 64
_DIGITS = 8

Qualified = tuple[str, str]


def qualified_names(pairs: Iterable[Qualified]) -> dict[str, Qualified]:
    """Give a name for each pair of environment and tool, the same whatever their order.

    Where a plain name would be too long, or would be that of two pairs, it ends in digits of the pair's hash.
    """
    pairs = list(pairs)
    uses = Counter(map(_plain, pairs))
    return {_plain(pair) if _fits(pair, uses) else _marked(pair): pair for pair in pairs}


def _fits(pair: Qualified, uses: Counter[str]) -> bool:
    return uses[_plain(pair)] == 1 and len(_plain(pair)) <= LONGEST


def _plain(pair: Qualified) -> str:
    return f"{pair[0]}_{pair[1]}"


def _marked(pair: Qualified) -> str:
    mark = blake2b(".".join(pair).encode(), digest_size=_DIGITS // 2).hexdigest()
    return f"{_plain(pair)[: LONGEST - _DIGITS - 1]}_{mark}"
