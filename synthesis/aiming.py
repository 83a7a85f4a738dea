"""Aiming: the goals by which a plan comes to use a link that the data lacks.

Each plan has one such link in view, its quest, drawn by chance so that none is forgotten. What leads to it comes
first: a goal whose look-up gives the argument, or, where no look-up for that row does, a goal that makes or shows the
value, so that the next goal can take it up. And whatever results already show in hand is taken up before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from envfactory_client.card.links import LinkName
from synthesis.catalogue import Catalogue
from synthesis.goals import IF, NO_TOOL, GoalKind
from synthesis.stage import Stage

PLAIN: Final = frozenset({"done", "answer", "refuse", "left", IF})
"""Manners of goal that name their rows one by one, so that a row at hand can be one of them."""


def drawn_quest(stage: Stage) -> LinkName | None:
    """Give one of the links that the data lacks between the stage's environments, by chance."""
    here = stage.catalogues.keys()
    links = [link for link in stage.wanted.links if {_environment(link[0]), _environment(link[2])} <= here]
    return stage.pick(sorted(links)) if links else None


def by_aim(stage: Stage, kinds: Sequence[GoalKind]) -> list[GoalKind]:
    """Give kinds of goal with those first that use a link which the data lacks, otherwise in the order they have."""
    takers = {name for name in {kind.full_name for kind in kinds} if _has_in_hand(stage, name)}
    return sorted(kinds, key=lambda kind: _rank(stage, kind, takers))


def _rank(stage: Stage, kind: GoalKind, takers: set[str]) -> int:
    if kind.manner in PLAIN and kind.full_name in takers:
        return 0 if stage.quest is not None and kind.full_name == stage.quest[2] else 1
    return 2 if _leads(stage, kind) else 3


def _has_in_hand(stage: Stage, tool: str) -> bool:
    """Whether earlier results show what a tool would take in a new way."""
    catalogue = stage.catalogues[_environment(tool)]
    name = tool.partition(".")[2]
    if name not in catalogue.tools:  # a wish that no tool can meet
        return False
    return any(stage.in_hand((tool, parameter)) for parameter in catalogue.said(name).slots)


def _leads(stage: Stage, kind: GoalKind) -> bool:
    """Whether a goal comes nearer to the quest: by its own look-ups, by what it gives, or by what it has looked up."""
    if stage.quest is None or kind.what == NO_TOOL:
        return False
    producer, _, consumer, _ = stage.quest
    if _is_found_by_look_up(stage, stage.quest):
        return kind.full_name == consumer and kind.manner in PLAIN
    catalogue = stage.catalogues[_environment(producer)]
    if kind.full_name == producer:
        return kind.manner in PLAIN and kind.outcome in ("done", "answer")
    return kind.full_name in _fed_by(catalogue, producer)


def _is_found_by_look_up(stage: Stage, link: LinkName) -> bool:
    """Whether the argument can be found by the link's look-up as any row of its table is."""
    producer, path, consumer, parameter = link
    catalogue = stage.catalogues[_environment(consumer)]
    tool = consumer.partition(".")[2]
    key = catalogue.parameter(tool, parameter).key
    if not key or catalogue.tools[tool].actor != "agent":
        return False
    return any((found.tool.full_name, found.path) == (producer, path) for found in catalogue.producers(key))


def _fed_by(catalogue: Catalogue, producer: str) -> frozenset[str]:
    """Give the tools some argument of which a look-up gives."""
    question = ("fed by", producer)
    if question not in catalogue.worked_out:
        reads = catalogue.tools[producer.partition(".")[2]].read_only
        links = catalogue.graph.consumers(producer) if reads else ()
        catalogue.worked_out[question] = frozenset(link.consumer for link in links)
    found: frozenset[str] = catalogue.worked_out[question]
    return found


def _environment(tool: str) -> str:
    return tool.partition(".")[0]
