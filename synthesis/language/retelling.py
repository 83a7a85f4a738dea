"""Retelling: other words for a row that was named, which say the same of it.

A mention holds what is said of its row as attributes with values. So it can be put in other words: another noun,
another form of each attribute, an attribute before the noun, another order. A mention whose words don't follow from
its attributes, such as one that is said too shortly on purpose, is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from synthesis.catalogue import Catalogue
from synthesis.draft import Mention
from synthesis.language.nouns import plural
from synthesis.language.pattern import pick
from synthesis.mentions import whose
from synthesis.phrases import Entity, Say
from synthesis.plural import Quantity, many, of_several
from synthesis.references import RECENT, Description, Extreme, Property
from synthesis.spoken import forms

BEFORE_SHARE = 0.45
"""How often an attribute that can stand before the noun does."""
SHUFFLE_SHARE = 0.4
APART_SHARE = 0.05
"""How often the last attribute stands apart, in parentheses."""
PLAINEST = 3
"""How much likelier the plainest word for a kind of thing is than each of the others."""
ALONE_SHARE = 0.9
"""How often a name that can do without the noun stands in its place."""
LONG_WORDS = 4
POSSESSIVE = "'s"
_SPOKEN = {"date": "date", "time": "hour", "money": "money"}
_RECENT = (*RECENT, "newest")
Says = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Retold:
    """A mention in other words, and which words of the ledger stand there differently."""

    mention: Mention
    says: Says = ()


class Teller:
    """Puts the mentions of one draft in other words; what follows from a mention alone is worked out once.

    One person calls one kind of thing by one word, mostly the plainest, and themself not by their name.
    """

    def __init__(self, catalogues: Mapping[str, Catalogue], habits: Random, name: str = "") -> None:
        self.catalogues = catalogues
        self.name = name
        self._habits = habits
        self._nouns: dict[tuple[str, str], str] = {}
        self._known: dict[int, tuple[Mention, _Retelling | None]] = {}

    def noun(self, mention: Mention) -> str:
        """Give the word by which this person calls such a thing."""
        place = (mention.environment, mention.table)
        if place not in self._nouns:
            nouns = self.catalogues[mention.environment].phrases.entity[mention.table].noun
            self._nouns[place] = pick(self._habits, (*nouns[:1] * (PLAINEST - 1), *nouns))
        return self._nouns[place]

    def retell(self, mention: Mention, rng: Random) -> Retold:
        """Give a mention in other words."""
        entity = self.catalogues[mention.environment].phrases.entity.get(mention.table)
        if entity is None:
            return Retold(mention)
        entity = whose(entity, theirs=mention.theirs)
        match mention.kind:
            case "self":
                return _own(entity, mention, self.noun(mention))
            case "handle":
                return _by_handle(entity, mention, self.noun(mention), rng)
            case "anaphora":
                return _pointed_at(entity, mention, self.noun(mention), rng)
            case "relation":
                return self._through_kin(entity, mention, rng)
            case "set":
                return self._set(entity, mention, rng)
        if id(mention) not in self._known:
            self._known[id(mention)] = (mention, _Retelling.of(self, mention, entity))
        retelling = self._known[id(mention)][1]
        return retelling.told(rng) if retelling else _as_called(entity, mention, self.noun(mention))

    def _through_kin(self, entity: Entity, mention: Mention, rng: Random) -> Retold:
        """Give a row that is said through another one, with that one in other words.

        After one that nobody tells from it, it is pointed at by its own noun: "that event".
        """
        inner = mention.nested[0]
        if inner.kind == "anaphora" and inner.table in entity.one_with:
            text = f"{pick(rng, ('that', 'this'))} {self.noun(mention)}"
            return Retold(replace(mention, text=text, short=text))
        told = self.retell(inner, rng)
        text = pick(rng, mention.through).replace("{}", told.mention.text)
        return Retold(replace(mention, text=text, short=text, nested=(told.mention,)), told.says)

    def _set(self, entity: Entity, mention: Mention, rng: Random) -> Retold:
        """Give several rows in other words, spoken of in the same quantity."""
        quantity = _quantity(entity, mention.text)
        if id(mention) not in self._known:
            recorded = tuple(mention.properties)
            self._known[id(mention)] = (mention, _Retelling(self, mention, entity, recorded, None, None))
        retelling = self._known[id(mention)][1]
        return retelling.told_of_many(quantity, rng) if retelling and quantity else Retold(mention)


def _quantity(entity: Entity, text: str) -> Quantity | None:
    """Give how a set is spoken of in its planned words."""
    if text.startswith(("all ", "each ")):
        return "all"
    if text.startswith("my "):
        return "own"
    return "bare" if any(text.startswith(plural(noun)) for noun in entity.noun) else None


def _as_called(entity: Entity, mention: Mention, noun: str) -> Retold:
    """Give a mention that can't be put otherwise, with the word by which such a thing is called."""
    for other in sorted(entity.noun, key=len, reverse=True):
        begun = f"{'my' if entity.mine else 'the'} {other}"
        if re.match(rf"{re.escape(begun)}\b", mention.text):
            text = f"{begun.removesuffix(other)}{noun}{mention.text.removeprefix(begun)}"
            return Retold(replace(mention, text=text, short=text if mention.short == mention.text else mention.short))
    return Retold(mention)


def _own(entity: Entity, mention: Mention, noun: str) -> Retold:
    if mention.text not in [f"my {word}" for word in entity.noun]:
        return Retold(mention)
    text = f"my {noun}"
    return Retold(replace(mention, text=text, short=text))


def _by_handle(entity: Entity, mention: Mention, noun: str, rng: Random) -> Retold:
    handle = str(mention.properties[0]["text"]) if mention.properties else ""
    if mention.text not in [f"{my}{word} {handle}" for word in entity.noun for my in ("", "my ")]:
        return Retold(mention)
    texts = [f"{noun} {handle}", f"the {noun} {handle}", handle]
    texts += [f"my {noun} {handle}", f"my {noun} ({handle})"] if entity.mine else [f"{noun} {handle}"]
    return Retold(replace(mention, text=pick(rng, texts), short=mention.short))


def _pointed_at(entity: Entity, mention: Mention, noun: str, rng: Random) -> Retold:
    first, _, word = mention.text.rpartition(" ")
    if first not in ("that", "the same") or word not in entity.noun:
        return Retold(mention)
    text = f"{pick(rng, ('that', 'that', 'this'))} {noun}"
    return Retold(replace(mention, text=text, short=text))


@dataclass(frozen=True)
class _Said:
    """One attribute as it is said now: after the noun, and before it where it can stand there."""

    column: str
    text: str
    before: str = ""
    says: Says = ()
    says_before: Says = ()
    inner: tuple[Mention, Retold] | None = None
    """The mention inside it, and its other words."""


@dataclass(frozen=True)
class _Retelling:
    """One description that can be put in other words."""

    teller: Teller
    mention: Mention
    entity: Entity
    recorded: tuple[Mapping[str, Any], ...]
    extreme: Mapping[str, Any] | None
    wish: Mapping[str, Any] | None

    @classmethod
    def of(cls, teller: Teller, mention: Mention, entity: Entity) -> _Retelling | None:
        """Give how a mention can be retold, or None when its words don't follow from its attributes."""
        extreme = next((record for record in mention.properties if "value" not in record), None)
        recorded = tuple(record for record in mention.properties if "value" in record and "wish" not in record)
        wish = next((record for record in mention.properties if "wish" in record), None)
        behind = f" ({wish['text']})" if wish else ""
        known = mention.properties and mention.text.removesuffix(behind) in _texts(entity, recorded, extreme)
        return cls(teller, mention, entity, recorded, extreme, wish) if known else None

    def told(self, rng: Random) -> Retold:
        """Give the description in other words."""
        if self.extreme is None and [record["column"] for record in self.recorded] == [self.entity.named]:
            return self._by_name(self.recorded[0], rng)
        said = [self._attribute(record, rng) for record in self.recorded]
        text, texts, says = self._composed(said, self._superlative(rng), rng)
        if self.wish is not None:
            text += f" ({pick(rng, self.entity.say[self.wish['column']].wish[str(self.wish['value'])])})"
        inner = {id(one.inner[0]): one.inner[1] for one in said if one.inner}
        told = replace(
            self.mention,
            text=text,
            short=text if self.entity.mine else _behind(said) or text,
            properties=tuple(
                {**record, "text": texts.get(record["column"], record["text"])} for record in self.mention.properties
            ),
            nested=tuple(inner[id(one)].mention if id(one) in inner else one for one in self.mention.nested),
        )
        return Retold(told, says + tuple(pair for one in inner.values() for pair in one.says))

    def told_of_many(self, quantity: Quantity, rng: Random) -> Retold:
        """Give a description of several rows in other words."""
        said = [self._attribute(record, rng) for record in self.recorded]
        movable = [one for one in said if one.before and not one.before.endswith(POSSESSIVE)]
        first = pick(rng, movable) if movable and rng.random() < BEFORE_SHARE else None
        after = [one for one in said if one is not first]
        noun = " ".join(word for word in (first.before if first else "", self.teller.noun(self.mention)) if word)
        behind = _behind([replace(one, text=of_several(one.text)) for one in after])
        text = pick(rng, many(noun, behind, quantity))
        says = tuple(pair for one in after for pair in one.says) + (first.says_before if first else ())
        inner = {id(one.inner[0]): one.inner[1] for one in said if one.inner}
        nested = tuple(inner[id(one)].mention if id(one) in inner else one for one in self.mention.nested)
        says += tuple(pair for one in inner.values() for pair in one.says)
        return Retold(replace(self.mention, text=text, short=text, nested=nested), says)

    def _ahead_of_it(self, said: Sequence[_Said], rng: Random) -> tuple[_Said | None, str]:
        """Give what stands before the noun, and the noun; none after a name that says it alone: my "Spanish class"."""
        movable = [one for one in said if one.before]
        alone = [one for one in movable if one.column in self.entity.alone]
        if alone and rng.random() < ALONE_SHARE:
            return alone[0], ""
        first = pick(rng, movable) if movable and rng.random() < BEFORE_SHARE else None
        return first, self.teller.noun(self.mention)

    def _whose(self, first: _Said | None) -> str:
        """Give the word that says whose it is, where what stands before the noun doesn't: "Ana's ticket"."""
        if first is not None and first.before.endswith(POSSESSIVE):
            return ""
        return "my" if self.entity.mine else "the"

    def _by_name(self, record: Mapping[str, Any], rng: Random) -> Retold:
        how = self.entity.say[record["column"]]
        text = str(pick(rng, how.options(record["value"]))).replace("{}", str(record["value"]))
        return Retold(replace(self.mention, text=text, short=text, properties=({**record, "text": text},)))

    def _superlative(self, rng: Random) -> str:
        """Give the word for the most or the least; other words for the same where the entity has them."""
        if self.extreme is None:
            return ""
        how, word = self.entity.say.get(self.extreme["column"], Say(kind="name")), str(self.extreme["text"])
        return str(pick(rng, next((words for words in (how.least, how.most, _RECENT) if word in words), (word,))))

    def _attribute(self, record: Mapping[str, Any], rng: Random) -> _Said:
        column, value, text = str(record["column"]), record["value"], str(record["text"])
        how = self.entity.say.get(column)
        if how is None:
            return _Said(column, text)
        if how.kind in ("enum", "flag"):
            options = how.options(value)
            new = pick(rng, options) if text in options else text
            ahead = pick(rng, ways) if (ways := how.ahead(value)) else ""
            return _Said(column, new, ahead, ((text, new),), ((text, ahead),))
        if how.alone_by is not None and (name := self._name_of(value, how.alone_by)) is not None:
            return self._attribute({"column": how.alone_by, "value": name, "text": text}, rng)
        core = _core(text, how.said_by(record.get("op", "="), value))
        return _Said(column, text) if core is None else self._value(record, how, core, rng)

    def _name_of(self, key: Any, column: str) -> Any:
        """Give the name by which alone a row inside the description goes, or None where it goes by something else."""
        inner = next((one for one in self.mention.nested if one.value == key), None)
        named = inner.properties if inner is not None else ()
        return next((part["value"] for part in named if part["column"] == column), None)

    def _value(self, record: Mapping[str, Any], how: Say, core: tuple[str, str], rng: Random) -> _Said:
        """Give an attribute whose value stands in its form: the value and the form in other words."""
        (form, old), column, value = core, str(record["column"]), record["value"]
        if how.me and value == self.teller.name:
            return _Said(column, pick(rng, how.me))
        ways = forms(_SPOKEN.get(how.kind), value)
        if old not in ways:
            return self._through(column, how, core, rng)
        op = record.get("op", "=")
        new, first = pick(rng, ways), _ahead(how, value, ways, rng) if op == "=" else ""
        options = how.said_by(op, value)
        text = str(pick(rng, options) if options else form).replace("{}", new)
        before = str(pick(rng, how.ahead(value))).replace("{}", first) if first else ""
        return _Said(column, text, before, ((old, new),), ((old, first),))

    def _through(self, column: str, how: Say, core: tuple[str, str], rng: Random) -> _Said:
        """Give an attribute that is said through another row: that row in other words."""
        form, old = core
        inner = next((one for one in self.mention.nested if one.short and one.short in old), None)
        if inner is None:
            return _Said(column, form.replace("{}", old))
        told = self.teller.retell(inner, rng)
        new = old.replace(inner.short, told.mention.short)
        form = str(pick(rng, how.options(""))) if how.kind == "row" else form
        return _Said(column, form.replace("{}", new), says=((old, new),), inner=(inner, told))

    def _composed(self, said: Sequence[_Said], superlative: str, rng: Random) -> tuple[str, dict[str, str], Says]:
        """Give the whole, the words of each attribute, and what the ledger knows by other words."""
        first, noun = self._ahead_of_it(said, rng)
        after = [one for one in said if one is not first and one.text]
        if rng.random() < SHUFFLE_SHARE and all(len(one.text.split()) <= LONG_WORDS for one in after):
            rng.shuffle(after)
        words = [self._whose(first), superlative, first.before if first else "", noun]
        words.append(_apart(after, rng) if len(after) == 1 else _behind(after))
        says = tuple(pair for one in after for pair in one.says) + (first.says_before if first else ())
        texts = {one.column: one.before if one is first else one.text for one in said}
        return " ".join(word for word in words if word), texts, says


def _ahead(how: Say, value: Any, ways: Sequence[str], rng: Random) -> str:
    """Give a value as it can stand before a noun: short, an amount as "$50", a day without "the"."""
    fit = [way for way in ways if len(way.split()) <= LONG_WORDS and not way.startswith("the ") and "," not in way]
    fit = [way for way in fit if way.startswith("$")] if how.kind == "money" else fit
    return pick(rng, fit) if fit and how.ahead(value) else ""


def _apart(after: Sequence[_Said], rng: Random) -> str:
    """Give the one attribute behind the noun, now and then in parentheses."""
    text = after[0].text
    if rng.random() >= APART_SHARE or len(text.split()) > LONG_WORDS + 2 or text.startswith(("because", '"')):
        return text
    return f"({pick(rng, ('the one ', 'the one ', ''))}{text})"


def _behind(said: Sequence[_Said]) -> str:
    """Give what stands after the noun."""
    return Description(tuple(Property(one.column, "", None, one.text) for one in said)).modifiers


def _texts(entity: Entity, recorded: Sequence[Mapping[str, Any]], extreme: Mapping[str, Any] | None) -> set[str]:
    """Give the words of a description as planning makes them, with each of its entity's nouns."""
    parts = tuple(Property(str(one["column"]), "", one["value"], str(one["text"])) for one in recorded)
    best = Extreme(str(extreme["column"]), "", str(extreme["text"])) if extreme else None
    whole = Description(parts, best)
    return {whole.text(entity.model_copy(update={"noun": (noun,)}), Random(0)) for noun in entity.noun}


def _core(text: str, options: Sequence[str]) -> tuple[str, str] | None:
    """Give the form that a text has, and what stands in it at the place of the value."""
    for form in sorted(options, key=len, reverse=True):
        before, _, after = form.partition("{}")
        if text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            return form, text[len(before) : len(text) - len(after)]
    return None
