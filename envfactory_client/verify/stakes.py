"""Stakes: the arguments, the columns and the clock that the SQL of a refusal looks at, and what invariants look at.

Nothing else can make it due or not, so nothing else needs to be varied to see when it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from envfactory_client.verify.subject import Facts

_CLOCK = frozenset({"now", "today"})
_PARAMETER = re.compile(r":(\w+)\b")
_USING = re.compile(r"\bUSING\s*\(([^)]*)\)", re.IGNORECASE)
_NATURAL = re.compile(r"\bNATURAL\b", re.IGNORECASE)


@dataclass(frozen=True)
class Stakes:
    """What the refusals of an environment look at."""

    facts: Facts

    def arguments(self, tool: str, code: str) -> tuple[str, ...]:
        """The arguments on which a refusal may depend."""
        return tuple(sorted(self._named[tool, code] - _CLOCK))

    def of_argument(self, tool: str, code: str, name: str) -> bool:
        """Whether a refusal may depend on an argument."""
        return name in self._named[tool, code]

    def of_cell(self, tool: str, code: str, column: str) -> bool:
        """Whether a refusal may depend on what a column such as "books.title" holds."""
        return column in self.facts.layout.stirring or column in self._read[tool, code]

    def may_see(self, tool: str, code: str, column: str) -> bool:
        """Whether the SQL of a refusal may look at a column, if only to join by its name."""
        return self.of_cell(tool, code, column) or column in self._joined

    def of_clock(self, tool: str, code: str) -> bool:
        """Whether a refusal may depend on the time."""
        return bool(self._named[tool, code] & _CLOCK) or "ef_clock.now" in self._read[tool, code]

    def of_invariants(self, columns: Collection[str]) -> list[str]:
        """The SQL of the invariants that may come to be broken where columns such as "books.title" change."""
        declared = self.facts.source.invariants
        anything = not (self.facts.layout.stirring | self._joined).isdisjoint(columns)
        return [sql for name, sql in declared.items() if anything or not self._watched[name].isdisjoint(columns)]

    @cached_property
    def _joined(self) -> frozenset[str]:
        """The columns that a USING may name, of whose being read SQLite doesn't tell; all where a join is natural."""
        layout, declared = self.facts.layout, self.facts.source
        text = "\n".join((layout.sql, *self._queries.values(), *declared.invariants.values()))
        names = {name.strip(' \t\n"').lower() for listed in _USING.findall(text) for name in listed.split(",")}
        natural = _NATURAL.search(text) is not None
        return frozenset(
            f"{table}.{column.name}"
            for table, columns in layout.tables.items()
            for column in columns
            if natural or column.name.lower() in names
        )

    @cached_property
    def _watched(self) -> Mapping[str, frozenset[str]]:
        return self.facts.layout.reads(self.facts.source.invariants)

    @cached_property
    def _queries(self) -> Mapping[tuple[str, str], str]:
        declared = self.facts.source.contracts
        return {(tool, code): sql for tool in declared for code, sql in self.facts.refuses(tool).items()}

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], frozenset[str]]:
        return {key: frozenset(_PARAMETER.findall(sql)) for key, sql in self._queries.items()}

    @cached_property
    def _read(self) -> Mapping[tuple[str, str], frozenset[str]]:
        return self.facts.layout.reads(self._queries)
