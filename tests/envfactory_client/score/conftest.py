"""A task over the library whose reward specification is written out: a loan, an answer, a refusal and a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import envfactory_client as ef
from tests.envfactory_client.conftest import TOKEN, library_app


@pytest.fixture
async def farm() -> AsyncIterator[ef.Farm]:
    """A farm over the library in this process."""
    async with ef.Farm(library_app(), token=TOKEN) as opened:
        yield opened


async def _recorded(episode: ef.Episode) -> ef.Trajectory:
    email = episode.persona["email"]
    recorder = ef.Recorder(episode)
    recorder.user(f"I'm {email}. Lend me a book.", goals=[_goal("ask", parameter="book_id")])
    member = await recorder.call("library", "find_member", email=email)
    found = await recorder.call("library", "search_books", limit=50)
    free = [book for book in found["books"] if book["available"] > 0]
    await recorder.assistant("Which book shall it be?")
    recorder.user(f"{free[0]['title']}.", goals=[_goal("done")])
    loan = await recorder.call("library", "borrow_book", book_id=free[0]["book_id"], member_id=member["member_id"])
    await recorder.assistant(f"It is yours until {loan['due_on']}.")
    out = next(book for book in found["books"] if book["available"] == 0)
    recorder.user(f"And {out['title']}.", goals=[_goal("refuse", code="no_copies")])
    await recorder.call("library", "borrow_book", book_id=out["book_id"], member_id=member["member_id"])
    await recorder.assistant("Every copy of it is on loan.")
    recorder.user("How many books are there?", goals=[ef.Goal(tool="library.search_books", outcome="answer")])
    await recorder.assistant(f"There are {found['total']}.")
    return await recorder.trajectory()


def _goal(outcome: Any, **more: Any) -> ef.Goal:
    return ef.Goal(tool="library.borrow_book", outcome=outcome, **more)


def _with_spec(recorded: ef.Trajectory) -> ef.Trajectory:
    total = recorded.steps[1].result["total"]
    refused = recorded.steps[3]
    reasons = {"no_copies": ("Every copy of that is on loan.",), "fines_due": ("A fine has to be paid first.",)}
    evidence = ef.Evidence(tool="library.borrow_book", code="no_copies", arguments=refused.arguments)
    seen = ef.Evidence(
        tool="library.search_books", key="books[].book_id", value=refused.arguments["book_id"], field="available"
    )
    owed = (
        ef.Owed(
            turn=0, goal="library.borrow_book", outcome="ask", parameter="book_id", phrases={"book_id": ("which book",)}
        ),
        ef.Owed(
            turn=2,
            goal="library.borrow_book",
            outcome="refuse",
            code="no_copies",
            phrases=reasons,
            evidence=(evidence, seen),
        ),
        ef.Owed(
            turn=3,
            goal="library.search_books",
            outcome="answer",
            slots=(ef.Slot(name="total", type="count", value=total),),
            evidence=(ef.Evidence(tool="library.search_books"),),
        ),
    )
    spec = recorded.reward.model_copy(
        update={
            "format": 1,
            "calls": 4,
            "owed": owed,
            "writes": ("library.borrow_book", "library.return_book"),
            "sources": {"library.borrow_book": ("book_id", "member_id")},
            "refused": (ef.RefusedCall(tool="library.borrow_book", code="no_copies"),),
            "generated": ("library.loans.loan_id",),
        }
    )
    return recorded.model_copy(update={"reward": spec})


@pytest.fixture(scope="session")
def task() -> ef.Trajectory:
    """The task, recorded once."""

    async def record() -> ef.Trajectory:
        async with ef.Farm(library_app(), token=TOKEN) as farm, await farm.open("library", seed=7) as episode:
            return _with_spec(await _recorded(episode))

    return asyncio.run(record())


@pytest.fixture
def perfect(task: ef.Trajectory) -> ef.Attempt:
    """The plan of the task, as an attempt at it."""
    return ef.Attempt.of(task)


def with_turn(attempt: ef.Attempt, number: int, **updates: Any) -> ef.Attempt:
    """Give an attempt with something else in one of its turns."""
    turns = list(attempt.turns)
    turns[number] = turns[number].model_copy(update=updates)
    return attempt.model_copy(update={"turns": tuple(turns)})


def with_messages(attempt: ef.Attempt, text: str) -> ef.Attempt:
    """Give an attempt in which the agent always says the same."""
    return attempt.model_copy(
        update={"turns": tuple(turn.model_copy(update={"assistant": text}) for turn in attempt.turns)}
    )


def idle(attempt: ef.Attempt, text: str) -> ef.Attempt:
    """Give an attempt without a call in which the agent always says the same."""
    turns = tuple(turn.model_copy(update={"calls": (), "assistant": text}) for turn in attempt.turns)
    return ef.Attempt(turns=turns)


def component(reward: ef.Reward, name: str) -> ef.Component:
    """Give one factor of a reward."""
    return next(one for one in reward.components if one.name == name)
