"""Ids that can't be guessed: a counter sent through a keyed permutation of all ids that a pattern describes.

A pattern is a literal prefix and one character class with a count, such as `^BK[0-9]{6}$`. The n-th id under a key is
found by a Feistel network over the smallest square that holds the id space, walked until it lands inside the space: so
no id comes twice, none is left out, and the next one can't be told from the last without the key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from math import isqrt
from string import digits

from servers.runtime.errors import DefinitionError

ROUNDS = 4
KEY_BYTES = 32

_PATTERN = re.compile(r"\^(?P<prefix>[A-Za-z0-9_-]*)\[(?P<characters>[A-Za-z0-9-]+)\]\{(?P<count>[1-9][0-9]?)\}\$")
_RANGE = re.compile(r"(?P<first>[A-Za-z0-9])-(?P<last>[A-Za-z0-9])|(?P<single>[A-Za-z0-9])")


@lru_cache(maxsize=4096)
def id_key(seed: int, name: str) -> bytes:
    """Give the key under which the ids named `name` (such as "airline/bookings.booking_id") are drawn."""
    return blake2b(f"{seed}/{name}".encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class IdSpace:
    """All the ids that one pattern describes, in the order of their characters."""

    prefix: str
    alphabet: str
    count: int

    @staticmethod
    @cache
    def of(pattern: str) -> IdSpace:
        """Give the space that `pattern` describes."""
        form = _PATTERN.fullmatch(pattern)
        if form is None:
            raise DefinitionError(
                f"Ids can't be minted from the pattern {pattern!r}: write a literal prefix and one character class "
                "with a count, such as ^BK[0-9]{6}$."
            )
        return IdSpace(form["prefix"], _alphabet(form["characters"], pattern), int(form["count"]))

    @property
    def size(self) -> int:
        """The number of ids in the space."""
        return int(len(self.alphabet) ** self.count)

    def nth(self, key: bytes, n: int) -> str:
        """Give the n-th id, from 0, in the order that `key` sets."""
        if not 0 <= n < self.size:
            raise DefinitionError(
                f"There is no id number {n}: the pattern {self.pattern} describes {self.size} ids; "
                "give it more characters."
            )
        return self.prefix + self._spelled(_permuted(n, self.size, key))

    @property
    def pattern(self) -> str:
        """The pattern that describes the space, with its characters written out."""
        return f"^{self.prefix}[{self.alphabet}]{{{self.count}}}$"

    def _spelled(self, number: int) -> str:
        """Write a number with the alphabet as digits, at full width."""
        if self.alphabet == digits:
            return str(number).zfill(self.count)
        base = len(self.alphabet)
        characters = []
        for _ in range(self.count):
            number, digit = divmod(number, base)
            characters.append(self.alphabet[digit])
        return "".join(reversed(characters))


def _alphabet(characters: str, pattern: str) -> str:
    """Spell out a character class such as "A-HJ-N2-9", in order and without repeats."""
    found: set[str] = set()
    position = 0
    while position < len(characters):
        part = _RANGE.match(characters, position)
        first, last = (part["first"] or part["single"], part["last"] or part["single"]) if part else ("", "")
        if part is None or first > last:
            raise DefinitionError(
                f"The character class [{characters}] in the pattern {pattern!r} is not one of ranges."
            )
        found.update(chr(code) for code in range(ord(first), ord(last) + 1))
        position = part.end()
    if not all(character.isalnum() for character in found):
        raise DefinitionError(f"The character class [{characters}] in {pattern!r} spans more than letters and digits.")
    return "".join(sorted(found))


def _permuted(n: int, size: int, key: bytes) -> int:
    """Give the place of `n` in a permutation of range(size) that `key` chooses."""
    side = isqrt(size - 1) + 1
    while True:
        left, right = divmod(n, side)
        for turn in range(ROUNDS):
            left, right = right, (left + _mixed(key, turn, right)) % side
        n = left * side + right
        if n < size:
            return n


def _mixed(key: bytes, turn: int, half: int) -> int:
    """Give a number that depends on all of the key, the round and one half."""
    mixing = _keyed(key).copy()
    mixing.update(turn.to_bytes(1, "big") + half.to_bytes(64, "big"))
    return int.from_bytes(mixing.digest(), "big")


@lru_cache(maxsize=4096)
def _keyed(key: bytes) -> blake2b:
    """Give the hash that has taken in the key and nothing else."""
    return blake2b(digest_size=16, key=key)
