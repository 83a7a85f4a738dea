"""Lineage: which stored column a column of a view or of a query is, and which key a column refers to.

Views and queries are read with sqlglot. A column keeps its origin where it is passed on unchanged, also through
coalesce, min, max and set operations; what is calculated has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlglot import exp, parse_one

from envfactory_client.verify.layout import Layout

_STATEMENTS = (exp.Select, exp.Update, exp.Delete, exp.Insert)
_ANY_TIME = "2000-01-01T00:00:00Z"
_PASSING = (exp.Paren, exp.Collate, exp.Min, exp.Max)


class Place(NamedTuple):
    """A column of a table or view."""

    relation: str
    column: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.column}"

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that "bookings.status" names."""
        relation, _, column = text.partition(".")
        return cls(relation, column)


Origins = frozenset[Place]
Source = Mapping[str, Origins]
"""The columns of one thing in a FROM clause, with where each comes from."""
NOWHERE: Origins = frozenset()


@dataclass
class Scope:
    """The sources that a query names, by alias, and the scope around it."""

    sources: dict[str, Source]
    outer: Scope | None

    def origins(self, column: exp.Column) -> Origins:
        """Where a column that is named in this scope comes from."""
        name, alias = column.name.lower(), column.table.lower()
        for source in [self.sources[alias]] if alias in self.sources else [] if alias else self.sources.values():
            if name in source:
                return source[name]
        return self.outer.origins(column) if self.outer else NOWHERE


class Reader:
    """Reads queries over the relations of a schema; with `choices`, what may be chosen counts as passed on, too."""

    def __init__(self, columns: Mapping[str, Iterable[str]], *, choices: bool = False) -> None:
        self._choices = choices
        self._relations: dict[str, Source] = {
            name.lower(): {column.lower(): frozenset({Place(name, column)}) for column in names}
            for name, names in columns.items()
        }

    def relation(self, name: str) -> Source:
        """The columns of a table or view, each of which comes from itself."""
        return self._relations.get(name.lower(), {})

    def scope(self, node: exp.Expr | None) -> Scope | None:
        """The scope in which an expression stands; None outside any statement."""
        while node is not None and not isinstance(node, _STATEMENTS):
            node = node.parent
        if node is None:
            return None
        sources = {alias.lower(): self._source(item) for alias, item in _named_sources(node)}
        alone = _in_from_clause(node)
        return Scope(sources, None if alone else self.scope(node.parent))

    def outputs(self, query: exp.Expr | None) -> list[tuple[str, Origins]]:
        """The columns that a query gives, in order."""
        if isinstance(query, exp.Subquery | exp.Paren):
            return self.outputs(query.this)
        if isinstance(query, exp.SetOperation):
            sides = zip(self.outputs(query.left), self.outputs(query.right), strict=False)
            return [(name, ours | theirs) for (name, ours), (_, theirs) in sides]
        if not isinstance(query, exp.Select):
            return []
        scope = self.scope(query)
        assert scope is not None
        return [column for projection in query.expressions for column in self._projected(projection, scope)]

    def _projected(self, projection: exp.Expr, scope: Scope) -> Iterator[tuple[str, Origins]]:
        if projection.is_star:
            alias = projection.args["table"].name.lower() if isinstance(projection, exp.Column) else None
            for name, source in scope.sources.items():
                if alias in (None, name):
                    yield from source.items()
        else:
            yield projection.alias_or_name.lower(), self.passed_on(projection.unalias(), scope)

    def passed_on(self, value: exp.Expr, scope: Scope) -> Origins:
        """The columns whose value an expression may give unchanged."""
        if self._choices and isinstance(value, exp.If | exp.Case):
            options = [value, *value.args.get("ifs", ())]
            results = [option.args.get(name) for option in options for name in ("true", "false", "default")]
            return NOWHERE.union(*(self.passed_on(each, scope) for each in results if each is not None))
        if isinstance(value, exp.Column):
            return scope.origins(value)
        if isinstance(value, _PASSING):
            return self.passed_on(value.this, scope)
        if isinstance(value, exp.Coalesce):
            return NOWHERE.union(*(self.passed_on(each, scope) for each in (value.this, *value.expressions)))
        if isinstance(value, exp.Subquery):
            given = self.outputs(value)
            return given[0][1] if len(given) == 1 else NOWHERE
        return NOWHERE

    def _source(self, item: exp.Expr) -> Source:
        if isinstance(item, exp.Table):
            common = _common_table(item)
            if common is None:
                return self.relation(item.name)
            names = [name.lower() for name in common.alias_column_names]
            if names and _within(item, common):  # it refers to itself
                return dict.fromkeys(names, NOWHERE)
            given = self.outputs(common.this) if not _within(item, common) else []
            return dict(zip(names, (origins for _, origins in given), strict=False)) if names else dict(given)
        return dict(self.outputs(item))


def _named_sources(statement: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    items: list[exp.Expr | None] = []
    if isinstance(statement, exp.Select):
        start = statement.args.get("from_") or statement.args.get("from")
        items = [start.this if start else None, *(join.this for join in statement.args.get("joins") or ())]
    else:
        target = statement.this
        items = [target.this if isinstance(target, exp.Schema) else target]
    for item in items:
        if isinstance(item, exp.Table | exp.Subquery):
            yield item.alias_or_name, item


def _in_from_clause(query: exp.Expr) -> bool:
    """Whether a query is a source of another one, so that it doesn't see what stands beside it."""
    node = query
    while node.parent is not None and not isinstance(node.parent, _STATEMENTS):
        if isinstance(node.parent, exp.From | exp.CTE) or (
            isinstance(node.parent, exp.Join) and node.arg_key == "this"
        ):
            return True
        node = node.parent
    return False


def _common_table(table: exp.Table) -> exp.CTE | None:
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_") or node.args.get("with")
        for common in with_.expressions if with_ else ():
            if common.alias.lower() == table.name.lower():
                return common  # type: ignore[no-any-return]
        node = node.parent
    return None


def _within(node: exp.Expr, outer: exp.Expr) -> bool:
    parent: exp.Expr | None = node
    while parent is not None and parent is not outer:
        parent = parent.parent
    return parent is outer


class Lineage:
    """The columns of a schema by what they stand for."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.relations = {name: layout.columns(name) for name in (*layout.tables, *layout.views)}
        known = {**self.relations, "ef_clock": ("one", "now"), "ef_meta": ("name", "value")}
        self.reader = Reader(known)
        self._chooser = Reader(known, choices=True)
        self._bases: dict[Place, Origins] = {}
        self._uniques = _unique_columns(layout)
        self._sources: dict[Place, Origins] = {}
        self._kin: dict[Place, Origins] = {}
        self._key_roots: dict[Place, Origins] = {}
        self._meanings: dict[str, dict[Place, tuple[str, ...]]] = {}
        self._referring: dict[tuple[str, Place], tuple[str, ...]] = {}

    @cached_property
    def _definitions(self) -> dict[str, exp.Expr]:
        found = {}
        for statement in _created_views(self.layout):
            view = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
            found[view.name] = statement.expression
        return found

    @cached_property
    def _passed(self) -> dict[str, dict[str, Origins]]:
        return {name: dict(self.reader.outputs(query)) for name, query in self._definitions.items()}

    @cached_property
    def _chosen(self) -> dict[str, dict[str, Origins]]:
        return {name: dict(self._chooser.outputs(query)) for name, query in self._definitions.items()}

    @cached_property
    def readers(self) -> dict[str, frozenset[str]]:
        """Relation to the views that read it, near or far, and itself."""
        direct = {
            name: {table.name for table in query.find_all(exp.Table)} for name, query in self._definitions.items()
        }
        found: dict[str, frozenset[str]] = {}
        for relation in self.relations:
            reached = {relation}
            while more := {view for view, read in direct.items() if view not in reached and read & reached}:
                reached |= more
            found[relation] = frozenset(reached)
        return found

    def bases(self, place: Place) -> Origins:
        """The stored columns whose value a place shows unchanged: itself if it is stored."""
        if place not in self._bases:
            self._bases[place] = self._based(place)
        return self._bases[place]

    def _based(self, place: Place) -> Origins:
        if place.relation not in self._passed:
            return frozenset({place})
        origins = self._passed[place.relation].get(place.column.lower(), NOWHERE)
        return NOWHERE.union(*(self.bases(origin) for origin in origins if origin != place))

    def roots(self, place: Place) -> Origins:
        """The columns that a place refers to in the end: foreign keys are followed."""
        return frozenset(self._root(base) for base in self.bases(place))

    def _root(self, place: Place) -> Place:
        seen = {place}
        while (end := self.layout.links.get(place)) is not None and Place(*end) not in seen:
            place = Place(*end)
            seen.add(place)
        return place

    @cached_property
    def keys(self) -> Origins:
        """The stored columns that identify a row each on their own: primary keys, and what is unique and required."""
        keys = (Place(table, columns[0]) for table, columns in self.layout.keys.items() if len(columns) == 1)
        return frozenset(keys) | self._uniques

    def sources(self, place: Place) -> Origins:
        """What a place shows in the end: stored columns, with foreign keys followed, or what a view calculates."""
        if place not in self._sources:
            origins = self._passed.get(place.relation, {}).get(place.column.lower(), NOWHERE) - {place}
            found = NOWHERE.union(*(self.sources(origin) for origin in origins))
            self._sources[place] = found or frozenset({self._root(place)})
        return self._sources[place]

    def kin(self, place: Place) -> Origins:
        """What a place shows in the end, seeing through what a view only chooses, such as a status after its time."""
        if place not in self._kin:
            origins = self._chosen.get(place.relation, {}).get(place.column.lower(), NOWHERE) - {place}
            found = NOWHERE.union(*(self.kin(origin) for origin in origins))
            self._kin[place] = found or frozenset({self._root(place)})
        return self._kin[place]

    def key_roots(self, place: Place) -> Origins:
        """The identifying columns that a place refers to."""
        if place not in self._key_roots:
            self._key_roots[place] = self.roots(place) & self.keys
        return self._key_roots[place]

    def meaning(self, relation: str, source: Place) -> tuple[str, ...]:
        """The columns of a relation that stand for a source."""
        if relation not in self._meanings:
            found: dict[Place, tuple[str, ...]] = {}
            for column in self.relations[relation]:
                for each in self.sources(Place(relation, column)):
                    found[each] = (*found.get(each, ()), column)
            self._meanings[relation] = found
        return self._meanings[relation].get(source, ())

    def referring(self, relation: str, key: Place) -> tuple[str, ...]:
        """The columns of a relation that refer to a key column."""
        if (relation, key) not in self._referring:
            columns = self.relations[relation]
            found = tuple(column for column in columns if key in self.key_roots(Place(relation, column)))
            self._referring[relation, key] = found
        return self._referring[relation, key]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All columns of all relations."""
        return tuple(Place(name, column) for name, columns in self.relations.items() for column in columns)


def _unique_columns(layout: Layout) -> Origins:
    """The columns that are unique alone and never null."""
    database = layout.filled({}, _ANY_TIME)
    try:
        rows = database.execute(
            "SELECT t.name, min(c.name) FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c"
            " WHERE t.type = 'table' AND i.\"unique\" AND NOT i.partial GROUP BY t.name, i.name HAVING count(*) = 1"
        ).fetchall()
    finally:
        database.close()
    required = {
        (table, column.name) for table, columns in layout.tables.items() for column in columns if column.required
    }
    return frozenset(Place(table, column) for table, column in rows if (table, column) in required)


def _created_views(layout: Layout) -> Iterator[exp.Create]:
    database = layout.filled({}, _ANY_TIME)
    try:
        texts = [row[0] for row in database.execute("SELECT sql FROM sqlite_schema WHERE type = 'view'")]
    finally:
        database.close()
    for text in texts:
        statement = parse_one(text, dialect="sqlite")
        if isinstance(statement, exp.Create):
            yield statement
