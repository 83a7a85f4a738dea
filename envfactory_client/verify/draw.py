"""Drawing: arguments that fit a tool's schema, most of them about rows that are there.

Values come from recent results (so that arguments belong together as they would for an agent), from the stored rows,
and from the edges of what the schema allows.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from envfactory_client.tool import FieldContract, Tool
from envfactory_client.verify import clues
from envfactory_client.verify.foreign_subject import ForeignSubject
from envfactory_client.verify.subject import Session, Subject

_FRESH_FOR = 40
_LEAST_SEARCHED = 3
"""Characters of the shortest part of a text that is searched for."""
_HINTED = 0.7
"""The share of values that follow a hint, where there are any."""
_MOST_VALUES = 400
_MOST_SEEN = 40
_SAMPLES = ("Ada Lovelace", "1A", "12F", "Boston", "ok", "Zoë Quinn-O'Neil", "ada@example.com", "2026-03", "a", "QK7")


class Drawer:
    """Draws arguments for the tools of one session."""

    def __init__(self, subject: Subject, session: Session, rng: random.Random) -> None:
        self.rng = rng
        self._subject = subject
        self._session = session
        self._stored: dict[str, tuple[int, list[Any]]] = {}
        self._fits: dict[int, tuple[Mapping[str, Any], list[Any], list[Any]]] = {}
        """Id of a schema to the schema, values that were compared with it last, and those that fit."""
        self._columns: dict[str, tuple[list[Any], list[Any]]] = {}
        """Query to its rows and the values of their only column."""
        self._seen: dict[str, list[Any]] = {}
        self._turn = 0
        self._words = subject.words if isinstance(subject, ForeignSubject) else None
        self._today = "2026-03-02"
        self._shared = {
            field.shared: field.shows
            for tool in subject.tools.values()
            for field in (tool.contract.results.values() if tool.contract else ())
            if field.shared and field.shows
        }

    def learn(self, tool: Tool, structured: Any, now: str | None = None) -> None:
        """Take note of the values in a result, the newest first."""
        if now is not None:
            self._today = now[:10]
        for name, value in _leaves_by_name(tool, structured):
            known = self._seen.setdefault(name, [])
            if value in known:
                known.remove(value)
            known.insert(0, value)
            del known[_MOST_SEEN:]

    async def arguments(self, tool: Tool, *, odd: float = 0.06) -> dict[str, Any]:
        """Arguments that the tool's schema accepts; `odd` is the share of values that no row need have."""
        self._turn += 1
        schema = tool.input_schema
        chosen: dict[str, Any] = {}
        row = await self._one_row(tool)
        for name, field in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or self.rng.random() < 0.5:
                usable = name in row and fits(row[name], narrowed(field))
                value = row[name] if usable else await self.value(tool, name, field, odd=odd)
                chosen[name] = self._part_of(value, narrowed(field)) if _is_searched(tool, name) else value
        return chosen

    def _part_of(self, value: Any, form: Mapping[str, Any]) -> Any:
        """Now and then a part of what is searched for, or the same in other letters, by which it is found as well."""
        if not isinstance(value, str) or len(value) < _LEAST_SEARCHED:
            return value
        chance = random.Random(f"{self._turn}/{value}")  # of its own, so that nothing else is drawn otherwise
        part = value
        if chance.random() < 0.5:
            begin = chance.randrange(len(value) - _LEAST_SEARCHED + 1)
            part = value[begin : chance.randint(begin + _LEAST_SEARCHED, len(value))].strip()
        if chance.random() < 0.3:
            part = part.swapcase()
        return part if fits(part, form) else value

    async def _one_row(self, tool: Tool) -> Mapping[str, Any]:
        """Now and then, the values of one row for all parameters that filter one table, so that they go together."""
        filters: dict[str, dict[str, str]] = {}
        for name, field in (tool.contract.parameters if tool.contract else {}).items():
            table, _, column = (field.filter.column if field.filter else field.key or "").partition(".")
            if table:
                filters.setdefault(table, {})[name] = column
        table, columns = max(filters.items(), key=lambda found: len(found[1]), default=("", {}))
        if len(columns) < 2 or "harness" not in self._subject.abilities or self.rng.random() < 0.4:
            return {}
        picked = ", ".join(f"{column} AS {name}" for name, column in columns.items())
        rows = await self._rows(f"SELECT DISTINCT {picked} FROM {table} ORDER BY 1 LIMIT {_MOST_VALUES}")  # noqa: S608
        return self.rng.choice(rows) if rows else {}

    async def _rows(self, sql: str) -> list[Any]:
        turn, rows = self._stored.get(sql, (-_FRESH_FOR, []))
        if self._turn - turn >= _FRESH_FOR:
            rows = await self._session.query(sql)
            self._stored[sql] = (self._turn, rows)
        return rows

    async def value(self, tool: Tool, name: str, field: Mapping[str, Any], *, odd: float = 0.06) -> Any:
        """A value for one parameter."""
        form = narrowed(field)
        contract = (tool.contract.parameters.get(name) if tool.contract else None) or FieldContract()
        if form.get("type") == "array":
            low, high = form.get("minItems", 1), form.get("maxItems", 3)
            count = self.rng.randint(low, max(low, min(high, low + 2)))
            items = [await self._item(contract, name, form.get("items", {}), odd) for _ in range(count)]
            return [item for place, item in enumerate(items) if item not in items[:place]] or items
        return await self._item(contract, name, form, odd)

    async def _item(self, contract: FieldContract, name: str, form: Mapping[str, Any], odd: float) -> Any:
        if "enum" in form:
            return self.rng.choice(form["enum"])
        if "const" in form:
            return form["const"]
        if self._words is not None:
            if form.get("type") == "object" and form.get("properties"):
                return await self._object(form, odd)
            hinted = fitting(clues.values(name, form, self._words), form)
            if hinted and self.rng.random() < _HINTED:
                return self.rng.choice(hinted)
        if self.rng.random() >= odd:
            column = self.column(contract)
            seen = fitting(self._seen.get(column or contract.shared or name, ()), form)
            if seen and self.rng.random() < 0.65:
                return self.rng.choice(seen[:12])
            if usable := self._fitting(await self.stored(column or contract.sets), form):
                return self.rng.choice(usable)
            if seen:
                return self.rng.choice(seen)
        return self._made(form)

    async def _object(self, form: Mapping[str, Any], odd: float) -> dict[str, Any]:
        """An object of a server by other authors, whose fields are drawn like parameters."""
        needed = form.get("required", ())
        return {
            name: await self._plain(name, field, odd)
            for name, field in form["properties"].items()
            if name in needed or self.rng.random() < 0.5
        }

    async def _plain(self, name: str, field: Mapping[str, Any], odd: float) -> Any:
        """A value for a field that no contract speaks of."""
        form = narrowed(field)
        if form.get("type") == "array":
            return [await self._item(FieldContract(), name, form.get("items", {}), odd)]
        return await self._item(FieldContract(), name, form, odd)

    def column(self, contract: FieldContract) -> str | None:
        """The column whose stored values a parameter takes, as far as its contract and others' results say."""
        if contract.filter is not None:
            return contract.filter.column
        return contract.key or (self._shared.get(contract.shared) if contract.shared else None)

    async def stored(self, column: str | None) -> list[Any]:
        """The values of a column, as they were a few turns ago at most; none without a harness."""
        if column is None or "harness" not in self._subject.abilities:
            return []
        table, _, name = column.partition(".")
        sql = f"SELECT DISTINCT {name} AS v FROM {table} WHERE {name} IS NOT NULL ORDER BY 1 LIMIT {_MOST_VALUES}"  # noqa: S608
        return await self._column_of(sql)

    async def _column_of(self, sql: str) -> list[Any]:
        """The only column of a query's rows: the same list as long as the rows are the same."""
        rows = await self._rows(sql)
        known, values = self._columns.get(sql, (None, []))
        if known is not rows:
            values = [row["v"] for row in rows]
            self._columns[sql] = (rows, values)
        return values

    def _fitting(self, stored: list[Any], form: Mapping[str, Any]) -> list[Any]:
        """The stored values that fit a schema, kept for as long as the values are the same."""
        known, values, found = self._fits.get(id(form), (None, None, []))
        if known is not form or values is not stored:
            found = fitting(stored, form)
            self._fits[id(form)] = (form, stored, found)
        return found

    def _made(self, form: Mapping[str, Any]) -> Any:
        match form.get("type"):
            case "integer":
                low, high = form.get("minimum", 0), form.get("maximum", 1000)
                near = min(high, low + 10)
                return self.rng.choice([low, high, min(high, low + 1), self.rng.randint(low, near)])
            case "number":
                low, high = float(form.get("minimum", 0)), float(form.get("maximum", 1000))
                return self.rng.choice([low, high, (low + high) / 2])
            case "boolean":
                return self.rng.random() < 0.5
            case "object":
                return {}
            case "null":
                return None
            case _ if form.get("format") == "date":
                days = self.rng.choice((-400, 400)) if self.rng.random() < 0.06 else self.rng.randint(-3, 45)
                return (date.fromisoformat(self._today) + timedelta(days=days)).isoformat()
            case _ if form.get("format") == "date-time":
                day = date.fromisoformat(self._today) + timedelta(days=self.rng.randint(-1, 20))
                return f"{day.isoformat()}T{self.rng.randint(8, 18):02d}:{self.rng.choice((0, 15, 30)):02d}:00Z"
            case _:
                return made_text(form, self.rng)


def _is_searched(tool: Tool, name: str) -> bool:
    """Whether a parameter finds what has its value as a part."""
    contract = tool.contract.parameters.get(name) if tool.contract else None
    return contract is not None and contract.filter is not None and contract.filter.operator == "like"


def narrowed(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a field without the null that leaving it out stands for."""
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    form: Mapping[str, Any] = options[0] if options else field
    if isinstance(form.get("type"), list):
        kinds = [kind for kind in form["type"] if kind != "null"]
        return {**form, "type": kinds[0] if kinds else "null"}
    return form


def fits(value: Any, form: Mapping[str, Any]) -> bool:
    """Whether a plain value fits the schema of one field."""
    return _test(form)(value)


def fitting(values: Iterable[Any], form: Mapping[str, Any]) -> list[Any]:
    """Those of some plain values that fit the schema of one field."""
    return list(filter(_test(form), values))


def _test(form: Mapping[str, Any]) -> Callable[[Any], bool]:
    """What tells whether a value fits a schema."""
    match form.get("type"):
        case "integer":
            return partial(_is_within, form, int)
        case "number":
            return partial(_is_within, form, (int, float))
        case "boolean":
            return lambda value: isinstance(value, bool)
        case "string" | None:
            return _text_test(form)
        case _:
            return lambda _: False


def _is_within(form: Mapping[str, Any], kinds: type | tuple[type, ...], value: Any) -> bool:
    plain = isinstance(value, kinds) and not isinstance(value, bool)
    return plain and form.get("minimum", value) <= value <= form.get("maximum", value)


def _text_test(form: Mapping[str, Any]) -> Callable[[Any], bool]:
    least, most = form.get("minLength", 0), form.get("maxLength", 10**6)
    enum, dated, pattern = form.get("enum"), form.get("format") == "date", form.get("pattern")
    search = None if pattern is None else re.compile(pattern).search

    def passes(value: Any) -> bool:
        return (
            isinstance(value, str)
            and least <= len(value) <= most
            and (search is None or search(value) is not None)
            and (enum is None or value in enum)
            and (not dated or is_date(value))
        )

    return passes


def is_date(value: str) -> bool:
    """Whether a text is a date of the calendar in its one spelling."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def made_text(form: Mapping[str, Any], rng: random.Random) -> str:
    """A text that fits a pattern of the simple kinds that tools use, or the nearest that is known."""
    pattern = str(form.get("pattern", ""))
    if spelled := _spelled(pattern, rng):
        return spelled
    samples = list(filter(_text_test(form), _SAMPLES))
    return rng.choice(samples) if samples else "a" * int(form.get("minLength", 1))


_PART = re.compile(r"\[(?P<set>[^\]]+)\](?:\{(?P<count>\d+)\})?|(?P<plain>[A-Za-z0-9_:-])")


def _spelled(pattern: str, rng: random.Random) -> str:
    """A text of a pattern that is made of plain letters and counted character classes; empty for any other."""
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return ""
    body, place, text = pattern[1:-1], 0, ""
    while place < len(body):
        part = _PART.match(body, place)
        if part is None or part["set"] == "" or (part["set"] or "").startswith("^"):
            return ""
        text += part["plain"] or "".join(rng.choice(_letters(part["set"])) for _ in range(int(part["count"] or 1)))
        place = part.end()
    return text


def _letters(characters: str) -> str:
    ranges = re.sub(r"(.)-(.)", lambda span: "".join(map(chr, range(ord(span[1]), ord(span[2]) + 1))), characters)
    return "".join(letter for letter in ranges if letter.isalnum()) or "a"


def _leaves_by_name(tool: Tool, structured: Any) -> Iterator[tuple[str, Any]]:
    """Plain values in a result with what they may be known by: key column, shared fact, shown column, field name."""
    contracts = tool.contract.results if tool.contract else {}
    for path, value in _leaves(structured, ""):
        if value is None or isinstance(value, bool):
            continue
        field = contracts.get(path)
        names = {path.rpartition(".")[2].removesuffix("[]")}
        if field is not None:
            names |= {name for name in (field.key, field.shared, field.shows) if name}
        for name in sorted(names):
            yield name, value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value[:12]:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield path, value
