"""The making of a logical form: what a goal's words mean, taken from how its arguments were chosen and mentioned.

The planner knows every key, call and outcome; of these nothing may pass. What passes is what a listener gets: values
that are said, facts of the card, descriptions with the values that they name, and words for what came before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from envfactory_client.logical_form import (
    Card,
    Comparison,
    Derived,
    Extreme,
    Field,
    Given,
    Intent,
    Property,
    Row,
    Rows,
    Said,
    Same,
    Several,
    Term,
)
from synthesis.catalogue import Catalogue
from synthesis.draft import DraftTurn, Meant, Mention, Origin
from synthesis.errors import Drop
from synthesis.paths import value_of
from synthesis.stage import Stage
from synthesis.wording import Reached

_COMPARED: Mapping[str, Comparison] = {"date": "on", "time": "at"}
_BOUNDED: Mapping[tuple[str, str], Comparison] = {("time", "<"): "before", ("time", ">"): "after"}


def intent_of(reached: Reached, through: Mapping[str, Mention]) -> Intent:
    """Give what the words of one goal mean; `through` are the rows through which values are said, by parameter."""
    terms = _Terms(reached, through).all()
    kind, environment = reached.kind, reached.kind.environment
    if kind.outcome != "answer":
        return Intent(act=kind.full_name, terms=terms)
    contract = reached.stage.catalogue.tools[kind.tool].contract
    column = contract.results[kind.what].shows if contract else None
    about = next((name for name in reached.choice.rows if name in terms), None)
    if column is None or (about is not None and isinstance(terms[about], Field)):
        return Intent(wants=f"{kind.full_name}.{kind.what}", terms=terms)
    own = _own_row(reached.stage.catalogue, column)
    if about is None and own is None:
        return Intent(wants=f"{kind.full_name}.{kind.what}", terms=terms)
    rest = {name: term for name, term in terms.items() if name != about}
    return Intent(wants=f"{environment}.{column}", about=terms[about] if about else own, terms=rest)


def meant_by(reached: Reached, through: Mapping[str, Mention]) -> list[Meant]:
    """Give the descriptions in the words of one goal, with the rows that they stand for."""
    terms = _Terms(reached, through)
    said = {name: terms.described(name, mention) for name, mention in reached.mentions.items()}
    said |= {name: term_of(reached.stage, mention) for name, mention in through.items()}
    named = [one for mention in (*reached.mentions.values(), *through.values()) for one in (mention, *mention.within)]
    known = {(it.environment, it.table): it.value for it in named if it.kind == "anaphora"}
    found: list[Meant] = []
    for name, mention in {**reached.mentions, **through}.items():
        pairs = [(mention, said[name]), *((inner, term_of(reached.stage, inner)) for inner in mention.within)]
        found += [
            Meant(name, term, part.value, reached.call, part.sql, part.parameters, known)
            for part, term in pairs
            if isinstance(term, Row | Rows)
        ]
    return found


def described(reached: Reached, name: str) -> Row | Rows | Same | Field:
    """Give the term of what is named for a parameter, with what follows from the other rows of the request."""
    return _Terms(reached, {}).described(name, reached.mentions[name])


def request_and_reply(intent: Intent, turn: DraftTurn) -> tuple[Intent, Intent]:
    """Give what is asked first and what is replied, for a turn that keeps something back."""
    name = turn.missing
    if name == "confirmation":
        return intent, Intent(reply=True)
    term = intent.terms.get(name, intent.about)
    if not turn.left_open:
        if term is None:
            raise Drop("no_logical_form", f"{name} is asked for and never said")
        rest = {other: kept for other, kept in intent.terms.items() if other != name}
        return intent.model_copy(update={"terms": rest}), Intent(reply=True, terms={name: term})
    if not isinstance(term, Row):
        raise Drop("no_logical_form", f"{name} is asked for and not described")
    last = tuple(part for part in term.properties if part.path.endswith(f".{turn.left_open}"))
    shorter = term.model_copy(update={"properties": tuple(part for part in term.properties if part not in last)})
    reply = Intent(reply=True, terms={name: term.model_copy(update={"properties": last})})
    if name in intent.terms:
        return intent.model_copy(update={"terms": {**intent.terms, name: shorter}}), reply
    return intent.model_copy(update={"about": shorter}), reply


def telling(intents: Sequence[Intent], facts: Sequence[str]) -> list[Intent]:
    """Give the intents of a message, the first with the facts of the card that the message tells."""
    if not intents or not facts:
        return list(intents)
    return [intents[0].model_copy(update={"told": tuple(facts)}), *intents[1:]]


def term_of(stage: Stage, mention: Mention) -> Row | Rows | Same | Field:
    """Give the term that a mention is: its description without the row, or rows."""
    if mention.kind == "anaphora":
        return Same(environment=mention.environment, entity=mention.table)
    entity = stage.catalogues[mention.environment].entity(mention.table)
    said = [part for part in mention.properties if "value" in part]
    best = [part for part in mention.properties if "value" not in part]
    if mention.kind == "relation":
        return Field(of=term_of(stage, mention.nested[0]), column=best[0]["column"])
    if mention.kind == "set":
        return Rows(
            environment=mention.environment,
            entity=mention.table,
            mine=bool(entity.mine),
            properties=tuple(_property(stage, mention, part) for part in said),
        )
    return Row(
        environment=mention.environment,
        entity=mention.table,
        mine=bool(entity.mine),
        properties=tuple(_property(stage, mention, part) for part in said if "wish" not in part),
        prefers=tuple(_property(stage, mention, part) for part in said if "wish" in part),
        extreme=_extreme(stage, mention, best[0]) if best else None,
    )


def path_of(catalogue: Catalogue, table: str, column: str) -> str:
    """Give a column or path of an entity as contracts name it, such as "booking_board.departs_on"."""
    view = catalogue.view(table)
    attribute = catalogue.schema.attribute(view, column)
    if attribute is not None:
        return attribute.column if "." in column else f"{view}.{column}"
    return f"{table}.{column}"


def _property(stage: Stage, mention: Mention, part: Mapping[str, Any]) -> Property:
    catalogue = stage.catalogues[mention.environment]
    how = catalogue.entity(mention.table).say.get(part["column"])
    kind = how.kind if how is not None and mention.kind != "handle" else ""
    path = path_of(catalogue, mention.table, part["column"])
    op = _BOUNDED.get((kind, part.get("op", "=")), part.get("op") or _COMPARED.get(kind, "="))
    if kind == "row":
        inner = next((inner for inner in mention.nested if inner.value == part["value"]), None)
        if inner is None:
            raise Drop("no_logical_form", f"{path} is said without its row")
        return Property(path=path, op=op, value=term_of(stage, inner))
    through = _through_row(stage, mention, part["value"]) if kind == "date" else None
    return Property(path=path, op=op, value=through or Said(value=part["value"], type=_type(kind)))


def _type(kind: str) -> str | None:
    return kind if kind in ("money", "date", "time") else None


def _extreme(stage: Stage, mention: Mention, part: Mapping[str, Any]) -> Extreme:
    catalogue = stage.catalogues[mention.environment]
    how = catalogue.entity(mention.table).say.get(part["column"])
    least = mention.kind != "recency" and how is not None and part["text"] in how.least
    path = path_of(catalogue, mention.table, part["column"])
    return Extreme(path=path, function="min" if least else "max")


def _through_row(stage: Stage, mention: Mention, day: str) -> Field | None:
    """Give the field of a row of another environment through which a day is said."""
    for inner in mention.nested:
        if inner.environment == mention.environment:
            continue
        catalogue = stage.catalogues[inner.environment]
        for column in catalogue.entity(inner.table).anchors:
            if str(_shown(stage, inner, column))[:10] == day:
                return Field(of=term_of(stage, inner), column=path_of(catalogue, inner.table, column))
    return None


def _shown(stage: Stage, mention: Mention, column: str) -> Any:
    """Give what the record in which a row was found shows of a column, or of a relation any other record of the row;
    None when it doesn't."""
    here = stage.at(mention.environment)
    key = f"{mention.table}.{here.catalogue.key(mention.table)}"
    origins = here.origins(key, mention.value) if mention.kind == "relation" else [mention.origin]
    for origin in origins:
        if origin.step is None or origin.place is None:
            continue
        found = stage.draft.steps[origin.step]
        field = here.catalogue.field_beside(found.tool, origin.place, mention.table, column)
        if field is not None:
            return value_of(found.result, field)
    return None


def _own_row(catalogue: Catalogue, column: str) -> Row | None:
    """Give the user's own only row of the entity that a column belongs to, when there is such an entity."""
    source = column.partition(".")[0]
    for table, entity in catalogue.phrases.entity.items():
        if entity.mine and not entity.say and source in (table, catalogue.view(table)):
            return Row(environment=catalogue.environment, entity=table, mine=True)
    return None


def _twisted(term: Term, origin: Origin) -> Term:
    """Give the term of what is worked out of a value."""
    if origin.twist is None:
        return term
    by = () if origin.twist.by is None else (Said(value=origin.twist.by),)
    return Derived(op=origin.twist.op, of=(term, *by))


class _Terms:
    """The terms of one goal's arguments."""

    def __init__(self, reached: Reached, through: Mapping[str, Mention]) -> None:
        self.reached, self.through = reached, through
        self.stage, self.choice = reached.stage, reached.choice

    def all(self) -> dict[str, Term]:
        """Give the term of each argument that the user speaks of."""
        found = {name: self._term(name, value) for name, value in self.choice.values.items()}
        return {name: term for name, term in found.items() if term is not None}

    def _term(self, name: str, value: Any) -> Term | None:
        if name in self.choice.facts:
            return Card(fact=self.choice.facts[name])
        if name in self.choice.rows:
            return self._rows(name)
        if name in self.through:
            anchor, mention = self.choice.anchored[name], self.through[name]
            column = path_of(self.stage.catalogues[anchor.environment], anchor.row.table, anchor.column)
            return _twisted(Field(of=term_of(self.stage, mention), column=column), anchor.origin)
        if name in self.choice.carried:
            return _twisted(self._given(self.choice.carried[name]), self.choice.carried[name])
        kind = self.stage.catalogue.parameter(self.reached.kind.tool, name).type
        return Said(value=value, type=_type(kind or ""))

    def _rows(self, name: str) -> Term | None:
        mentions = {part: found for part, found in self.reached.mentions.items() if part.partition("[")[0] == name}
        if name in mentions:
            said = name in self.choice.placeholders or mentions[name].kind == "anaphora"
            return self.described(name, mentions[name]) if said else None
        return Several(of=tuple(term_of(self.stage, mention) for mention in mentions.values()))

    def described(self, name: str, mention: Mention) -> Row | Rows | Same | Field:
        """Give the term of a mention with what follows from the other rows of the request."""
        term = term_of(self.stage, mention)
        if not isinstance(term, Row):
            return term
        known = {part.get("column") for part in mention.properties}
        implied = [column for column in self.choice.rows[name.partition("[")[0]][1].implied if column not in known]
        inferred = [part for column in implied if (part := self._inferred(name, mention, column)) is not None]
        return term.model_copy(update={"properties": (*term.properties, *inferred)})

    def _inferred(self, name: str, mention: Mention, column: str) -> Property | None:
        """Give the property that follows from another row of the same request, such as where a return flight begins."""
        value = _shown(self.stage, mention, column)
        if value is None:
            return None
        catalogue = self.stage.catalogue
        path = path_of(catalogue, mention.table, column)
        for other, rival in self.reached.mentions.items():
            if other != name and (source := self._same_value(rival, column, value)) is not None:
                return Property(path=path, value=Field(of=term_of(self.stage, rival), column=source))
        return None

    def _same_value(self, mention: Mention, column: str, value: Any) -> str | None:
        """Give the column of a row that has a value, that of its name first; it may be unseen of what a write made."""
        view = self.stage.catalogue.view(mention.table)
        columns = self.stage.catalogue.schema.columns[view]
        for name in sorted(columns, key=lambda other: other != column):
            if _shown(self.stage, mention, name) == value:
                return path_of(self.stage.catalogue, mention.table, name)
        unseen = mention.kind == "anaphora" and column in columns and _shown(self.stage, mention, column) is None
        return path_of(self.stage.catalogue, mention.table, column) if unseen else None

    def _given(self, origin: Origin) -> Given:
        """Give the value of the last goal's result, with its column where it gave others of the type."""
        if origin.step is None or origin.place is None:
            raise Drop("no_logical_form", "a carried value comes from no call")
        step = self.stage.draft.steps[origin.step]
        contract = self.stage.catalogues[step.environment].tools[step.tool].contract
        shown = contract.results if contract else {}
        kind = shown[origin.place].type or ""
        alike = [path for path, field in shown.items() if field.type == kind and "[" not in path]
        return Given(type=kind, column=shown[origin.place].shows if len(alike) > 1 else None)
