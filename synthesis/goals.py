"""Goals: what a user may want of an environment, and which of it the data has least of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Literal, cast, get_args

from envfactory_client import Trajectory, Turn
from envfactory_client.logical_form import Derived, Intent, Property, Row, Rows, Term
from synthesis.catalogue import Catalogue

ALL = "all"
"""What a goal is over that is repeated for each row of a set."""
IF, OR = "if", "or"
"""What a goal is that is wanted on a condition: with nothing otherwise, or with another row to turn to."""
TOGETHER = "together"
"""What a goal is that is wanted with two rows under one total."""
NO_TOOL = "no_tool"
"""The code with which a wish is declined that no tool can meet."""
SUMS = "sums."
"""How the names of answers begin that are worked out."""
Outcome = Literal["done", "answer", "refuse", "left"]
OUTCOMES = frozenset(get_args(Outcome))
SHARES: Mapping[str, float] = {
    "done": 0.40,
    ALL: 0.08,
    IF: 0.06,
    OR: 0.05,
    TOGETHER: 0.01,
    "left": 0.06,
    "answer": 0.11,
    SUMS: 0.08,
    NO_TOOL: 0.09,
    "refuse": 0.18,
}
"""How often each manner of goal is tried first."""


@dataclass(frozen=True, order=True)
class GoalKind:
    """A kind of goal: a tool, how it ends, and the refusal's code or the field that is asked for."""

    environment: str
    tool: str
    outcome: Outcome
    what: str = ""

    @cached_property
    def full_name(self) -> str:
        """The tool's name with its environment."""
        return f"{self.environment}.{self.tool}"

    @cached_property
    def manner(self) -> str:
        """How it ends, or what is particular about that: over a set, on a condition, or worked out."""
        if self.outcome == "answer" and self.what.startswith(SUMS):
            return SUMS
        return self.what if self.what == NO_TOOL or (self.outcome == "done" and self.what) else self.outcome

    @classmethod
    def read(cls, text: str) -> GoalKind | None:
        """Give the kind that its own text names, or None."""
        name, _, rest = text.partition(" ")
        outcome, _, what = rest.partition(" ")
        environment, _, tool = name.partition(".")
        return cls(environment, tool, cast("Outcome", outcome), what) if tool and outcome in OUTCOMES else None

    def __str__(self) -> str:
        return f"{self.environment}.{self.tool} {self.outcome} {self.what}".rstrip()


def goal_kinds(catalogue: Catalogue) -> list[GoalKind]:
    """Give every kind of goal that an environment's phrases can say."""
    question = ("goals", "")
    if question not in catalogue.worked_out:
        catalogue.worked_out[question] = _goal_kinds(catalogue)
    found: list[GoalKind] = catalogue.worked_out[question]
    return found


def _goal_kinds(catalogue: Catalogue) -> list[GoalKind]:
    found: list[GoalKind] = []
    for name, phrases in catalogue.phrases.tool.items():
        tool = catalogue.tools[name]
        if tool.actor != "agent":
            continue
        if phrases.asks and not tool.read_only:
            found.append(GoalKind(catalogue.environment, name, "done"))
            if _may_go_over_a_set(catalogue, name):
                found.append(GoalKind(catalogue.environment, name, "done", ALL))
            if phrases.together is not None:
                found.append(GoalKind(catalogue.environment, name, "done", TOGETHER))
            found += _on_conditions(catalogue, name)
            found += [GoalKind(catalogue.environment, name, "refuse", code) for code in phrases.refused]
        found += [GoalKind(catalogue.environment, name, "answer", field) for field in phrases.answers]
    sums = catalogue.phrases.sums.items()
    found += [GoalKind(catalogue.environment, how.tool, "answer", f"{SUMS}{name}") for name, how in sums]
    found += [GoalKind(catalogue.environment, name, "refuse", NO_TOOL) for name in catalogue.phrases.lacking]
    return sorted(found)


def refusals(kinds: Iterable[GoalKind]) -> frozenset[GoalKind]:
    """Give those kinds that end in a refusal by a tool."""
    return frozenset(kind for kind in kinds if kind.manner == "refuse")


def _on_conditions(catalogue: Catalogue, tool: str) -> Iterator[GoalKind]:
    """Give the kinds of goal that are wanted on a condition, for a write one of whose rows can have one put on it.

    What turns to another row chooses among some, or is about more than the one.
    """
    tables = {name: catalogue.slot(tool, name).of or "" for name in catalogue.tools[tool].required}
    said = {
        name: entity for name, table in tables.items() if (entity := catalogue.phrases.entity.get(table)) and entity.say
    }
    only = catalogue.said(tool).only.keys()
    if [bool(only & entity.tests.keys()) for entity in said.values()] == [True]:
        yield GoalKind(catalogue.environment, tool, "done", IF)
        yield GoalKind(catalogue.environment, tool, "left")
    asks = catalogue.said(tool).asks
    if any(
        only & entity.tests.keys()
        and (entity.mine is None or len(said) > 1)
        and any(ask.startswith("{goal} {") and "{" + name + "}" in ask for ask in asks)
        for name, entity in said.items()
    ):
        yield GoalKind(catalogue.environment, tool, "done", OR)


def _may_go_over_a_set(catalogue: Catalogue, tool: str) -> bool:
    """Whether a write takes just one row, which the user has several of."""
    names = catalogue.tools[tool].required
    keys = [name for name in names if catalogue.parameter(tool, name).key and not catalogue.fact(tool, name)]
    tables = [catalogue.slot(tool, name).of or "" for name in keys]
    entity = catalogue.phrases.entity.get(tables[0]) if len(tables) == 1 else None
    return entity is not None and entity.mine is not None and bool(entity.say)


def kinds_in(trajectory: Trajectory) -> Iterable[GoalKind]:
    """Give the kinds of goal that a trajectory has, one for each goal of the agent's tools."""
    for turn in trajectory.turns:
        for place, goal in enumerate(turn.goals):
            environment, _, tool = goal.tool.partition(".")
            asked = ",".join(goal.answer) if isinstance(goal.answer, Mapping) else ""
            if goal.outcome == "done" and place < len(turn.intents):
                asked = _manner(turn, turn.intents[place])
            if goal.outcome == "left":
                yield from [GoalKind(environment, tool, "left")] if asked else []
            elif goal.outcome != "ask":
                yield GoalKind(environment, tool, goal.outcome, goal.code or asked)


def _manner(turn: Turn, intent: Intent) -> str:
    """Give what is particular about something that was done: over a set, or on a condition."""
    if any(isinstance(term, Rows) for term in intent.terms.values()):
        return ALL
    if any(isinstance(part.value, Derived) for term in intent.terms.values() for part in _properties(term)):
        return TOGETHER
    if intent.when is None and intent.unless is None:
        return ""
    return OR if any(goal.outcome == "left" for goal in turn.goals) else IF


def _properties(term: Term) -> tuple[Property, ...]:
    return term.properties if isinstance(term, Row) else ()


def ranked(kinds: Sequence[GoalKind], counts: Counter[GoalKind], rng: Random) -> list[GoalKind]:
    """Give the kinds in the order in which to try them: a manner by its share, then what is rarest so far."""
    manners = sorted({kind.manner for kind in kinds})
    rest = [rng.random() ** (1 / SHARES[manner]) for manner in manners]
    order = {manner: -weight for manner, weight in zip(manners, rest, strict=True)}
    lots = [rng.random() for _ in kinds]
    met = Counter[tuple[str, str]]()
    for kind, number in counts.items():
        met[kind.environment, kind.what] += number

    def rarity(kind: GoalKind, lot: float) -> tuple[float, bool, int, float]:
        """A code that was never met comes before a tool that never said it: each code is to be met."""
        known = kind.outcome == "refuse" and met[kind.environment, kind.what] > 0
        return order[kind.manner], known, counts[kind], lot

    ranks = [rarity(kind, lot) for kind, lot in zip(kinds, lots, strict=True)]
    return [kinds[place] for place in sorted(range(len(kinds)), key=ranks.__getitem__)]
