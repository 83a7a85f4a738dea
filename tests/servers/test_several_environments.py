"""One episode over several environments: every operation covers all of them at one moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers.runtime import Episode, discover
from servers.runtime.tool import Outcome

NAMES = ("airline", "bank", "schedule")


@pytest.fixture
def episode() -> Iterator[Episode]:
    loaders = discover()
    episode = Episode.open([loaders[name]() for name in NAMES], seed=7)
    with episode.active():
        yield episode
    episode.close()


def call(episode: Episode, environment: str, tool: str, **arguments: object) -> Outcome:
    found = episode.environments[environment]
    return found.call(found.tools[tool], arguments)


def write_in_two(episode: Episode) -> None:
    """Cancel a booking of the airline and freeze a card of the bank."""
    booking = episode.query("airline", "SELECT booking_id FROM booking_board WHERE refund_cents IS NOT NULL", {})[1][0][
        0
    ]
    card = episode.query("bank", "SELECT card_id FROM card_board WHERE status = 'active' ORDER BY card_id", {})[1][0][0]
    assert not call(episode, "airline", "cancel_booking", booking_id=booking).is_error
    assert not call(episode, "bank", "freeze_card", card_id=card).is_error


def test_they_share_the_clock_and_the_persona(episode: Episode) -> None:
    emails = {
        "airline": "SELECT email FROM customers",
        "bank": "SELECT email FROM customers",
        "schedule": "SELECT email FROM people",
    }
    known = [{row[0] for row in episode.query(name, sql, {})[1]} for name, sql in emails.items()]
    assert known[0] & known[1] & known[2]
    clocks = [episode.query(name, "SELECT now FROM ef_clock", {})[1] for name in NAMES]
    assert clocks[0] == clocks[1] == clocks[2] == [[episode.now]]


def test_a_snapshot_brings_all_of_them_back(episode: Episode) -> None:
    start = episode.state()
    moment = episode.snapshot()
    write_in_two(episode)
    assert set(episode.diff(moment)) == {"airline", "bank"}
    episode.restore(moment)
    assert episode.state() == start


def test_a_fork_takes_all_of_them_along(episode: Episode) -> None:
    write_in_two(episode)
    fork = episode.fork()
    assert fork.state() == episode.state()
    assert fork.diff() == episode.diff()
    fork.reset()
    assert set(episode.diff()) == {"airline", "bank"}
    assert fork.diff() == {}
    fork.close()


def test_the_clock_moves_for_all_of_them(episode: Episode) -> None:
    before = episode.now
    episode.advance(3 * 86_400)
    clocks = {episode.query(name, "SELECT now FROM ef_clock", {})[1][0][0] for name in NAMES}
    assert clocks == {episode.now}
    assert episode.now > before
    assert not episode.violations()


def test_only_what_changed_changes_its_digest(episode: Episode) -> None:
    before = episode.state()
    write_in_two(episode)
    after = episode.state()
    assert before.digest != after.digest
    changed = {name for name in NAMES if before.digests[name] != after.digests[name]}
    assert changed == {"airline", "bank"}
