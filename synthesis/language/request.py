"""A request: one clause put into a sentence, whether it is an act, a question or a sentence of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from synthesis.draft import Clause, Mention, Part
from synthesis.language.lexicon import lexicon
from synthesis.language.pattern import expand, pick, slots, tidy
from synthesis.language.questions import inside
from synthesis.language.retelling import Teller
from synthesis.language.script import Piece, Script
from synthesis.language.verbs import Verb
from synthesis.language.voice import Voice, weighted

PLACE = re.compile(r"\{([a-z_.]+)\}")
QUESTION_WORDS = re.compile(
    r"(and )?(how|what|when|which|who|where|why|is|are|was|were|do|does|did|can|could|will|would|has|have|am|should|"
    r"for how|until when|by when|from what|on which|at which|any|mind|might|may)\b",
    re.IGNORECASE,
)
OWN_ACTS = frozenset({"wish", "need", "slang"})
"""Groups in which the user would do the thing themself, which doesn't fit what only the assistant can do."""
TOPICS = frozenset({"topic"})
OBJECTS = frozenset({"result", "passive", "topic"})
_ADDRESSED = re.compile(r"\b(me|us)\b|;")
_FURTHER_VERB = re.compile(r" and (?!\{)|, but ")
"""What a request goes on with that has a verb of its own, which only the plain form of the first one fits."""
_CONDITIONAL = re.compile(
    r"\b(if|unless|provided|otherwise|long as|on condition|assuming|in case|failing|because|since)\b"
)
_FOR_ME = re.compile(r" for (me|us)\b")
_SINGLE = re.compile(r"\b(one|date|once|time)\b")
_PRONOUN = re.compile(r"\{goal\} (it|them|that|this|one|both)\b(?! (?:more|other|last|further)\b)")
_ASKED_LAST = re.compile(
    r"(?P<lead>(?!(?:if|for|about|there|out|as)\b)[^;]+?)(?<!\bif so)(?<!\bif not)"
    r"(?:,? so(?: please)?|;(?: please)?|(?:,|:| -) please) (?P<act>\{goal\}[^.;:]*)(?P<rest>[;].*)?",
    re.DOTALL | re.IGNORECASE,
)
"""A request that tells something, and asks for what follows from it at the end."""
_TOLD_FIRST = re.compile(r"(?:;|:|,? so|[.?,]| -) please ", re.IGNORECASE)
"""What stands between something told and what is asked for."""
_VERB_AND_ROW = re.compile(r"\{goal\} \{([a-z_]+)\}")
PRONOUNS = frozenset({"it", "them", "that", "this"})
_OBJECT = re.compile(r"\{goal\} \{([a-z_]+)\}(?=$|[ ,;])")
_SEVERAL = {
    "is": "are",
    "isn't": "aren't",
    "was": "were",
    "has": "have",
    "doesn't": "don't",
    "needs": "need",
    "bothers": "bother",
    "clashes": "clash",
    "tends": "tend",
    "seems": "seem",
    "makes": "make",
}
"""Verbs that follow a row in requests, as they follow several."""
LONG_ACT = 9
"""An act of more words, rows counted as one, takes nothing behind it."""
_CAUSE = re.compile(r"\b(because|since)\b")
_CONCLUDES = re.compile(r"\b(so|why)\b")
"""What draws a conclusion, which one after a cause that is named would draw once more."""
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")
LONG_TAIL = 4
"""What is asked for at the end of a request takes nothing behind it where it has more words."""
TRIES = 12
"""Patterns drawn before one that fits is forced."""


Tongue = tuple[Teller, Random]
"""Who retells what is named, and the chance that words are drawn by."""


@dataclass(frozen=True)
class Request:
    """A request as a sentence with its end mark."""

    kind: Literal["act", "question", "plain"]
    text: str


@dataclass(frozen=True)
class Filled:
    """A clause with its places filled by sealed pieces, and the mentions in their final words."""

    clause: Clause
    words: Mapping[str, str]
    mentions: Mapping[str, tuple[Mention, ...]]
    effect: str
    """What the goal's tool does: insert, delete, status or update."""
    people: frozenset[str] = frozenset()
    """The places of rows that go by their names, as people do."""


def fill(clause: Clause, effect: str, script: Script, tongue: Tongue) -> Filled:
    """Give a clause with every place filled: verbs as words, all else as sealed pieces."""
    teller, rng = tongue
    words: dict[str, str] = {}
    mentions: dict[str, tuple[Mention, ...]] = {}
    for name, part in clause.parts.items():
        if part.kind == "row":
            told = [teller.retell(mention, rng) for mention in part.mentions]
            mentions[name] = tuple(one.mention for one in told)
            marks = [script.seal(Piece("reference", one.mention.table, one.mention.text, one.says)) for one in told]
            words[name] = _listed(marks)
        else:
            words[name] = _valued(part, script, rng)
    return Filled(clause, words, mentions, effect, frozenset(_named(mentions, teller)))


def _named(mentions: Mapping[str, tuple[Mention, ...]], teller: Teller) -> Iterator[str]:
    """Give the places of rows that go by their names."""
    for name, told in mentions.items():
        entities = [teller.catalogues[one.environment].phrases.entity.get(one.table) for one in told]
        if any(entity is not None and entity.named for entity in entities):
            yield name


def _valued(part: Part, script: Script, rng: Random) -> str:
    text = pick(rng, part.ways)
    if part.kind == "verb":
        return text
    kind: Literal["fact", "argument"] = "fact" if part.kind == "fact" else "argument"
    return script.seal(Piece(kind, part.type, text, ((part.ways[0], text),)))


def _listed(marks: list[str]) -> str:
    return " and ".join(marks) if len(marks) <= 2 else f"{', '.join(marks[:-1])} and {marks[-1]}"


def requested(filled: Filled, voice: Voice, rng: Random) -> Request:
    """Give the sentence that a filled clause makes in a voice."""
    clause = filled.clause
    template = expand(clause.template or clause.text, rng, {name: "{" + name + "}" for name in _places(clause)})
    template, filled = _around_pronoun(_for_many(template, filled), filled)
    if template.startswith("{goal}"):
        return Request("act", ended(_act(template, filled, voice, rng), asks=False))
    asks = template.rstrip().endswith("?") and not filled.effect
    template = _asked_at_the_end(template, rng)
    text = PLACE.sub(lambda found: filled.words[found.group(1)], _with_verb(template, filled))
    text = _agreed(text, filled)
    if asks:
        return Request("question", ended(_question(text, _values(filled), rng), asks=False))
    return Request("plain", ended(text))


def _asked_at_the_end(template: str, rng: Random) -> str:
    """Give a request that asks at its end for what it has led up to, asked in one of the ways of doing so."""
    found = _ASKED_LAST.fullmatch(template)
    if found is None:
        return template
    act, rest = found["act"], found["rest"] or ""
    full = "," in act or len(act.split()) > LONG_TAIL
    ends = [one for one in lexicon().tails if not (full and one.rpartition("}")[2].strip("?. "))]
    ends = [one for one in ends if not rest or one.endswith("}")]
    pattern = pick(rng, [one for one in ends if not (_CAUSE.search(found["lead"]) and _CONCLUDES.search(one))])
    return expand(pattern, rng, {"lead": found["lead"].rstrip(","), "act": act}) + rest


def _around_pronoun(template: str, filled: Filled) -> tuple[str, Filled]:
    """Give a template whose verb's particle stands behind a row that is said by a pronoun: "call it off"."""
    found = _VERB_AND_ROW.search(template)
    said = filled.mentions.get(found.group(1), ()) if found else ()
    if found is None or len(said) != 1 or said[0].text not in PRONOUNS:
        return template, filled
    verb = Verb.of(filled.words["goal"])
    if not verb.rest or not verb.separable:
        return template, filled
    shifted = f"{found.group(0)} {verb.rest}"
    words = {**filled.words, "goal": verb.head}
    return template.replace(found.group(0), shifted, 1), replace(filled, words=words)


def leads_up(template: str) -> bool:
    """Whether a request tells something first, which says by itself why it is asked for."""
    return _ASKED_LAST.fullmatch(template) is not None or _TOLD_FIRST.search(template) is not None


def _for_many(template: str, filled: Filled) -> str:
    """Give a request as it fits a set: one that speaks of a single row is asked for by its verb alone."""
    many = [name for name, mentions in filled.mentions.items() if mentions and mentions[0].kind == "set"]
    if not many or not _SINGLE.search(template) or filled.words.keys() != {"goal", many[0]}:
        return template
    return "{goal} {" + many[0] + "}"


def _agreed(text: str, filled: Filled) -> str:
    """Give a text whose verbs agree with sets, which are said as several rows."""
    for name, mentions in filled.mentions.items():
        if mentions and mentions[0].kind == "set" and mentions[0].text.startswith("all "):
            text = re.sub(
                rf"(?<={filled.words[name]} )(\w+(?:n't)?)\b", lambda verb: _SEVERAL.get(verb[1], verb[1]), text
            )
    return text


def _with_verb(template: str, filled: Filled) -> str:
    """Give a template with its verb, whose particle stands behind a pronoun: "call it off"."""
    if "goal" not in filled.words:
        return template
    verb = Verb.of(filled.words["goal"])
    return _PRONOUN.sub(lambda found: verb.around(found.group(1)), template)


def _places(clause: Clause) -> set[str]:
    return set(PLACE.findall(clause.template))


def ended(text: str, *, asks: bool = True) -> str:
    """Give a text with an end mark."""
    text = tidy(text)
    if text[-1:] in ".!?":
        return text
    last = _SENTENCE_END.split(text)[-1]
    return text + ("?" if asks and QUESTION_WORDS.match(last) else ".")


def _act(template: str, filled: Filled, voice: Voice, rng: Random) -> str:
    template = _FOR_ME.sub("", template)
    verb = Verb.of(filled.words["goal"])
    words = _act_words(template, verb, filled)
    closed = set() if "object" in words else OBJECTS
    closed |= OWN_ACTS if _ADDRESSED.search(template) else set()
    closed |= set() if "pronoun_act" in words else TOPICS
    groups = {name: weight for name, weight in voice.register.groups.items() if name not in closed}
    for _ in range(TRIES):
        pattern = pick(rng, _patterns(weighted(groups, rng), filled.effect))
        if slots(pattern) <= words.keys() and _bears(pattern, words["act"]):
            return expand(pattern, rng, words)
    return words["act"]


def _patterns(group: str, effect: str) -> Sequence[str]:
    """Give the patterns of a group; of the effects' own group those of the effect at hand."""
    if group != "effect":
        return lexicon().requests[group]
    return lexicon().effects.get(effect) or lexicon().requests["plain"]


def _bears(pattern: str, act: str) -> bool:
    """Whether a pattern can take an act: nothing follows a long one, and one with a semicolon can't be asked."""
    follows = pattern.rpartition("}")[2].strip("?. ")
    closed = ";" in act or ":" in act
    full = closed or "," in act or len(act.split()) > LONG_ACT or _CONDITIONAL.search(act) is not None
    return not (follows and full) and not (closed and pattern.endswith("?"))


def _act_words(template: str, verb: Verb, filled: Filled) -> dict[str, str]:
    """Give the forms of an act that patterns use; those with its object only where it has one that can move."""

    def put(text: str) -> str:
        return PLACE.sub(lambda found: filled.words[found.group(1)], text)

    rest = put(template.removeprefix("{goal}"))
    words = {"act": f"{verb.form('VB')}{rest}"}
    if _FURTHER_VERB.search(template):
        return words
    if "{condition}" in template:
        return words | {"acting": f"{verb.form('VBG')}{rest}"}
    words["acting"] = f"{verb.form('VBG')}{rest}"
    found = _OBJECT.match(template)
    if found is None or not verb.separable or any(one.kind == "set" for one in filled.mentions.get(found.group(1), ())):
        return words
    name, tail = found.group(1), put(template[found.end() :])
    words["object"] = filled.words[name]
    if verb.head == "get":
        return words
    words["passive"] = verb.form("VBN") + tail
    words["done"] = f"{words['object']} {words['passive']}"
    part = filled.clause.parts[name]
    if part.kind != "row" or len(part.mentions) != 1 or tail.startswith((";", ",")):
        return words
    words["acting_bare"] = verb.form("VBG") + tail
    if part.mentions[0].kind != "anaphora" and name not in filled.people:
        words["pronoun_act"] = verb.around("it") + tail
    return words


def _values(filled: Filled) -> frozenset[str]:
    """Give the sealed pieces that aren't rows, and so nothing that a sentence is about."""
    return frozenset(words for name, words in filled.words.items() if name not in filled.mentions)


def _question(text: str, values: frozenset[str], rng: Random) -> str:
    asked = text.rstrip("? ")
    whether = inside(asked, values)
    group = "whether" if whether is not None and rng.random() < 0.6 else "asked"
    pattern = pick(rng, lexicon().questions[group])
    return expand(pattern, rng, {"asked": asked, "whether": whether or ""})
