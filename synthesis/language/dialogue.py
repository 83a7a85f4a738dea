"""A dialogue: all turns of a draft put into words, each drawn anew until it differs from what was said lately.

What is chosen is written back: the message with its spans, the mentions as they are said, and for the ledger the words
that stand for each argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from synthesis.catalogue import Catalogue
from synthesis.draft import Draft, DraftTurn, Mention
from synthesis.errors import Drop
from synthesis.language.assistant import Assistant
from synthesis.language.message import Kind, Message, Place, Writer
from synthesis.language.noise import typed
from synthesis.language.novelty import MOST_OVERLAP, Memory, Recent
from synthesis.language.retelling import Teller
from synthesis.language.script import Script, Spoken
from synthesis.language.side import side_fact
from synthesis.language.voice import Speaker, Voice
from synthesis.logical_form import telling
from synthesis.stage import Stage

DRAWS = 10
"""Ways to write a message that are compared."""
MORE_DRAWS = 10
"""Further ways that are tried where none of them is new enough."""
TOO_WORN = 0.5
"""The share of a message's runs of four words that may have been said lately where there is no newer way."""
FRESH = 0.05
"""A message that is worn no more than this is taken at once."""


@dataclass(frozen=True)
class _Way:
    """One way to write a message."""

    message: Message
    spoken: Spoken
    worn: float


def put_into_words(stage: Stage, recent: Recent) -> None:
    """Give every turn of a draft its user's message and its answer; raises `Drop` for one that can't be said anew.

    Short replies may repeat what was said before: there are only so many ways to say yes.
    """
    rng = Random(stage.rng.getrandbits(64))
    speaker = Speaker(stage.card, Voice.drawn(rng))
    name, habits = str(stage.card.get("name", "")), Random(rng.getrandbits(64))
    writer = Writer(speaker, Teller(stage.catalogues, habits, name))
    dialogue = _Dialogue(stage.draft, writer, Memory(recent), rng)
    assistant = Assistant.drawn(rng)
    told: set[str] = set()
    for number, turn in enumerate(stage.draft.turns):
        new = tuple(fact for fact in dict.fromkeys(turn.facts) if fact not in told)
        told.update(new)
        turn.intents = telling(turn.intents, new)
        turn.side = side_fact(stage, number, rng)
        kind = _kind(turn, stage.catalogues)
        last, alone = number == len(stage.draft.turns) - 1, _asks_once(stage)
        dialogue.write(number, Place(number == 0, new, kind, _before(stage, number), last, alone))
        turn.assistant = assistant.says(turn, rng, acted=kind == "acted")


def _kind(turn: DraftTurn, catalogues: Mapping[str, Catalogue]) -> Kind:
    environment, _, tool = turn.goals[0].tool.partition(".")
    if tool in catalogues[environment].tools and catalogues[environment].tools[tool].actor == "user":
        return "acted"
    if not turn.is_reply:
        return "request"
    if turn.missing == "confirmation":
        return "yes"
    return "which" if turn.clauses[0].text.startswith("the one ") else "value"


def _asks_once(stage: Stage) -> bool:
    """Whether the user asks for one thing only, whatever they answer or do for its sake."""
    turns = stage.draft.turns
    return sum(len(turn.clauses) for turn in turns if _kind(turn, stage.catalogues) == "request") == 1


def _before(stage: Stage, number: int) -> str:
    """Give how the turn before ended; what the user put an end to on their own side was left undone.

    So was what the user wants otherwise now. A refusal of what is so already is no disappointment.
    """
    goals = stage.draft.turns[number - 1].goals if number else []
    if not goals:
        return ""
    if stage.draft.turns[number].changed_mind:
        return "left"
    if goals[-1].outcome == "refuse" and "already" in stage.draft.turns[number - 1].answers[-1]:
        return "already"
    environment, _, name = goals[-1].tool.partition(".")
    catalogue = stage.catalogues[environment]
    ended = name in catalogue.tools and catalogue.tools[name].actor == "user" and bool(catalogue.said(name).ends)
    return "left" if ended else goals[-1].outcome


@dataclass
class _Dialogue:
    """One draft being put into words."""

    draft: Draft
    writer: Writer
    memory: Memory
    rng: Random

    def write(self, number: int, place: Place) -> None:
        """Choose the least worn of several ways to write a turn's message, and write back what it says."""
        turn = self.draft.turns[number]
        best = self._drawn(turn, place)
        for _ in range(DRAWS - 1):
            if best.worn <= FRESH:
                break
            best = min(best, self._drawn(turn, place), key=lambda way: way.worn)
        for _ in range(MORE_DRAWS if place.kind == "request" else 0):
            if self.memory.overlap(best.spoken.text) <= MOST_OVERLAP:
                break
            best = min(best, self._drawn(turn, place), key=lambda way: way.worn)
        text = best.spoken.text
        if place.kind == "request" and self.memory.overlap(text) > TOO_WORN:
            raise Drop("worn", text)
        self.memory.add(best.spoken)
        turn.user, turn.spans = text, best.spoken.spans
        self._mention_anew(turn, best.message)
        following = self.draft.turns[number + 1 : number + 2]
        acted_on = [*turn.steps, *(place for reply in following if reply.is_reply for place in reply.steps)]
        self._say_anew(acted_on, dict(best.spoken.says))

    def _drawn(self, turn: DraftTurn, place: Place) -> _Way:
        script = Script()
        message = self.writer.write(turn, place, script, self.rng)
        spoken = script.spoken(typed(message.text, self.writer.speaker.voice, self.rng))
        return _Way(message, spoken, self.memory.worn(spoken))

    def _mention_anew(self, turn: DraftTurn, message: Message) -> None:
        """Put the mentions that were retold in the place of those that were planned."""
        retold: dict[int, Mention] = {}
        for (number, name), mentions in message.mentions.items():
            planned = turn.clauses[number].parts[name].mentions
            retold |= {id(old): new for old, new in zip(planned, mentions, strict=True)}
        turn.mentions = [(place, name, retold.get(id(old), old)) for place, name, old in turn.mentions]

    def _say_anew(self, places: Sequence[int], says: Mapping[str, str]) -> None:
        """Let the ledger know by which words the arguments of steps are said."""
        for place in places:
            step = self.draft.steps[place]
            origins = {
                name: replace(origin, text=says.get(str(origin.text), origin.text))
                for name, origin in step.origins.items()
            }
            self.draft.steps[place] = replace(step, origins=origins)
