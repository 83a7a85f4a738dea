"""Possession: what is somebody else's isn't called one's own."""

from __future__ import annotations

from random import Random

from synthesis.draft import DraftTurn
from synthesis.goals import GoalKind
from synthesis.ground import ground
from synthesis.language.retelling import Teller
from synthesis.possession import rows_of_others
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

STRANGE = GoalKind("schedule", "set_reminder", "refuse", "not_invited")
OWN = GoalKind("schedule", "set_reminder", "done")


async def named(stage: Stage, kind: GoalKind) -> tuple[bool, set[str]]:
    """Say whether the event that a request names is somebody else's, and how its words begin."""
    turn = DraftTurn()
    await ground(stage, kind, turn)
    stage.draft.turns.append(turn)
    (event,) = (mention for _, _, mention in turn.mentions if mention.table == "events")
    theirs = await rows_of_others(stage)
    teller = Teller(stage.catalogues, Random(0), "", theirs)
    texts = {teller.retell(event, Random(number)).mention.text for number in range(20)}
    return ("schedule", "events", event.value) in theirs, {text.partition(" ")[0] for text in texts}


def test_an_event_that_one_isnt_invited_to_in_a_calendar_of_somebody_else_isnt_ones_own() -> None:
    for seed in (3, 4, 5):
        theirs, begins = on_stage("schedule", lambda stage: named(stage, STRANGE), seed=seed)
        assert theirs
        assert begins == {"the"}


def test_an_event_that_one_is_invited_to_is_ones_own() -> None:
    for seed in (3, 4, 5):
        theirs, begins = on_stage("schedule", lambda stage: named(stage, OWN), seed=seed)
        assert not theirs
        assert begins == {"my"}
