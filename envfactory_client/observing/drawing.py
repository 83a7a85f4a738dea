"""Drawing: values for parameters, known ones that fit and strangers that look like them."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from envfactory_client.fields import SchemaField, schema_fields
from envfactory_client.naming import words
from envfactory_client.observing.reading import Scalar, is_value
from envfactory_client.tool import Tool
from envfactory_client.verify import clues
from envfactory_client.verify.draw import fits, made_text

_MANY = 1000
_TRIES = 20
_PIECES = ("**", "an", "e", "in", "*", "ar", "o", "er")
"""Letters that many names hold, for what searches by a part, and what stands for all where patterns are taken."""
_SENTINEL = 9
"""Letters of a text that is to be found again."""
_DIGITS = string.digits


@dataclass(frozen=True)
class Input:
    """One parameter, or one leaf of a parameter, of a tool."""

    tool: str
    field: SchemaField

    @property
    def path(self) -> str:
        """Its path, such as "entities[].name"."""
        return self.field.path

    @property
    def leaf(self) -> str:
        """The last part of its path, without brackets."""
        return self.path.rpartition(".")[2].replace("[]", "")

    @property
    def end(self) -> tuple[str, str]:
        """The tool and the path."""
        return self.tool, self.path

    @property
    def form(self) -> Mapping[str, Any]:
        """The schema of its values."""
        return self.field.form

    @property
    def open(self) -> bool:
        """Whether its values could be those of a column: texts or whole numbers, and neither a choice nor a setting."""
        if "enum" in self.form or "const" in self.form:
            return False
        if self.form.get("type") in ("integer", "number"):
            return self.form.get("default") is None
        return bool(self.form.get("type", "string") == "string")

    def fits(self, value: Any) -> bool:
        """Whether a value is one that the schema takes."""
        return is_value(value) and fits(value, self.form)


def inputs_of(tool: Tool) -> tuple[Input, ...]:
    """The parameters of a tool, in the order of its schema."""
    return tuple(Input(tool.name, field) for field in schema_fields(tool.input_schema))


@dataclass
class Drawing:
    """What values are drawn from beside those that were seen."""

    rng: random.Random
    given: Mapping[str, Sequence[Any]]
    """What a person knows, by the name of the parameter."""
    command: Sequence[str]
    """The command that started the server; none if it is reached by a URL."""
    today: date

    def known(self, taken: Input) -> list[Any]:
        """Values that a person gave, or that the schema or the command let slip."""
        given = list(self.given.get(taken.path, self.given.get(taken.leaf, ())))
        hints = [value for value in clues.values(taken.leaf, taken.form, self.command) if fits(value, taken.form)]
        return given or hints

    def made(self, taken: Input) -> Any:
        """A value that the schema takes, about nothing that is known."""
        form = taken.form
        if "enum" in form:
            return self.rng.choice(form["enum"])
        if "const" in form:
            return form["const"]
        match form.get("type"):
            case "boolean":
                return self.rng.random() < 0.5
            case "integer" | "number":
                low = int(form.get("minimum", 0))
                return self.rng.randint(low, min(int(form.get("maximum", low + _MANY)), low + _MANY))
            case "object":
                return {}
            case "array":
                return []
            case _:
                return self._text(taken)

    def piece(self, taken: Input, number: int) -> Any:
        """What many values hold, or a pattern for all, another for each number; as made where that doesn't fit."""
        piece = _PIECES[number % len(_PIECES)]
        return piece if taken.open and taken.fits(piece) else self.made(taken)

    def sentinel(self, taken: Input) -> Any:
        """A text that nothing else has, so that it is known where it turns up again; any other value as made."""
        text = "".join(self.rng.choice(string.ascii_lowercase) for _ in range(_SENTINEL))
        return text if taken.open and taken.fits(text) else self.made(taken)

    def _text(self, taken: Input) -> str:
        form = taken.form
        if form.get("format") == "date" or (words(taken.leaf)[-1:] in {("date",), ("day",)}):
            return (self.today + timedelta(days=self.rng.randint(-30, 60))).isoformat()
        if form.get("format") == "date-time":
            return f"{(self.today + timedelta(days=self.rng.randint(-30, 60))).isoformat()}T09:00:00Z"
        return made_text(form, self.rng)

    def stranger(self, taken: Input, like: Sequence[Scalar], known: Iterable[Scalar]) -> Scalar | None:
        """A value that looks like some known ones and is none of them; None if no such value is found."""
        seen = set(known)
        for number in range(_TRIES):
            model = self.rng.choice(like) if like and number < _TRIES / 2 else self.made(taken)
            value: Scalar = self._scrambled(model)
            if value not in seen and taken.fits(value):
                return value
        return None

    def _scrambled(self, model: Any) -> Any:
        if isinstance(model, int):
            return self.rng.randint(0, 10 * max(abs(model), 100))
        if not isinstance(model, str):
            return model
        try:
            return (date.fromisoformat(model) + timedelta(days=self.rng.randint(-60, 60))).isoformat()
        except ValueError:
            keeps = self.rng.random() < 0.5 and any(letter in _DIGITS for letter in model)
            return "".join(self._other(letter, keeps=keeps) for letter in model)

    def _other(self, letter: str, *, keeps: bool) -> str:
        """Another character of the same kind; letters stay where they are kept."""
        if letter in _DIGITS:
            return self.rng.choice(_DIGITS)
        if letter.isalpha() and not keeps:
            other = self.rng.choice(string.ascii_lowercase)
            return other.upper() if letter.isupper() else other
        return letter
