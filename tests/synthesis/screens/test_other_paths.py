"""Other paths: each is executed where the plan has it, shows what the task needs, and pays in full."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from envfactory_client import Episode, Farm, Goal, LedgerEntry, Recorder, Trajectory
from synthesis.engine import Engine
from synthesis.screens.deeds import deeds_of
from synthesis.screens.look_ups import OTHER, ROUNDABOUT, SEEN_ELSEWHERE, WIDER, other_look_ups
from synthesis.screens.paths import KINDS, NEEDLESS
from synthesis.screens.screen import Screened, examine
from synthesis.screens.screening import Screening
from synthesis.screens.spec import Catalogues, draft_spec
from synthesis.screens.values import Values

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reward.md"
_Found = TypeVar("_Found")
Play = Callable[[Recorder, Episode], Awaitable[list[LedgerEntry]]]


def in_farm(
    environment: str, play: Play, use: Callable[[Trajectory, Episode, Catalogues], Awaitable[_Found]]
) -> _Found:
    """Give what comes of using a recorded plan in an episode at its start."""

    async def run() -> _Found:
        async with Farm.embedded() as farm:
            catalogues = {environment: await Engine(farm).survey(environment)}
            async with await farm.open(environment, seed=3) as episode:
                persona = {name: value for name, value in episode.persona.items() if isinstance(value, str)}
                recorder = Recorder(episode)
                ledger = await play(recorder, episode)
                task = await recorder.trajectory(persona=persona, ledger=ledger)
            async with await farm.open(environment, seed=3) as episode:
                return await use(task, episode, catalogues)

    return asyncio.run(run())


def examined(environment: str, play: Play) -> Screened:
    """Give what comes of a plan whose reward is put to the test."""
    return in_farm(environment, play, examine)


def tried(environment: str, play: Play) -> set[tuple[str, ...]]:
    """Give the kinds of other look-ups that are tried of a plan, each with the tools that are called anew."""

    async def use(task: Trajectory, episode: Episode, catalogues: Catalogues) -> set[tuple[str, ...]]:
        whole = task.model_copy(update={"reward": draft_spec(task, catalogues)})
        values = Values(episode, catalogues, Random(1))
        found = [variant async for variant in other_look_ups(whole, deeds_of(whole, catalogues), values)]
        return {(one.name, *(deed.call.tool for deed in one.deeds if deed.live)) for one in found}

    return in_farm(environment, play, use)


def paid(screened: Screened) -> set[str]:
    assert not screened.failures
    return {verdict.name for verdict in screened.verdicts if verdict.name in KINDS and verdict.reward == 1.0}


def taken(step: int, argument: str, source: int, path: str) -> LedgerEntry:
    return LedgerEntry(turn=0, step=step, argument=argument, source="earlier", origin={"step": source, "path": path})


async def event_of_an_invitation(episode: Episode) -> Any:
    """Give an invitation to a confirmed event to come whose title no other event of the user has."""
    email = str(episode.persona["email"])
    listed = await episode.call("schedule", "list_invitations", email=email)
    titles = [one["title"] for one in listed["invitations"]]
    for one in listed["invitations"]:
        found = await episode.call("schedule", "search_events", email=email, title=one["title"])
        if one["event_status"] == "confirmed" and titles.count(one["title"]) == 1 and len(found["events"]) == 1:
            return one
    raise AssertionError("nobody has invited the user")


async def remind(recorder: Recorder, episode: Episode) -> list[LedgerEntry]:
    """Set a reminder for an event that is looked up by its title."""
    email, event = str(episode.persona["email"]), await event_of_an_invitation(episode)
    goal = Goal(tool="schedule.set_reminder", outcome="done")
    recorder.user(f"I'm {email}; remind me of {event['title']} a day ahead.", goals=[goal])
    await recorder.call("schedule", "search_events", email=email, title=event["title"])
    await recorder.call("schedule", "set_reminder", email=email, event_id=event["event_id"], minutes_before=1440)
    await recorder.assistant("It's set.")
    return [taken(1, "event_id", 0, "events[0].event_id")]


def test_another_tool_may_show_the_same_key() -> None:
    screened = examined("schedule", remind)
    assert OTHER in paid(screened)
    assert SEEN_ELSEWHERE not in paid(screened)
    assert screened.task.reward.paths == 3


def test_a_look_up_may_be_left_out_where_another_result_shows_what_is_taken_from_it() -> None:
    async def look_twice(recorder: Recorder, episode: Episode) -> list[LedgerEntry]:
        email, event = str(episode.persona["email"]), await event_of_an_invitation(episode)
        goal = Goal(tool="schedule.set_reminder", outcome="done")
        recorder.user(f"I'm {email}; remind me of {event['title']} a day ahead.", goals=[goal])
        await recorder.call("schedule", "search_events", email=email, title=event["title"])
        await recorder.call("schedule", "get_event", email=email, event_id=event["event_id"])
        await recorder.call("schedule", "set_reminder", email=email, event_id=event["event_id"], minutes_before=1440)
        await recorder.assistant("It's set.")
        return [taken(1, "event_id", 0, "events[0].event_id"), taken(2, "event_id", 1, "event_id")]

    assert SEEN_ELSEWHERE in paid(examined("schedule", look_twice))


def cancelling(said: str) -> Play:
    """Give the plan to cancel one date, found in the agenda of its day, when this is said of its series."""

    async def cancel(recorder: Recorder, episode: Episode) -> list[LedgerEntry]:
        email = str(episode.persona["email"])
        sql = (
            "SELECT occurrence_id, starts_on, title FROM occurrence_board JOIN people ON person_id = organizer_id"
            " WHERE email = :email AND frequency <> 'once' AND status = 'scheduled' AND starts_at > :now"
            " ORDER BY starts_on, occurrence_id"
        )
        now = (await episode.state()).now
        rows = (await episode.query("schedule", sql, {"email": email, "now": now})).rows
        occurrence, day, title = rows[0]
        goal = Goal(tool="schedule.cancel_occurrence", outcome="done")
        recorder.user(f"I'm {email}; cancel {said.format(title)} on {day}.", goals=[goal])
        shown = await recorder.call("schedule", "get_agenda", email=email, starts_on=day)
        place = [one["occurrence_id"] for one in shown["occurrences"]].index(occurrence)
        await recorder.call("schedule", "cancel_occurrence", email=email, occurrence_id=occurrence)
        await recorder.assistant("It's cancelled.")
        return [taken(1, "occurrence_id", 0, f"occurrences[{place}].occurrence_id")]

    return cancel


def test_a_row_may_be_found_by_way_of_another_one_that_the_user_has_named() -> None:
    assert (ROUNDABOUT, "search_events", "get_event") in tried("schedule", cancelling("{}"))
    assert ROUNDABOUT in paid(examined("schedule", cancelling("{}")))


def test_nothing_is_looked_up_by_what_nobody_has_said() -> None:
    ways = tried("schedule", cancelling("my meeting"))
    assert (ROUNDABOUT, "list_invitations", "get_event") in ways
    assert not [way for way in ways if "search_events" in way]


def test_a_filter_may_be_left_out() -> None:
    async def cheap(recorder: Recorder, episode: Episode) -> list[LedgerEntry]:
        email = str(episode.persona["email"])
        goal = Goal(tool="bank.cancel_transfer", outcome="done")
        recorder.user(f"I'm {email}; call off my transfer that is still to come.", goals=[goal])
        me = await recorder.call("bank", "find_customer", email=email)
        found = await recorder.call("bank", "list_transfers", customer_id=me["customer_id"], status="scheduled")
        await recorder.call("bank", "cancel_transfer", transfer_id=found["transfers"][0]["transfer_id"])
        await recorder.assistant("It's called off.")
        return [taken(1, "customer_id", 0, "customer_id"), taken(2, "transfer_id", 1, "transfers[0].transfer_id")]

    assert WIDER in paid(examined("bank", cheap))


def test_tasks_are_counted_by_the_kinds_of_their_paths() -> None:
    screened, screening = examined("schedule", remind), Screening()
    screening.add(screened)
    told = screening.to_json()
    assert told["kinds"] == dict.fromkeys(sorted(paid(screened)), 1)
    differing = [one for one in screened.verdicts if one.name in KINDS - NEEDLESS and one.reward == 1.0]
    assert told["differing"] == {str(min(len(differing), 3)): 1}


def test_the_docs_name_every_kind_of_path() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("### Other paths")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == KINDS


def test_a_task_without_a_ledger_has_no_other_look_ups() -> None:
    async def bare(recorder: Recorder, episode: Episode) -> list[LedgerEntry]:
        await remind(recorder, episode)
        return []

    screened = examined("schedule", bare)
    assert not paid(screened) & {OTHER, ROUNDABOUT, SEEN_ELSEWHERE, WIDER}
