"""What is lacking: wishes that no tool can meet, so that the right end is to say so and to do nothing.

Each is declared with the change that it would take, and a machine sees to it that no tool of the agent makes that
change. It is about a row that has to be found, and never stands alone in a task: beside it something is done, so that
an agent that declines whatever comes gets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from envfactory_client import Goal, Tool
from envfactory_client.logical_form import Intent
from synthesis.draft import Clause, DraftTurn, Meant, Part, Salient
from synthesis.errors import Drop
from synthesis.goals import NO_TOOL, GoalKind
from synthesis.language.pattern import expand
from synthesis.locate import locate
from synthesis.logical_form import term_of
from synthesis.phrases import Slot
from synthesis.sought import Terms
from synthesis.stage import Stage
from synthesis.stance import goes_against, rows_of
from synthesis.tries import first_of_tries

MOST_TRIES = 3


def makes(tool: Tool, change: str) -> bool:
    """Whether a tool makes a change such as "update cards.status", "insert cards" or "delete cards"."""
    operation, _, what = change.partition(" ")
    table, _, column = what.partition(".")
    declared = tool.contract.operations(table) if tool.contract else {}
    return operation in declared and (not column or column in declared[operation])


def makers(tools: Iterable[Tool], change: str) -> list[str]:
    """Give the agent's tools that make a change."""
    return [tool.full_name for tool in tools if tool.actor == "agent" and makes(tool, change)]


async def ground_lacking(stage: Stage, kind: GoalKind, turn: DraftTurn) -> None:
    """Add a wish that no tool can meet to an empty turn, with the look-ups for its row, or raise `Drop`."""

    async def make(mark: int) -> None:
        await _enact(stage, kind, turn, mark)

    await first_of_tries(stage, kind, MOST_TRIES, make)


async def _enact(stage: Stage, kind: GoalKind, turn: DraftTurn, mark: int) -> None:
    how = stage.catalogue.phrases.lacking[kind.tool]
    candidates = await stage.keys(how.of, how.where)
    if not candidates:
        raise Drop("no_candidate", how.of)
    slot = Slot(by=("description", "handle"))
    mention = await locate(stage, how.of, stage.pick(candidates), Terms(slot))
    if mention.origin.step is None:
        raise Drop("unseen", how.of)
    if await goes_against(stage, rows_of(mention), ending=False):
        raise Drop("contradicts", str(kind))
    row, step = term_of(stage, mention), mention.origin.step
    turn.steps += range(mark, len(stage.draft.steps))
    turn.evidence.append(step)
    turn.mentions.append((step, "row", mention))
    turn.goals.append(Goal(tool=kind.full_name, outcome="refuse", code=NO_TOOL))
    turn.intents.append(Intent(change=_change(how.changes, kind.environment), terms={"row": row}))
    if row.kind == "row":
        turn.meant.append(Meant("row", row, mention.value, step, mention.sql, mention.parameters))
    template = str(stage.pick(how.asks))
    parts = {"row": Part("row", how.of, mentions=(mention,))}
    parts |= {"goal": Part("verb", "verb", tuple(how.goal))} if how.goal else {}
    words = {"row": mention.text, "goal": how.goal[0] if how.goal else ""}
    text = expand(template, stage.rng, words)
    turn.clauses.append(Clause(text, imperative=template.startswith("{goal}"), template=template, parts=parts))
    turn.answers.append(str(stage.pick(how.told)))
    turn.facts += mention.facts
    stage.draft.topic = [Salient(mention.environment, mention.table, mention.value, mention.origin)]
    stage.draft.yields = []


def _change(change: str, environment: str) -> str:
    """Give a change with the environment that it would be made in: "update bank.cards.status"."""
    operation, _, what = change.partition(" ")
    return f"{operation} {environment}.{what}"
