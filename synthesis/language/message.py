"""A user's message: who is writing where that is needed, what leads up to the request, the request, and an end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from synthesis.draft import DraftTurn, Mention
from synthesis.language.effects import effect_of
from synthesis.language.lexicon import lexicon
from synthesis.language.pattern import expand, pick, slots, tidy
from synthesis.language.request import Filled, Request, ended, fill, requested
from synthesis.language.retelling import Teller
from synthesis.language.script import Piece, Script
from synthesis.language.voice import Speaker

SIGNED_SHARE = 0.25
"""How often a message that says who writes it does so at its end."""
FOLLOW_SHARE = 0.75
JOINS = {"act": "acts", "question": "questions", "plain": "statements"}
"""By the kind of a further request: how it is joined to the one before."""
FOLLOWS = {"": "left", "ask": "left"}
"""Outcomes after which a message goes on as after another one: nobody is pleased where nothing was done."""
SIDE_SHARE = 0.1
ADDRESS_SHARE = 0.4
"""How often somebody who has to give their address doesn't give their name as well."""
LEADING_SHARE = 0.6
_POINTS_BACK = re.compile(r"\b(they|them|their|it|its|he|she|there|that|the one|the day|the dates|then)\b")
"""What a reason can't begin with before anything is named."""
_HAS_BEGINNING = re.compile(r"[^.!?]{,60}(:| -) ")
_WOULD = re.compile(r"\bwould\b")
_LEADING = (":", ",", "-")
"""How something ends that leads on to what follows."""
_WHEN = re.compile(r"\b(just|now|ago|after all)\b|^I(?:'ve| have)\b")
_GOES_ON = re.compile(r"[,;]|\bapp\b")
"""What nothing is added to, such as where it was done."""
_ACTS_ONLY = frozenset({"complain", "plan"})
"""Frames that lead up to something to be done, not to a question."""
_STATEMENT = re.compile(
    r"i'|(?:i|it|it's|they|somebody|that|what|he|she|we|there|nothing|a thief|the (?:chip|amount is|sum|goods)) "
)
_TAKES_LEAVE = re.compile(
    r"\b(?:that's (?:all|it)|(?:have|need|gotta)(?: to)? (?:go|dash|run)|back to work|before I go)\b"
)
"""What nobody says before their last message."""
_ALONE = re.compile(r"\b(?:just one|one thing|nothing else)\b")
"""What nobody says who has more than one thing to ask."""
DRAWS = 12
"""Ways drawn to say something before it is left out, where none of them fits its place."""
_ADVERBIAL = ("on ", "for ", "at ", "in ", "with ", "by ", "just ", "as ", "so ", "right ", "to ", "without ", "half ")

Kind = Literal["request", "yes", "value", "which", "acted"]


@dataclass(frozen=True)
class Place:
    """Where in the conversation a message stands."""

    first: bool
    facts: tuple[str, ...]
    """Facts of the card that are told here for the first time."""
    kind: Kind
    before: str = ""
    """How the turn before ended: done, answer or refuse; empty at the beginning."""
    last: bool = False
    """Whether the user writes nothing after it."""
    alone: bool = False
    """Whether it holds all that the user asks for."""

    def bears(self, text: str) -> bool:
        """Whether something said beside the request fits here: nobody goes on after they have taken their leave."""
        return (self.last or not _TAKES_LEAVE.search(text)) and (self.alone or not _ALONE.search(text))

    def drawn(self, patterns: Sequence[str], rng: Random) -> str:
        """Give one of several patterns, expanded, that fits here, or nothing."""
        found = (expand(pick(rng, patterns), rng) for _ in range(DRAWS))
        return next((text for text in found if self.bears(text)), "")


@dataclass(frozen=True)
class Message:
    """A message with its pieces sealed, and the mentions in their final words by clause and parameter."""

    text: str
    mentions: Mapping[tuple[int, str], tuple[Mention, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Writer:
    """Writes one user's messages."""

    speaker: Speaker
    teller: Teller

    def write(self, turn: DraftTurn, place: Place, script: Script, rng: Random) -> Message:
        """Give one way to write a turn's message."""
        effects = [self._effect(goal.tool) for goal in turn.goals]
        pairs = zip(turn.clauses, effects, strict=False)
        filled = [fill(clause, effect, script, (self.teller, rng)) for clause, effect in pairs]
        mentions = {(number, name): told for number, one in enumerate(filled) for name, told in one.mentions.items()}
        if place.kind != "request":
            return Message(self._short(turn, place, filled, script, rng), mentions)
        requests = [requested(one, self.speaker.voice, rng) for one in filled]
        parts = self._opening(place, script, rng)
        if not place.first and parts and parts[-1].endswith(_LEADING) and _HAS_BEGINNING.match(requests[0].text):
            parts.pop()
        if place.first and turn.reason and parts and parts[-1].endswith(","):
            parts[-1] = f"{parts[-1][:-1]}."
        if place.first and not turn.reason and not (parts and parts[-1].endswith(_LEADING)):
            parts.append(self._before(requests[0], place, rng))
        parts.append(self._wants(turn, requests, rng))
        if turn.side and rng.random() < SIDE_SHARE:
            fact = script.seal(Piece("side", turn.side[0], pick(rng, turn.side[1])))
            parts.append(expand(pick(rng, lexicon().side["plain"]), rng, {"fact": fact}))
        parts += self._end(place, requests[-1], script, rng)
        return Message(tidy(" ".join(part for part in parts if part)), mentions)

    def _effect(self, full_name: str) -> str:
        environment, _, tool = full_name.partition(".")
        return effect_of(self.teller.catalogues[environment], tool)

    def _short(self, turn: DraftTurn, place: Place, filled: Sequence[Filled], script: Script, rng: Random) -> str:
        """Give a message that only answers the assistant, or tells what the user has done."""
        replies = lexicon().replies
        if place.kind == "yes":
            return ended(expand(pick(rng, replies["yes"]), rng), asks=False)
        if place.kind == "acted":
            said = small(expand(turn.clauses[0].template or turn.clauses[0].text, rng, filled[0].words))
            plain = said.startswith("I") and not _GOES_ON.search(said) and not _WHEN.search(said)
            pattern = pick(rng, replies["unasked" if turn.unasked else "acted" if plain else "acted_so"])
            return ended(expand(pattern, rng, {"said": said}), asks=False)
        text = turn.clauses[0].text
        value = next(iter(filled[0].words.values()), "") or script.seal(Piece("reference", "row", text))
        text = script.spoken(value).text.lower() + " "
        group = replies["which"] if place.kind == "which" else replies[_manner(text, turn)]
        return ended(expand(pick(rng, group), rng, {"value": value}), asks=False)

    def _opening(self, place: Place, script: Script, rng: Random) -> list[str]:
        voice = self.speaker.voice
        parts: list[str] = []
        if place.first and rng.random() < voice.register.greets:
            greeting = expand(pick(rng, voice.register.greetings), rng)
            parts.append(greeting if greeting[-1] in "!.?:," else greeting + pick(rng, (",", "!", ".", " -")))
        if not place.first and rng.random() < FOLLOW_SHARE:
            parts.append(place.drawn(lexicon().follow[FOLLOWS.get(place.before, place.before)], rng))
        if not place.first or not self._signs():
            parts += self._introduction(place, script, rng)
        return parts

    def _before(self, request: Request, place: Place, rng: Random) -> str:
        """Give what leads up to the first request, where anything does and it has no beginning of its own."""
        voice = self.speaker.voice
        if rng.random() >= voice.register.fancy or _HAS_BEGINNING.match(request.text):
            return ""
        frame = voice.frame(rng)
        fits = request.kind != "question" or frame not in _ACTS_ONLY
        return place.drawn(lexicon().before[frame], rng) if fits else ""

    def _signs(self) -> bool:
        """Whether this persona says who they are at the end; it is their habit, so it doesn't vary by draw."""
        return "name" in self.speaker.card and Random(self.speaker.card["name"]).random() < SIGNED_SHARE

    def _introduction(self, place: Place, script: Script, rng: Random, *, ends: bool = False) -> list[str]:
        """Give who is writing, as far as it is told here: the address with the name, or the name alone."""
        if "email" in place.facts:
            alone = "name" not in place.facts and rng.random() < ADDRESS_SHARE
            group = "again" if not place.first else "signed" if ends else "alone" if alone else "both"
        elif "name" in place.facts:
            group = "named_at_the_end" if ends else "named"
        else:
            return []
        if ends and self.speaker.voice.register.letters:
            group += "_as_in_a_letter"
        pattern = pick(rng, lexicon().introductions[group])
        words = {name: script.seal(Piece("fact", name, str(self.speaker.card[name]))) for name in slots(pattern)}
        return [expand(pattern, rng, words)]

    def _wants(self, turn: DraftTurn, requests: Sequence[Request], rng: Random) -> str:
        """Give all requests of a message, with the reason where there is one."""
        first = self._reasoned(turn, requests[0], rng) if turn.reason else requests[0].text
        rest = [_joined(request, rng) for request in requests[1:]]
        return " ".join((first, *rest))

    def _reasoned(self, turn: DraftTurn, request: Request, rng: Random) -> str:
        reason = expand(str(turn.reason), rng).rstrip(".")
        leads = rng.random() < LEADING_SHARE and not _POINTS_BACK.search(reason) and ", so " not in request.text
        found = lexicon().reasons
        before = found["before"] if request.kind == "plain" else (*found["before"], *found["because"])
        pattern = pick(rng, before if leads else found["after"])
        text = expand(pattern, rng, {"reason": small(reason), "request": request.text})
        return text if "{request}" in pattern else f"{text} {request.text}"

    def _end(self, place: Place, last: Request, script: Script, rng: Random) -> list[str]:
        """Give the end of a message: who wrote it, or thanks."""
        signature = self._introduction(place, script, rng, ends=True) if place.first and self._signs() else []
        return signature or [self._thanks(last, place, rng)]

    def _thanks(self, last: Request, place: Place, rng: Random) -> str:
        """Give thanks at times; whoever writes letters ends the first message like one, and no other.

        Nobody says that it would be lovely where they have only asked something.
        """
        voice = self.speaker.voice
        if rng.random() >= voice.register.thanks:
            return ""
        asked = last.kind == "question"
        closings = [one for one in lexicon().closings[voice.name] if not (asked and _WOULD.search(one))]
        if place.first and voice.register.letters:
            closings += lexicon().ends
        return place.drawn(closings, rng)


def _joined(request: Request, rng: Random) -> str:
    """Give a further request of the same message."""
    joins = lexicon().joins[JOINS[request.kind]]
    return expand(pick(rng, joins), rng, {"request": request.text})


def _manner(text: str, turn: DraftTurn) -> str:
    """Give how a value is answered with: a statement, or words that can be taken up in several ways."""
    part = next(iter(turn.clauses[0].parts.values()), None)
    if part is not None and part.type in ("money", "date") and not text.startswith(_ADVERBIAL):
        return "value" if text.startswith("what ") else "fits"
    if _STATEMENT.match(text):
        return "statement"
    if part is not None and any(way.endswith(" to") for way in part.ways):
        return "verb"
    fits = part is not None and part.type in ("money", "seat", "date")
    if text.startswith(_ADVERBIAL):
        return "adverb"
    return "fits" if fits else "value"


def small(text: str) -> str:
    """Give a sentence's text with a small first letter, unless it begins with "I"."""
    first = text.partition(" ")[0]
    return text if first == "I" or first.startswith("I'") else text[:1].lower() + text[1:]
