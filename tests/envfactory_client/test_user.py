"""A scripted user plays the user's side of a recorded task, and knows no more than its card and its script."""

from __future__ import annotations

import asyncio

import pytest

import envfactory_client as ef
from envfactory_client.user import SHRUG


def turn(text: str, goal: ef.Goal | None = None) -> ef.Turn:
    return ef.Turn(user=text, goals=() if goal is None else (goal,), assistant="Fine.", state="s")


@pytest.fixture
def user() -> ef.ScriptedUser:
    """A user who leaves something out in their second message."""
    asked = ef.Goal(tool="library.borrow_book", outcome="ask", parameter="book_id")
    return ef.ScriptedUser(
        ef.Trajectory(
            seed=(0, 0),
            world=ef.TrajectoryWorld(seed=0, size="small", now="2026-03-02T09:00:00Z"),
            environments=(),
            tools=ef.OfferedTools(digest="d", names=()),
            persona={"name": "Ada Byron", "email": "ada@example.com", "person_id": "P0001"},
            turns=(turn("Hello."), turn("Lend me a book.", asked), turn("The Golden Harbour.")),
            reward=ef.RewardSpec(state="s"),
        )
    )


def say(user: ef.ScriptedUser, heard: str | None = None) -> str | None:
    return asyncio.run(user.say(heard))


def test_it_says_what_the_script_says(user: ef.ScriptedUser) -> None:
    assert [say(user), say(user, "Hello."), say(user, "Which book?"), say(user, "Here it is.")] == [
        "Hello.",
        "Lend me a book.",
        "The Golden Harbour.",
        None,
    ]
    assert user.is_done


def test_it_tells_what_stands_on_its_card_once(user: ef.ScriptedUser) -> None:
    say(user)
    assert say(user, "What is your email address?") == "It's ada@example.com."
    assert say(user, "And your full name?") == "It's Ada Byron."
    assert say(user, "Your email, please?") == SHRUG


def test_it_knows_no_ids_and_gives_up_being_asked(user: ef.ScriptedUser) -> None:
    say(user)
    assert [say(user, "What is your member id?") for _ in range(4)] == [SHRUG, SHRUG, SHRUG, "Lend me a book."]


def test_it_agrees_and_goes_on(user: ef.ScriptedUser) -> None:
    say(user)
    assert say(user, "Shall I do that?") == "Yes, please."
    assert say(user, "Done. Is there anything else?") == "Lend me a book."


@pytest.mark.anyio
async def test_it_acts_on_its_own_side_before_it_tells_so(embedded_farm: ef.Farm) -> None:
    async with await embedded_farm.open("library", seed=2) as episode:
        members = (await episode.rows("library"))["members"]
        owing = next(member for member in members if member["fines_cents"] >= 100)
        recorder = ef.Recorder(episode)
        recorder.user("I have paid a part.")
        await recorder.user_call("library", "pay_fine", member_id=owing["member_id"], amount_cents=100)
        await recorder.assistant("Thank you.")
        recorded = await recorder.trajectory()
    async with await embedded_farm.open("library", seed=2) as again:
        assert await ef.ScriptedUser(recorded).say(episode=again) == "I have paid a part."
        assert (await again.state()).digest == recorded.reward.state
