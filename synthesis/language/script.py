"""A script: a message while it is being written, in which everything that means something is one sealed piece.

Pieces stand in the text as single characters of the private use area. So the manner around them can be drawn, joined,
spelled and misspelled freely, what they say stays as it is, and where it stands in the end is known exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from envfactory_client import Span

FIRST = 0xE000
LARGE = "\uf8ff"
"""Before a piece: its first letter is to be large."""
MARKS = "\ue000-\uf8fe"
_MARKED = re.compile(f"({LARGE}?)([{MARKS}])")
_BEGINS = re.compile(f"((?:^|[.!?:](?=\\s))[\\s\"'(]*)([a-z{MARKS}])")
_AFTER_COLON = re.compile(r":[\s\"'(]*$")


@dataclass(frozen=True)
class Piece:
    """Something said that has a meaning: its words, and what in them the ledger knows by other words."""

    kind: Literal["argument", "reference", "fact", "side"]
    type: str
    text: str
    says: tuple[tuple[str, str], ...] = ()
    """Pairs of the ledger's words and the words that stand here for them."""

    def begun_large(self) -> Piece:
        """Give the piece with a large first letter, which an address never has."""
        if "@" in self.text:
            return self
        large = self.text[:1].upper() + self.text[1:]
        says = tuple((old, large[: len(new)] if self.text.startswith(new) else new) for old, new in self.says)
        return Piece(self.kind, self.type, large, says)


@dataclass(frozen=True)
class Spoken:
    """A message in its final words."""

    text: str
    spans: tuple[Span, ...]
    says: tuple[tuple[str, str], ...]
    skeleton: str
    """The text with every piece replaced by its type."""


@dataclass
class Script:
    """The pieces of one message."""

    pieces: list[Piece] = field(default_factory=list)

    def seal(self, piece: Piece) -> str:
        """Give the character that stands for a piece."""
        self.pieces.append(piece)
        return chr(FIRST + len(self.pieces) - 1)

    def spoken(self, text: str) -> Spoken:
        """Give the message that a text with sealed pieces stands for."""
        words: list[str] = []
        spans: list[Span] = []
        says: list[tuple[str, str]] = []
        at = length = 0
        for found in _MARKED.finditer(text):
            piece = self.pieces[ord(found[2]) - FIRST]
            piece = piece.begun_large() if found[1] else piece
            between = _once(words, text[at : found.start()])
            if between == " " and words and words[-1][-1:].isdigit() and piece.text[:1].isdigit():
                between = ", "
            words += [between, piece.text]
            start = length + len(between)
            at, length = found.end(), start + len(piece.text)
            spans.append(Span(start=start, end=length, kind=piece.kind, type=piece.type))
            says += piece.says
        whole = "".join((*words, _once(words, text[at:])))
        return Spoken(whole, tuple(spans), tuple(says), skeleton(whole, spans))


def _once(before: list[str], text: str) -> str:
    """Give what follows, without a full stop behind one: an hour may end in "a.m."."""
    doubled = text.startswith(".") and before and before[-1].endswith(".")
    return text[1:] if doubled else text


def skeleton(text: str, spans: Iterable[Span]) -> str:
    """Give a message in small letters with every span replaced by its type."""
    found: list[str] = []
    at = 0
    for span in spans:
        found += [text[at : span.start].lower(), f"<{span.type}>"]
        at = span.end
    return "".join((*found, text[at:].lower()))


def sentences(text: str) -> str:
    """Give a text whose sentences begin with a large letter."""
    return _BEGINS.sub(_large, text)


def _large(found: re.Match[str]) -> str:
    before, letter = found.groups()
    if _AFTER_COLON.search(before):
        return found[0]
    return before + (letter.upper() if letter.isascii() else LARGE + letter)
