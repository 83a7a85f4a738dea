"""Agreement: the blind solver comes to what every task of a run says, and contradicts tasks that were tampered with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from envfactory_client import Goal, Trajectory, Turn
from envfactory_client.logical_form import Property, Row, Said
from envfactory_client.replay import open_start
from synthesis.solver import Solved, Toolbox, climb, solve
from tests.synthesis.conftest import Run, library_farm


def solved(run: Run, trajectory: Trajectory) -> Solved:
    """Give how the blind solver does with a task."""

    async def solving() -> Solved:
        async with library_farm() as farm, await open_start(trajectory, farm, run.folder / "scenarios") as episode:
            return await solve(episode, trajectory, Toolbox(await episode.agent.tools()))

    return asyncio.run(solving())


def with_turn(trajectory: Trajectory, place: int, **changes: Any) -> Trajectory:
    """Give a trajectory with one turn changed."""
    turns = list(trajectory.turns)
    turns[place] = turns[place].model_copy(update=changes)
    return trajectory.model_copy(update={"turns": tuple(turns)})


def turns_with(run: Run, outcome: str) -> Iterator[tuple[Trajectory, int, Turn]]:
    for trajectory in run.trajectories:
        for place, turn in enumerate(trajectory.turns):
            if len(turn.goals) == 1 and turn.goals[0].outcome == outcome and turn.intents:
                yield trajectory, place, turn


def a_turn_with(run: Run, outcome: str) -> tuple[Trajectory, int, Turn]:
    return next(turns_with(run, outcome))


def test_the_solver_agrees_with_every_task_that_ships(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        assert solved(library_run, trajectory).disagreement == ""


def test_every_task_has_its_difficulty_and_its_id_covers_it(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        assert trajectory.difficulty is not None
        assert trajectory.difficulty.score > 0
        assert trajectory.id == trajectory.content_id()


def test_a_grade_is_the_weakest_rung_that_passes(library_run: Run) -> None:
    async def grade(trajectory: Trajectory) -> str:
        scenarios = library_run.folder / "scenarios"
        async with library_farm() as farm, await open_start(trajectory, farm, scenarios) as episode:
            return (await climb(episode, trajectory, Toolbox(await episode.agent.tools()))).grade

    for trajectory in library_run.trajectories[:4]:
        assert trajectory.difficulty is not None
        assert asyncio.run(grade(trajectory)) == trajectory.difficulty.grade


def test_no_key_of_a_row_stands_in_a_logical_form(library_run: Run) -> None:
    for trajectory in library_run.trajectories:
        values = [reference.value for reference in trajectory.references]
        keys = {key for value in values for key in (value if isinstance(value, list) else [value])}
        for turn in trajectory.turns:
            for intent in turn.intents:
                said = {term.value for term in intent.all_terms if isinstance(term, Said)}
                assert not keys & said


@pytest.mark.parametrize(
    ("outcome", "other"),
    [
        ("answer", {"answer": {"available": 99}}),
        ("refuse", {"outcome": "done", "code": None}),
        ("done", {"outcome": "refuse", "code": "no_copies"}),
    ],
)
def test_another_outcome_on_record_is_contradicted(library_run: Run, outcome: str, other: dict[str, Any]) -> None:
    trajectory, place, turn = a_turn_with(library_run, outcome)
    goal = turn.goals[0].model_copy(update=other)
    assert f"turn {place}" in solved(library_run, with_turn(trajectory, place, goals=(goal,))).disagreement


def test_another_state_on_record_is_contradicted(library_run: Run) -> None:
    trajectory, place, _ = a_turn_with(library_run, "done")
    assert "another state" in solved(library_run, with_turn(trajectory, place, state="0" * 16)).disagreement


def test_words_that_mean_another_row_are_contradicted(library_run: Run) -> None:
    trajectory, place, turn = next(
        found for found in turns_with(library_run, "done") if found[2].goals[0].tool == "library.borrow_book"
    )
    taken = turn.steps[-1].arguments["book_id"]
    seen = [book for step in trajectory.steps for book in (step.result or {}).get("books", ())]
    other = next(book["title"] for book in seen if book["book_id"] != taken)
    title_is = Property(path="shelf.title", value=Said(value=other))
    row = Row(environment="library", entity="books", properties=(title_is,))
    intent = turn.intents[0].model_copy(update={"terms": {**turn.intents[0].terms, "book_id": row}})
    assert solved(library_run, with_turn(trajectory, place, intents=(intent,))).disagreement


def test_words_that_fit_no_row_are_contradicted(library_run: Run) -> None:
    trajectory, place, turn = next(
        found for found in turns_with(library_run, "done") if "book_id" in found[2].intents[0].terms
    )
    nothing = Row(
        environment="library",
        entity="books",
        properties=(Property(path="shelf.title", value=Said(value="No such book")),),
    )
    intent = turn.intents[0].model_copy(update={"terms": {**turn.intents[0].terms, "book_id": nothing}})
    assert "stuck" in solved(library_run, with_turn(trajectory, place, intents=(intent,))).disagreement


def test_a_goal_without_a_meaning_is_contradicted(library_run: Run) -> None:
    trajectory, place, turn = a_turn_with(library_run, "done")
    goals = (*turn.goals, Goal(tool="library.return_book", outcome="done"))
    assert "outcomes for" in solved(library_run, with_turn(trajectory, place, goals=goals)).disagreement
