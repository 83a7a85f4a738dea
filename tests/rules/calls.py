"""Calls by chance: arguments that fit a tool's schema, most of them about rows that are there."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from servers.runtime import Environment, Episode
from servers.runtime.contract import FieldContract
from servers.runtime.permutation import IdSpace
from servers.runtime.tool import Definition, Outcome

Arguments = dict[str, Any]


class Caller:
    """Draws arguments for the tools of one environment from the rows of its episode."""

    def __init__(self, env: Environment, episode: Episode, seed: int) -> None:
        self.env, self.episode = env, episode
        self.rng = random.Random(seed)

    def calls(self, count: int) -> Iterator[tuple[Definition, Arguments, Outcome]]:
        """Make calls one after another on the episode as it changes, and give each with its outcome."""
        tools = list(self.env.tools.values())
        for _ in range(count):
            definition = self.rng.choice(tools)
            arguments = self.arguments(definition)
            yield definition, arguments, self.env.call(definition, arguments)

    def arguments(self, definition: Definition) -> Arguments:
        """Give arguments that the tool's schema accepts."""
        schema = definition.input_schema
        chosen = {}
        for name, field in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or self.rng.random() < 0.5:
                chosen[name] = self._value(definition.contract.parameters[name], field)
        return chosen

    def _value(self, contract: FieldContract, schema: Mapping[str, Any]) -> Any:
        options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
        form = options[0]
        if form.get("type") == "array":
            return [self._value(contract, form["items"]) for _ in range(self.rng.randint(1, 2))]
        column = contract.key or (contract.filter.column if contract.filter else None) or contract.sets
        if "enum" in form:
            return self.rng.choice(form["enum"])
        if column and self.rng.random() < 0.92 and (stored := self._stored(column, form)) is not None:
            return stored
        return self._made(contract, form)

    def _stored(self, column: str, form: Mapping[str, Any]) -> Any:
        table, _, name = column.partition(".")
        sql = f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL ORDER BY 1"
        values = [row[0] for row in self.episode.databases[self.env.name].execute(sql) if fits(row[0], form)]
        return self.rng.choice(values) if values else None

    def _made(self, contract: FieldContract, form: Mapping[str, Any]) -> Any:
        match form.get("type"):
            case "integer":
                low, high = form.get("minimum", 0), form.get("maximum", 1000)
                return self.rng.choice([low, high, self.rng.randint(low, high)])
            case "boolean":
                return self.rng.random() < 0.5
            case _ if form.get("format") == "date":
                return f"2026-{self.rng.randint(1, 12):02d}-{self.rng.randint(1, 28):02d}"
            case _ if contract.shared == "person.email":
                return f"nobody{self.rng.randint(1, 9)}@example.com"
            case _ if contract.pattern and not _samples(form):
                space = IdSpace.of(contract.pattern)
                return space.nth(b"another key", self.rng.randrange(min(space.size, 10_000)))
            case _:
                return _text(form, self.rng)


def fits(value: Any, form: Mapping[str, Any]) -> bool:
    """Whether a plain value fits the schema of one field."""
    if form.get("type") == "integer":
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and form.get("minimum", value) <= value <= form.get("maximum", value)
        )
    if not isinstance(value, str) or ("enum" in form and value not in form["enum"]) or form.get("type") != "string":
        return False
    if form.get("format") == "date" and not _is_date(value):
        return False
    length_fits = form.get("minLength", 0) <= len(value) <= form.get("maxLength", 10**6)
    return length_fits and re.search(form.get("pattern", ""), value) is not None


def _text(form: Mapping[str, Any], rng: random.Random) -> str:
    samples = _samples(form)
    return rng.choice(samples) if samples else "a" * int(form.get("minLength", 1))


def _samples(form: Mapping[str, Any]) -> list[str]:
    samples = ("Ada Lovelace", "1A", "12F", "Boston", "ok", "Zoë Quinn-O'Neil")
    fitting = [sample for sample in samples if fits(sample, form)]
    return fitting or [sample for sample in ("2026-03",) if fits(sample, form)]


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
