"""A Python source text with the offsets of its syntax, and the plain text inside its string literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from synthesis.battery.mutation.mutant import Edit

_OPENING = re.compile(r"""(?:\s|\\\n|\#[^\n]*\n)*([a-zA-Z]{0,2})(\"\"\"|'''|"|')""")
_FIELD = "x"


class Piece(NamedTuple):
    """One literal of an implicit concatenation: where its body is, and how it is quoted."""

    start: int
    end: int
    prefix: str
    quote: str


@dataclass(frozen=True)
class Literal:
    """What a string literal says, character by character where the source says it.

    Fields in braces are names of the same length, so that the text around them can be read.
    """

    text: str
    pieces: tuple[Piece, ...]
    fields: tuple[tuple[int, int], ...]

    def edit(self, edit: Edit) -> Edit | None:
        """Give an edit of the text as one of the source; none when the source doesn't allow it."""
        first, start = self._place(edit.start, at_end=False)
        last, end = (first, start) if edit.start == edit.end else self._place(edit.end, at_end=True)
        if any(_cuts(edit, begin, stop) for begin, stop in self.fields):
            return None
        if first != last and (first.prefix, first.quote) != (last.prefix, last.quote):
            return None
        if first.quote[0] in edit.new and len(first.quote) == 1:
            return None
        return Edit(edit.kind, start, end, edit.new)

    def _place(self, offset: int, *, at_end: bool) -> tuple[Piece, int]:
        for piece in self.pieces:
            length = piece.end - piece.start
            if offset < length or (offset == length and (at_end or piece is self.pieces[-1])):
                return piece, piece.start + offset
            offset -= length
        raise IndexError(offset)


class Source:
    """A source text and its syntax tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt | ast.pattern) -> int:
        """Give the offset of a node's first character."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.pattern) -> int:
        """Give the offset behind a node's last character."""
        return self._offset(node.end_lineno or 0, node.end_col_offset or 0)

    def segment(self, node: ast.expr | ast.stmt | ast.pattern) -> str:
        """Give the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def _offset(self, line: int, column: int) -> int:
        """Give the offset of a place that the tree names by line and UTF-8 byte."""
        begin, end = self._lines[line - 1], self._lines[line]
        row = self.text[begin:end]
        return begin + (column if row.isascii() else len(row.encode()[:column].decode()))

    def literal(self, node: ast.expr) -> Literal | None:
        """Give what a string literal says; none when it has escapes, whose characters stand nowhere."""
        pieces = tuple(self._pieces(self.start(node), self.end(node)))
        bodies = [self.text[piece.start : piece.end] for piece in pieces]
        for piece, body in zip(pieces, bodies, strict=True):
            if "{{" in body or "}}" in body or ("\\" in body and "r" not in piece.prefix):
                return None
        text, fields = _without_fields("".join(bodies))
        return Literal(text, pieces, fields)

    def _pieces(self, at: int, stop: int) -> Iterator[Piece]:
        while at < stop and (opening := _OPENING.match(self.text, at, stop)):
            prefix, quote = opening[1].lower(), opening[2]
            end = self._closing(opening.end(), quote, formatted="f" in prefix)
            yield Piece(opening.end(), end, prefix, quote)
            at = end + len(quote)

    def _closing(self, at: int, quote: str, *, formatted: bool) -> int:
        depth = 0
        while depth or not self.text.startswith(quote, at):
            if formatted and self.text[at] in "{}":
                depth = max(0, depth + (1 if self.text[at] == "{" else -1))
            at += 2 if self.text[at] == "\\" else 1
        return at


def _cuts(edit: Edit, begin: int, stop: int) -> bool:
    """Whether an edit takes a part of a field and leaves the rest."""
    return edit.start < stop and begin < edit.end and not (edit.start <= begin and stop <= edit.end)


def _without_fields(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    fields, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        if character == "{":
            depth += 1
            begin = place if depth == 1 else begin
        elif character == "}" and depth:
            depth -= 1
            if depth == 0:
                fields.append((begin, place + 1))
    for begin, end in fields:
        text = f"{text[:begin]}{_FIELD * (end - begin)}{text[end:]}"
    return text, tuple(fields)
