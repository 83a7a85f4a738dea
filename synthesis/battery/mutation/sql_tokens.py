"""SQL as a list of tokens with their places, and what a place in it is: a clause, an operand, an operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import TokenError

_READING = (
    "SELECT",
    "FROM",
    "JOIN",
    "ON",
    "USING",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "BY",
    "LIMIT",
    "UNION",
    "WITH",
)
_CLAUSES = frozenset((*_READING, "SET", "VALUES", "RETURNING", "AS", "WHEN", "THEN", "ELSE"))
_BETWEEN_OPERANDS = frozenset((*_CLAUSES, "LEFT", "CROSS", "INNER", "CHECK", ",", ";", "BEGIN"))
_NOT_OPERANDS = frozenset((*_CLAUSES, "AND", "OR", "NOT", "IN", "CASE", "IS", "LIKE", "GLOB", "BETWEEN", "DISTINCT"))
_OPENING, _CLOSING = ("(", "CASE"), (")", "END")


class Token(NamedTuple):
    """One token: its text in upper case, where it stands, and how deep in brackets and CASEs it is."""

    word: str
    start: int
    end: int
    depth: int


class Span(NamedTuple):
    """Tokens from `first` up to, not including, `last`."""

    first: int
    last: int


class Group(NamedTuple):
    """Operands at one level that ANDs and ORs join, and the places of these."""

    operands: tuple[Span, ...]
    joints: tuple[int, ...]


@dataclass(frozen=True)
class Sql:
    """One SQL text."""

    text: str

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens, without comments; none for what isn't SQL."""
        return _tokens(self.text)

    def word(self, place: int) -> str:
        """Give the word at a place, empty outside the text."""
        return self.tokens[place].word if 0 <= place < len(self.tokens) else ""

    def spelling(self, place: int) -> str:
        """Give a token as the text spells it, empty outside the text."""
        return self.text[self.tokens[place].start : self.tokens[place].end] if 0 <= place < len(self.tokens) else ""

    def said(self, span: Span) -> str:
        """Give the text of some tokens."""
        return self.text[self.tokens[span.first].start : self.tokens[span.last - 1].end]

    def is_name(self, place: int) -> bool:
        """Whether the token is a name or a keyword."""
        return re.match(r"[A-Z_]", self.word(place)) is not None

    def is_operand_end(self, place: int) -> bool:
        """Whether a value ends with this token, so that an operator after it has two sides."""
        word = self.word(place)
        return bool(word) and (word[0].isalnum() or word[0] in "_)'?:") and word not in _NOT_OPERANDS

    @cached_property
    def clauses(self) -> tuple[str, ...]:
        """The clause that each token is in, such as WHERE or SET, at its own depth."""
        found, stack = [], [""]
        for token in self.tokens:
            del stack[token.depth + 1 :]
            stack += [""] * (token.depth + 1 - len(stack))
            if token.word in _CLAUSES:
                stack[token.depth] = token.word
            found.append(stack[token.depth])
        return tuple(found)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The conditions that ANDs and ORs join, or that a WHERE, ON, HAVING or WHEN has alone."""
        starts = [0, *(place + 1 for place, token in enumerate(self.tokens) if self._begins(token))]
        return tuple(group for start in starts if start < len(self.tokens) and (group := self._group(start)))

    def _begins(self, token: Token) -> bool:
        return token.word in _BETWEEN_OPERANDS or token.word == "("

    def _group(self, start: int) -> Group | None:
        depth = self.tokens[start].depth
        operands, joints, first, between = [], [], start, 0
        place = start
        while place < len(self.tokens) and not self._is_behind(place, depth):
            word = self.word(place) if self.tokens[place].depth == depth else ""
            between += word == "BETWEEN"
            if word in ("AND", "OR") and not (word == "AND" and between):
                operands.append(Span(first, place))
                joints.append(place)
                first = place + 1
            elif word == "AND":
                between -= 1
            place += 1
        operands.append(Span(first, place))
        if any(span.first >= span.last for span in operands):
            return None
        alone = self.word(start - 1) in ("WHERE", "ON", "HAVING", "WHEN")
        return Group(tuple(operands), tuple(joints)) if joints or alone else None

    def _is_behind(self, place: int, depth: int) -> bool:
        token = self.tokens[place]
        return token.depth < depth or (token.depth == depth and token.word in _BETWEEN_OPERANDS)

    def function_calls(self, *names: str) -> Iterator[int]:
        """Give the places of calls of these functions."""
        return (place for place, token in enumerate(self.tokens) if token.word in names and self.word(place + 1) == "(")

    def closing(self, place: int) -> int:
        """Give the place of the bracket that closes the one at `place`."""
        depth = self.tokens[place].depth
        return next(at for at in range(place + 1, len(self.tokens)) if self.tokens[at].depth == depth)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[Token, ...]:
    try:
        raw = SQLite().tokenize(text)
    except TokenError:
        return ()
    found: list[Token] = []
    depth = 0
    for token in raw:
        for word, start, end in _words(text, token.start, token.end + 1):
            if found and found[-1].word == ":" and found[-1].end == start:  # a parameter, such as :end
                found[-1] = Token(f":{word}", found[-1].start, end, found[-1].depth)
                continue
            depth -= word in _CLOSING
            found.append(Token(word, start, end, max(depth, 0)))
            depth += word in _OPENING
    return tuple(found)


def _words(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Give the words of one token of sqlglot's: keywords such as GROUP BY are one there, and several here."""
    said = text[start:end]
    if said[:1] in "'\"":
        yield said, start, end
        return
    for word in re.finditer(r"\S+", said):
        yield word[0].upper(), start + word.start(), start + word.end()
