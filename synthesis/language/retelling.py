"""Retelling: other words for a row that was named, which say the same of it.

A mention holds what is said of its row as attributes with values. So it can be put in other words: another noun,
another form of each attribute, an attribute before the noun, another order. A mention whose words don't follow from
its attributes, such as one that is said too shortly on purpose, is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from synthesis.catalogue import Catalogue
from synthesis.draft import Mention
from synthesis.language.pattern import pick
from synthesis.phrases import Entity, Say
from synthesis.references import RECENT, Description, Extreme, Property
from synthesis.spoken import forms

BEFORE_SHARE = 0.45
"""How often an attribute that can stand before the noun does."""
SHUFFLE_SHARE = 0.4
APART_SHARE = 0.1
"""How often the last attribute stands apart, in parentheses."""
LONG_WORDS = 4
_SPOKEN = {"date": "date", "time": "hour", "money": "money"}
_RECENT = (*RECENT, "newest")
Says = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Retold:
    """A mention in other words, and which words of the ledger stand there differently."""

    mention: Mention
    says: Says = ()


def retell(catalogues: Mapping[str, Catalogue], mention: Mention, rng: Random) -> Retold:
    """Give a mention in other words."""
    entity = catalogues[mention.environment].phrases.entity.get(mention.table)
    if entity is None:
        return Retold(mention)
    match mention.kind:
        case "self":
            return _own(entity, mention, rng)
        case "handle":
            return _by_handle(entity, mention, rng)
        case "anaphora":
            return _pointed_at(entity, mention, rng)
        case _:
            return _Retelling(catalogues, mention, entity, rng).told()


def _own(entity: Entity, mention: Mention, rng: Random) -> Retold:
    if mention.text not in [f"my {noun}" for noun in entity.noun]:
        return Retold(mention)
    text = f"my {pick(rng, entity.noun)}"
    return Retold(replace(mention, text=text, short=text))


def _by_handle(entity: Entity, mention: Mention, rng: Random) -> Retold:
    handle = str(mention.properties[0]["text"]) if mention.properties else ""
    if mention.text not in [f"{my}{noun} {handle}" for noun in entity.noun for my in ("", "my ")]:
        return Retold(mention)
    noun = pick(rng, entity.noun)
    texts = [f"{noun} {handle}", f"the {noun} {handle}", handle]
    texts += [f"my {noun} {handle}", f"my {noun} ({handle})"] if entity.mine else [f"{noun} {handle}"]
    return Retold(replace(mention, text=pick(rng, texts), short=mention.short))


def _pointed_at(entity: Entity, mention: Mention, rng: Random) -> Retold:
    first, _, noun = mention.text.rpartition(" ")
    if first not in ("that", "the same") or noun not in entity.noun:
        return Retold(mention)
    text = f"{pick(rng, ('that', 'the same', 'this', 'that same'))} {pick(rng, entity.noun)}"
    return Retold(replace(mention, text=text, short=text))


@dataclass(frozen=True)
class _Said:
    """One attribute as it is said now: after the noun, and before it where it can stand there."""

    part: Property
    before: str
    says: Says
    says_before: Says
    inner: tuple[Mention, Retold] | None = None
    """The mention inside it, and its other words."""


@dataclass(frozen=True)
class _Retelling:
    """One description being put in other words."""

    catalogues: Mapping[str, Catalogue]
    mention: Mention
    entity: Entity
    rng: Random

    def told(self) -> Retold:
        mention, records = self.mention, self.mention.properties
        extreme = next((record for record in records if "value" not in record), None)
        recorded = [record for record in records if "value" in record]
        old = Description(tuple(_as_property(record) for record in recorded), _extreme(extreme))
        if mention.text not in _texts(self.entity, old) or not records:
            return Retold(mention)
        if [record["column"] for record in recorded] == [self.entity.named] and extreme is None:
            return self._by_name(recorded[0])
        said = [self._attribute(record) for record in recorded]
        text, texts, says = self._composed(said, self._superlative(extreme))
        inner = {id(one.inner[0]): one.inner[1] for one in said if one.inner}
        told = replace(
            mention,
            text=text,
            short=text if self.entity.mine else Description(tuple(one.part for one in said)).modifiers or text,
            properties=tuple({**record, "text": texts.get(record["column"], record["text"])} for record in records),
            nested=tuple(inner[id(one)].mention if id(one) in inner else one for one in mention.nested),
        )
        return Retold(told, says + tuple(pair for one in inner.values() for pair in one.says))

    def _by_name(self, record: Mapping[str, Any]) -> Retold:
        how = self.entity.say[record["column"]]
        text = str(pick(self.rng, how.options(record["value"]))).replace("{}", str(record["value"]))
        return Retold(replace(self.mention, text=text, short=text, properties=({**record, "text": text},)))

    def _superlative(self, record: Mapping[str, Any] | None) -> str:
        """Give the word for the most or the least; other words for the same where the entity has them."""
        if record is None:
            return ""
        how = self.entity.say.get(record["column"], Say(kind="name"))
        alike = next((words for words in (how.least, how.most, _RECENT) if record["text"] in words), (record["text"],))
        return str(pick(self.rng, alike))

    def _attribute(self, record: Mapping[str, Any]) -> _Said:
        part, how = _as_property(record), self.entity.say.get(record["column"])
        if how is None:
            return _Said(part, "", (), ())
        if how.kind in ("enum", "flag"):
            options = how.options(part.value)
            text = pick(self.rng, options) if part.text in options else part.text
            ahead = pick(self.rng, ways) if (ways := how.ahead(part.value)) else ""
            return _Said(replace(part, text=text), ahead, ((part.text, text),), ((part.text, ahead),))
        return self._value(part, how)

    def _value(self, part: Property, how: Say) -> _Said:
        """Give an attribute whose value stands in its form: the value and the form in other words."""
        old = _core(part.text, how.options(part.value))
        if old is None:
            return _Said(part, "", (), ())
        ways = forms(_SPOKEN.get(how.kind), part.value)
        if old in ways:
            new, inner = pick(self.rng, ways), None
        else:
            inner = self._inner(old)
            new = old.replace(inner[0].short, inner[1].mention.short) if inner else old
        text = str(pick(self.rng, how.options(part.value))).replace("{}", new)
        first = "" if inner else self._ahead(how, part.value, ways)
        before = str(pick(self.rng, how.ahead(part.value))).replace("{}", first) if first else ""
        return _Said(replace(part, text=text, spoken=new), before, ((old, new),), ((old, first),), inner)

    def _ahead(self, how: Say, value: Any, ways: Sequence[str]) -> str:
        """Give a value as it can stand before a noun: short, an amount as "$50", a day without "the"."""
        fit = [way for way in ways if len(way.split()) <= LONG_WORDS and not way.startswith("the ") and "," not in way]
        fit = [way for way in fit if way.startswith("$")] if how.kind == "money" else fit
        return pick(self.rng, fit) if fit and how.ahead(value) else ""

    def _inner(self, words: str) -> tuple[Mention, Retold] | None:
        """Give the mention inside these words, and other words for it."""
        inner = next((one for one in self.mention.nested if one.short and one.short in words), None)
        return (inner, retell(self.catalogues, inner, self.rng)) if inner else None

    def _composed(self, said: Sequence[_Said], superlative: str) -> tuple[str, dict[str, str], Says]:
        """Give the whole, the words of each attribute, and what the ledger knows by other words."""
        rng = self.rng
        noun = pick(rng, self.entity.noun)
        movable = [one for one in said if one.before]
        first = pick(rng, movable) if movable and rng.random() < BEFORE_SHARE else None
        after = [one for one in said if one is not first]
        if rng.random() < SHUFFLE_SHARE and all(len(one.part.text.split()) <= LONG_WORDS for one in after):
            rng.shuffle(after)
        words = ["my" if self.entity.mine else "the", superlative, first.before if first else "", noun]
        words.append(self._behind(after))
        says = tuple(pair for one in after for pair in one.says) + (first.says_before if first else ())
        texts = {one.part.column: one.before if one is first else one.part.text for one in said}
        return " ".join(word for word in words if word), texts, says

    def _behind(self, after: Sequence[_Said]) -> str:
        """Give what stands after the noun."""
        if len(after) == 1 and self.rng.random() < APART_SHARE and len(after[0].part.text.split()) <= LONG_WORDS + 2:
            return f"({pick(self.rng, ('the one ', 'the one ', ''))}{after[0].part.text})"
        return Description(tuple(one.part for one in after)).modifiers


def _as_property(record: Mapping[str, Any]) -> Property:
    return Property(str(record["column"]), "", record["value"], str(record["text"]))


def _extreme(record: Mapping[str, Any] | None) -> Extreme | None:
    return Extreme(str(record["column"]), "", str(record["text"])) if record else None


def _texts(entity: Entity, description: Description) -> list[str]:
    """Give the words of a description with each of its entity's nouns."""
    return [description.text(entity.model_copy(update={"noun": (noun,)}), Random(0)) for noun in entity.noun]


def _core(text: str, options: Sequence[str]) -> str | None:
    """Give what stands at the place of the value in a text that has one of these forms."""
    for form in sorted(options, key=len, reverse=True):
        before, _, after = form.partition("{}")
        if text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            return text[len(before) : len(text) - len(after)]
    return None
