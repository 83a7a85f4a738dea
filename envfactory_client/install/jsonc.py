"""JSON with comments: reading it with the place of every value, and putting a value in while the rest stays as it is.

Editors keep their settings as JSON in which people write comments and leave commas behind the last entry. A file that
is rewritten from its values loses all that, so values are put into the text itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from envfactory_client.errors import ConfigError

_BLANK = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_DEEPEST = 200


@dataclass(frozen=True)
class Node:
    """A value and where it stands; an object's `members` are its values by key, in order."""

    value: Any
    start: int
    end: int
    members: dict[str, Node] = field(default_factory=dict)
    ends_in_comma: bool = False


def parse(text: str) -> Node:
    """Give the value of a text; raises `ConfigError` with line and column where it isn't JSON with comments."""
    return _Reader(text).document()


def put(text: str, section: str, name: str, value: Any) -> str:
    """Give the text with `value` as the member `name` of the root's object `section`, where both are made if absent."""
    style = _Style.of(text)
    root = parse(text) if text.strip() else parse(text := f"{{}}{style.newline}")
    held = root.members.get(section)
    if held is None:
        return _added(text, root, section, {name: value}, style)
    if name not in held.members:
        return _added(text, held, name, value, style)
    old = held.members[name]
    return text[: old.start] + style.shown(value, _margin(text, old.start)) + text[old.end :]


@dataclass(frozen=True)
class _Style:
    """How the text is laid out: its line ends, and one step of its indentation."""

    newline: str
    step: str

    @classmethod
    def of(cls, text: str) -> _Style:
        first = re.search(r"^([ \t]+)\"", text, re.MULTILINE)
        return cls("\r\n" if "\r\n" in text else "\n", first[1] if first else "  ")

    def shown(self, value: Any, margin: str) -> str:
        return json.dumps(value, indent=self.step, ensure_ascii=False).replace("\n", f"{self.newline}{margin}")


def _added(text: str, holder: Node, name: str, value: Any, style: _Style) -> str:
    """Give the text with a new last member of an object."""
    margin = _margin(text, holder.start)
    inner = margin + style.step
    member = f"{json.dumps(name, ensure_ascii=False)}: {style.shown(value, inner)}"
    closing = holder.end - 1
    kept = text[:closing].rstrip(" \t\r\n")
    if holder.members and not holder.ends_in_comma:
        last = next(reversed(holder.members.values())).end
        kept = f"{kept[:last]},{kept[last:]}"
    end = "," if holder.ends_in_comma else ""
    return f"{kept}{style.newline}{inner}{member}{end}{style.newline}{margin}{text[closing:]}"


def _margin(text: str, place: int) -> str:
    """The blanks at the beginning of the line on which a place is."""
    line = text[text.rfind("\n", 0, place) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.scalars = json.JSONDecoder(parse_constant=lambda _: self.fail("NaN and Infinity are no JSON"))

    def document(self) -> Node:
        self.skip()
        root = self.value(0)
        if not isinstance(root.value, dict):
            self.fail("the file must hold one JSON object", root.start)
        self.skip()
        if self.place < len(self.text):
            self.fail("something follows the end of the object")
        return root

    def value(self, depth: int) -> Node:
        if depth > _DEEPEST:
            self.fail("values are nested too deeply")
        start = self.place
        if self.at("{"):
            return self.object(start, depth)
        if self.at("["):
            return self.array(start, depth)
        try:
            value, self.place = self.scalars.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            self.fail(error.msg, error.pos)
        return Node(value, start, self.place)

    def object(self, start: int, depth: int) -> Node:
        members: dict[str, Node] = {}
        comma = True
        while not self.at("}"):
            if not comma:
                self.fail("a comma is missing")
            if not self.text.startswith('"', self.place):
                self.fail("a name in double quotes is missing")
            place, key = self.place, self.value(depth).value
            if key in members:
                self.fail(f"'{key}' stands here for the second time", place)
            self.expect(":")
            members[key] = self.value(depth + 1)
            comma = self.comma()
        values = {key: node.value for key, node in members.items()}
        return Node(values, start, self.place, members, ends_in_comma=bool(members) and comma)

    def array(self, start: int, depth: int) -> Node:
        values: list[Any] = []
        comma = True
        while not self.at("]"):
            if not comma:
                self.fail("a comma is missing")
            values.append(self.value(depth + 1).value)
            comma = self.comma()
        return Node(values, start, self.place)

    def comma(self) -> bool:
        """Pass a comma, and say whether there was one."""
        self.skip()
        found = self.text.startswith(",", self.place)
        if found:
            self.place += 1
            self.skip()
        return found

    def at(self, mark: str) -> bool:
        """Pass a mark if it is here; blanks behind an opening one are passed as well."""
        if not self.text.startswith(mark, self.place):
            return False
        self.place += 1
        if mark in "{[":
            self.skip()
        return True

    def expect(self, mark: str) -> None:
        self.skip()
        if not self.text.startswith(mark, self.place):
            self.fail(f"'{mark}' is missing")
        self.place += 1
        self.skip()

    def skip(self) -> None:
        found = _BLANK.match(self.text, self.place)
        assert found is not None
        self.place = found.end()

    def fail(self, why: str, place: int | None = None) -> NoReturn:
        at = min(self.place if place is None else place, len(self.text))
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        raise ConfigError(f"line {line}, column {column}: {why}")
