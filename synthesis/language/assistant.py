"""The assistant's turns: what came of the request, told in one of several manners, without gushing.

What is told is the environment's own wording, filled from results by `synthesis.wording`; a manner only adds what may
stand before and after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from synthesis.draft import DraftTurn
from synthesis.language.lexicon import Manner, lexicon
from synthesis.language.nouns import counted, in_hours
from synthesis.language.pattern import expand, pick
from synthesis.language.script import sentences

_FIRST = """
    a according adjusting after all animals another answers as at attaching bags basic booking both business by
    calendars cancelling caps catering changing check check-in counting events everybody everyone first for from
    getting giving how i'll if in insuring is it it's its just making may meals more my names no nobody none nothing
    now on once one only ordering our passengers payees people please recording recordings registering retitling
    right savings seat seats setting shall since slides so somebody something special still taking that that's
    the their then there there'd there's they they're this those to together transfers travel until up we we'd we're
    what what's when which who whom why will with write you you'd you'll you're you've your
"""
_COMMON = frozenset(_FIRST.split())
"""First words that are no names."""
MORE_SHARE = 0.12
"""How often an assistant asks whether there is more to do."""
INSTEAD_SHARE = 0.3
"""How often a refusal is followed by an offer."""
JOINS = ("Also,", "As for the other thing,", "And", "Then,", "")
_OPEN = re.compile(
    r"(done|moved|booked|held|upgraded|checked|thank|all right|understood|it's proposed)\b", re.IGNORECASE
)
"""What an answer may begin with that needs nothing before it."""
_WEIGHED = re.compile(r"\bI (went ahead|took the other|went for the other)\b")
"""What tells that a condition was looked at first, so that nothing before it may call it done."""
_OFFERS = re.compile(r"\bI (can|could)\b(?! not)|\?")
"""What tells of a way on, so that no other one is offered."""
_REGRETS = re.compile(r"\balready\b|\banyway\b|\bno need\b|I'm afraid|\bsorry\b", re.IGNORECASE)
"""What a refusal says that nobody need be sorry for, or is sorry for itself."""
_SORRY = re.compile(r"I'm sorry\b")
"""How something begins that was done for somebody who has lost something: nobody does that gladly."""
_COSTS_NOTHING = (
    (re.compile(r"\b(costs(?: you)?) \$0(?!\d|[.,]\d)"), r"\1 nothing"),
    (re.compile(r", for \$0(?!\d|[.,]\d)"), ", free of charge"),
    (re.compile(r"\byou get \$0 back"), "you get nothing back"),
    (re.compile(r"(?:T|\bt)he refunds? (?:is|are) \$0(?=\.)"), "nothing is paid back"),
    (re.compile(r"\$0 (goes back|is on its way back)(?= to you)"), "nothing goes back"),
    (re.compile(r"\b(would pay back|would get) \$0(?!\d|[.,]\d)"), r"\1 nothing"),
    (re.compile(r"(?:T|\bt)he refund would be \$0(?=\.)"), "nothing would be paid back"),
)
"""How it is told of something that is or would be done that no money goes either way."""
_SET_OFF = re.compile(r"[^.;:]{,30},")
"""How an answer begins that has words set off at its beginning, such as "in total,"."""
_TITLED = re.compile(r"\w+:")
"""How an answer begins that has an opening of its own."""
_WAITS = re.compile(r"\b(approv|await)", re.IGNORECASE)
"""What tells that something isn't done before the user has approved it."""


@dataclass(frozen=True)
class Assistant:
    """An assistant with its manner."""

    manner: Manner

    @classmethod
    def drawn(cls, rng: Random) -> Assistant:
        """Give an assistant by chance."""
        manners = lexicon().assistant
        return cls(manners[pick(rng, sorted(manners))])

    def says(self, turn: DraftTurn, rng: Random, *, acted: bool = False) -> str:
        """Give the answer to a turn, or to what the user tells that they have done."""
        outcome = turn.goals[0 if turn.goals[-1].outcome == "left" else -1].outcome
        first = turn.goals[0].outcome if len(turn.answers) > 1 else outcome
        opening = self._opening(first, rng) if not acted and self._opens(first, turn.answers[0], rng) else ""
        if opening.endswith(":") and ":" in turn.answers[0]:
            opening = f"{opening[:-1]}."
        if opening.endswith(",") and _SET_OFF.match(turn.answers[0]):
            opening = ""
        parts = [opening, _after(opening, turn.answers[0])]
        joins = rng.sample(JOINS, len(JOINS))
        for place, answer in enumerate(turn.answers[1:]):
            join = joins[place] if place < len(joins) and not _TITLED.match(answer) else ""
            parts += [join, _after(join, answer)]
        parts.append(self._ending(outcome, turn.answers[-1], rng))
        whole = counted(sentences(" ".join(part for part in parts if part)))
        if outcome == "answer":
            return in_hours(whole)
        return sentences(_without_cost(whole)) if outcome in ("done", "ask") else whole

    def _opens(self, outcome: str, answer: str, rng: Random) -> bool:
        """Whether something stands before an answer: never what is untrue of it or says it twice."""
        if _OPEN.match(answer) or (outcome == "done" and (_WAITS.search(answer) or _WEIGHED.search(answer))):
            return False
        if _REGRETS.search(answer) if outcome == "refuse" else _SORRY.match(answer):
            return False
        return rng.random() < self.manner.share

    def _opening(self, outcome: str, rng: Random) -> str:
        patterns = {
            "done": self.manner.done,
            "answer": self.manner.answer,
            "refuse": self.manner.refuse,
            "ask": self.manner.ask,
            "left": self.manner.left,
        }
        return expand(pick(rng, patterns[outcome]), rng)

    def _ending(self, outcome: str, answer: str, rng: Random) -> str:
        if outcome == "refuse" and not _OFFERS.search(answer) and rng.random() < INSTEAD_SHARE:
            return sentence(expand(pick(rng, self.manner.instead), rng))
        if outcome in ("done", "answer") and rng.random() < MORE_SHARE:
            return sentence(expand(pick(rng, self.manner.more), rng))
        return ""


def _without_cost(text: str) -> str:
    """Give what is told of something done without an amount of nothing: "it costs you nothing"."""
    for amount, words in _COSTS_NOTHING:
        text = amount.sub(words, text)
    return text


def _after(opening: str, text: str) -> str:
    """Give an answer as a sentence, or as the end of one that an opening has begun."""
    whole = sentence(text)
    runs_on = bool(opening) and opening[-1] not in ".!?"
    begun = runs_on and whole.partition(" ")[0].lower().rstrip(",") in _COMMON
    return whole[:1].lower() + whole[1:] if begun else whole


def sentence(text: str) -> str:
    """Give a text with a large first letter and an end mark."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?" else f"{text}."
