"""Every task's reward is put to the test before the task ships, and a reward that pays for the wrong thing stops it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from envfactory_client import (
    Attempt,
    Episode,
    Goal,
    LedgerEntry,
    Recorder,
    RewardSpec,
    StepArgument,
    Trajectory,
    replay,
    score,
)
from envfactory_client.card.proof import recorded_screens
from synthesis.engine import Engine
from synthesis.errors import Drop
from synthesis.screens.screen import TRIVIAL, Screened, examine, screen
from synthesis.screens.screening import Screening
from synthesis.screens.variant import MOST_PAID
from tests.synthesis.conftest import Run, library_farm

SEED = 7


def _examined(task: Trajectory) -> Screened:
    async def run() -> Screened:
        async with library_farm() as farm:
            catalogues = {"library": await Engine(farm).survey("library")}
            async with await farm.open("library", seed=task.world.seed) as episode:
                return await examine(task, episode, catalogues)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def screened(library_run: Run) -> list[Screened]:
    """The tasks of a run, put to the test once more."""
    return [_examined(task) for task in library_run.trajectories[:8]]


def test_what_ships_passes_every_test(screened: list[Screened]) -> None:
    assert screened
    assert not [failure for one in screened for failure in one.failures]


def test_a_run_keeps_what_the_tests_of_its_rewards_got(library_run: Run, screened: list[Screened]) -> None:
    again = Screening()
    for one in [*screened, *map(_examined, library_run.trajectories[len(screened) :])]:
        again.add(one)
    kept = json.loads((library_run.folder / "screens.json").read_text(encoding="utf-8"))
    assert kept == again.to_json()
    assert kept["passed"] == kept["tasks"] == len(library_run.trajectories)
    assert recorded_screens(library_run.folder) is not None


def test_screening_again_gives_the_same_specification(library_run: Run, screened: list[Screened]) -> None:
    for task, again in zip(library_run.trajectories, screened, strict=False):
        assert task.reward.format == 1
        assert again.task.reward == task.reward


def test_the_plan_of_every_task_is_worth_one(library_run: Run) -> None:
    assert {score(task, Attempt.of(task)).reward for task in library_run.trajectories} == {1.0}


def test_the_tests_are_all_made(screened: list[Screened]) -> None:
    met = {verdict.name for one in screened for verdict in one.verdicts}
    always = {"perfect", *TRIVIAL, "extra_reads", "early_reads"}
    assert all(always <= {verdict.name for verdict in one.verdicts} for one in screened)
    assert {"wrong_entity", "missing_write", "guessed_ids", "late_reads", "explicit_defaults"} <= met


def test_agents_that_know_nothing_of_a_task_get_nothing(screened: list[Screened]) -> None:
    for name in set(TRIVIAL) - {"shotgun", "list_all", "random_values"}:
        assert {verdict.reward for one in screened for verdict in one.verdicts if verdict.name == name} == {0.0}
    for name in ("shotgun", "list_all", "random_values"):
        got = [verdict.reward for one in screened for verdict in one.verdicts if verdict.name == name]
        assert max(got) <= MOST_PAID
        assert sum(got) / len(got) <= 0.02


def test_other_paths_are_counted_up_to_three(screened: list[Screened]) -> None:
    assert {one.task.reward.paths for one in screened} == {3}


def test_look_ups_may_be_made_before_the_plan_and_again(screened: list[Screened]) -> None:
    for name in ("early_reads", "looked_up_again"):
        got = [verdict.reward for one in screened for verdict in one.verdicts if verdict.name == name]
        assert got
        assert set(got) == {1.0}


def test_a_screened_task_replays(library_run: Run) -> None:
    async def run() -> list[str]:
        async with library_farm() as farm:
            return [line for task in library_run.trajectories[:3] for line in (await replay(task, farm)).mismatches]

    assert asyncio.run(run()) == []


def _after_a_search(number: int, **search: Any) -> Trajectory:
    """Give a task in which a book of those that a search shows and that can be lent is lent, as its ledger says."""

    async def lend(recorder: Recorder, episode: Episode) -> None:
        email = episode.persona["email"]
        recorder.user(f"Lend me something; I'm {email}.", goals=[Goal(tool="library.borrow_book", outcome="done")])
        member = await recorder.call("library", "find_member", email=email)
        found = await recorder.call("library", "search_books", **search)
        place, book = [(place, book) for place, book in enumerate(found["books"]) if book["available"] > 0][number]
        await recorder.call("library", "borrow_book", book_id=book["book_id"], member_id=member["member_id"])
        await recorder.assistant("It's yours.")
        places.append(place)

    places: list[int] = []
    task = _recorded(lend)
    taken = LedgerEntry(
        turn=0, step=2, argument="book_id", source="earlier", origin={"step": 1, "path": f"books[{places[0]}].book_id"}
    )
    return _screen(task.model_copy(update={"ledger": (taken,)}))


def test_an_argument_with_which_a_search_shows_the_same_row_is_masked() -> None:
    masks = _after_a_search(0, limit=50).reward.masks
    assert masks == (StepArgument(step=1, name="limit"),)


def test_an_argument_is_not_masked_when_another_value_of_it_hides_the_row() -> None:
    assert _after_a_search(1, limit=50).reward.masks == ()


def test_the_trace_doesnt_ask_for_a_masked_argument() -> None:
    task = _after_a_search(0, limit=50)
    perfect = Attempt.of(task)
    calls = [
        call.model_copy(update={"arguments": {"limit": 1}}) if call.tool == "search_books" else call
        for call in perfect.turns[0].calls
    ]
    other = perfect.model_copy(update={"turns": (perfect.turns[0].model_copy(update={"calls": tuple(calls)}),)})
    assert score(task, other).trace == 1.0


Record = Callable[[Recorder, Episode], Any]


def _recorded(record: Record) -> Trajectory:
    async def run() -> Trajectory:
        async with library_farm() as farm, await farm.open("library", seed=SEED) as episode:
            recorder = Recorder(episode)
            await record(recorder, episode)
            return await recorder.trajectory()

    return asyncio.run(run())


def _screen(task: Trajectory) -> Trajectory:
    async def run() -> Trajectory:
        async with library_farm() as farm:
            catalogues = {"library": await Engine(farm).survey("library")}
            async with await farm.open("library", seed=SEED) as episode:
                return (await screen(task, episode, catalogues)).task

    return asyncio.run(run())


async def _lend(recorder: Recorder, episode: Episode) -> None:
    email = episode.persona["email"]
    recorder.user(f"Lend me something; I'm {email}.", goals=[Goal(tool="library.borrow_book", outcome="done")])
    member = await recorder.call("library", "find_member", email=email)
    found = await recorder.call("library", "search_books", limit=50)
    book = next(book for book in found["books"] if book["available"] > 0)
    await recorder.call("library", "borrow_book", book_id=book["book_id"], member_id=member["member_id"])
    await recorder.assistant("It's yours.")


def test_a_new_rows_own_id_is_known_to_be_generated() -> None:
    task = _screen(_recorded(_lend))
    assert task.reward.generated == ("library.loans.loan_id",)
    assert task.reward.sources == {"library.borrow_book": ("book_id", "member_id")}
    assert task.reward.calls == 3
    assert task.id == task.content_id()


def test_a_task_that_wants_nothing_is_dropped() -> None:
    async def chat(recorder: Recorder, episode: Episode) -> None:
        recorder.user("Is anybody there?", goals=[Goal(tool="library.borrow_book", outcome="done")])
        await recorder.call("library", "search_books")
        await recorder.assistant("Yes.")

    with pytest.raises(Drop, match="reward_null"):
        _screen(_recorded(chat))


def test_an_answer_that_the_message_doesnt_give_is_dropped() -> None:
    async def mumble(recorder: Recorder, episode: Episode) -> None:
        found = await _searching(recorder)
        await recorder.assistant(f"I know, but I won't tell ({found['total'] + 1} is wrong).")

    with pytest.raises(Drop, match="reward_perfect"):
        _screen(_recorded(mumble))


async def _searching(recorder: Recorder) -> Any:
    goal = Goal(tool="library.search_books", outcome="answer", answer={"total": 60})
    recorder.user("How many books do you have?", goals=[goal])
    return await recorder.call("library", "search_books", limit=5)


def test_a_refusal_that_nobody_met_is_dropped() -> None:
    async def invent(recorder: Recorder, episode: Episode) -> None:
        goal = Goal(tool="library.borrow_book", outcome="refuse", code="no_copies")
        recorder.user("Lend me something.", goals=[goal])
        await recorder.assistant("All copies of it are out.")

    with pytest.raises(Drop, match="reward_"):
        _screen(_recorded(invent))


def test_a_run_keeps_the_specification_in_its_lines(library_run: Run) -> None:
    for task in library_run.trajectories:
        again = Trajectory.model_validate_json(task.to_line())
        assert again == task
        assert isinstance(again.reward, RewardSpec)
        assert again.reward.writes == ("library.borrow_book", "library.return_book")
