"""Recording, keeping and replaying trajectories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import envfactory_client as ef
from envfactory_client.trajectory import UNNAMED

pytestmark = pytest.mark.anyio


async def record(episode: ef.Episode, **more: Any) -> ef.Trajectory:
    """A trajectory of two turns with reads, a write, a refusal, a bad argument and a call of the user's side."""
    recorder = ef.Recorder(episode)
    recorder.user("Lend me something, please.", goals=[ef.Goal(tool="library.borrow_book", outcome="done")])
    found = await recorder.call("library", "search_books", limit=50)
    member = await recorder.call("library", "find_member", email=episode.persona["email"])
    book = next(book for book in found["books"] if book["available"] > 0)
    loan = await recorder.call("library", "borrow_book", book_id=book["book_id"], member_id=member["member_id"])
    await recorder.assistant(f"It is yours until {loan['due_on']}.")
    recorder.user("And the one that's out.")
    out = next(book for book in found["books"] if book["available"] == 0)
    await recorder.call("library", "borrow_book", book_id=out["book_id"], member_id=member["member_id"])
    await recorder.call("library", "borrow_book", book_id="nonsense", member_id=member["member_id"])
    await recorder.user_call("library", "pay_fine", member_id=member["member_id"], amount_cents=5)
    await recorder.assistant("I'm afraid not.")
    return await recorder.trajectory(seed=(11, 3), **more)


@pytest.fixture
async def trajectory(embedded_farm: ef.Farm) -> ef.Trajectory:
    async with await embedded_farm.open("library", seed=7) as episode:
        return await record(episode)


def changed(trajectory: ef.Trajectory, **updates: Any) -> ef.Trajectory:
    """The trajectory with some fields changed and its id made right again."""
    fields = json.loads(trajectory.to_line())
    return ef.Trajectory.model_validate(fields | updates | {"id": ""})


async def test_a_recording_holds_what_happened(trajectory: ef.Trajectory) -> None:
    first, second = trajectory.turns
    assert [step.tool for step in first.steps] == ["search_books", "find_member", "borrow_book"]
    refused, bad, paid = second.steps
    assert (refused.is_error, refused.refusal, refused.result) == (True, "no_copies", None)
    assert (bad.is_error, bad.refusal) == (True, None)
    assert (paid.actor, paid.refusal) == ("user", "too_much")
    assert first.steps[-1].state == first.state == second.state == trajectory.reward.state
    assert first.steps[0].state != first.state
    assert len(trajectory.reward.changes["library"]["loans"]["inserted"]) == 1
    assert "library.pay_fine" not in trajectory.tools.names


async def test_a_line_is_canonical_and_reads_back(trajectory: ef.Trajectory) -> None:
    line = trajectory.to_line()
    assert line == ef.canonical_json(json.loads(line))
    assert ef.Trajectory.model_validate_json(line) == trajectory
    step = json.loads(line)["turns"][0]["steps"][0]
    assert sorted(step) == ["arguments", "environment", "is_error", "refusal", "result", "state", "tool"]


async def test_the_same_run_gives_the_same_bytes(farm: ef.Farm, trajectory: ef.Trajectory) -> None:
    async with await farm.open("library", seed=7) as episode:
        assert (await record(episode)).to_line() == trajectory.to_line()


async def test_a_recorder_keeps_its_order(episode: ef.Episode) -> None:
    recorder = ef.Recorder(episode)
    with pytest.raises(ef.RecordingError, match=r"user\(text\)"):
        await recorder.call("library", "search_books")
    with pytest.raises(ef.RecordingError, match=r"user\(text\)"):
        await recorder.assistant("Hello.")
    recorder.user("Hello.")
    with pytest.raises(ef.RecordingError, match="assistant"):
        recorder.user("Hello?")
    with pytest.raises(ef.RecordingError, match="assistant"):
        await recorder.trajectory()


async def test_only_an_untouched_episode_is_recorded(episode: ef.Episode) -> None:
    async with await episode.fork() as fork:
        recorder = ef.Recorder(fork)
        recorder.user("Hello.")
        with pytest.raises(ef.RecordingError, match="fork"):
            await recorder.call("library", "search_books")
    await episode.advance(60)
    recorder = ef.Recorder(episode)
    recorder.user("Hello.")
    with pytest.raises(ef.RecordingError, match=r"reset\(\)"):
        await recorder.call("library", "search_books")
    await episode.reset()
    assert not (await recorder.call("library", "search_books")).is_error


async def test_a_replay_finds_everything_as_recorded(farm: ef.Farm, trajectory: ef.Trajectory) -> None:
    result = await ef.replay(trajectory, farm)
    assert result.ok
    assert (result.calls, result.from_rows) == (6, False)


def _with_step(trajectory: ef.Trajectory, number: int, **updates: Any) -> ef.Trajectory:
    turns = json.loads(trajectory.to_line())["turns"]
    turns[0]["steps"][number] |= updates
    return changed(trajectory, turns=turns)


@pytest.mark.parametrize(
    ("updates", "said"),
    [
        ({"result": {"books": [], "total": 0}}, "the result differs: books has 50 entries; recorded: 0"),
        ({"state": "0" * 32}, "the state after it is"),
        ({"is_error": True, "refusal": "no_copies", "result": None, "text": "no"}, "recorded: it is refused with"),
        ({"arguments": {"limit": 0}}, "it fails with 'Invalid arguments"),
    ],
)
async def test_a_replay_tells_what_differs(
    embedded_farm: ef.Farm, trajectory: ef.Trajectory, updates: dict[str, Any], said: str
) -> None:
    result = await ef.replay(_with_step(trajectory, 0, **updates), embedded_farm)
    assert not result.ok
    assert any(said in sentence for sentence in result.mismatches), result.mismatches
    assert "step 0 (library.search_books)" in result.mismatches[0]


async def test_a_replay_compares_the_end(embedded_farm: ef.Farm, trajectory: ef.Trajectory) -> None:
    reward = {"state": trajectory.reward.state, "changes": {}}
    (mismatch,) = (await ef.replay(changed(trajectory, reward=reward), embedded_farm)).mismatches
    assert mismatch == "The changes since the start differ: library is only in what was answered now."


async def test_a_changed_environment_is_replayed_from_stored_rows(embedded_farm: ef.Farm, tmp_path: Path) -> None:
    scenario = await embedded_farm.scenario("library", seed=7)
    async with await embedded_farm.open("library", seed=7) as episode:
        kept = await record(episode, scenario=scenario)
    older = changed(kept, environments=[{"name": "library", "version": "0.0.9", "digest": "of-then"}])
    dataset = ef.Dataset(tmp_path / "t.jsonl")
    assert dataset.put_scenario(scenario) == kept.world.scenario
    result = await ef.replay(older, embedded_farm, dataset.scenarios)
    assert (result.ok, result.from_rows) == (True, True)
    without = await ef.replay(older, embedded_farm)
    assert "no starting rows are given" in without.mismatches[0]
    gone = await ef.replay(older, embedded_farm, tmp_path / "nowhere")
    assert "copy the dataset's folder as a whole" in gone.mismatches[0]


async def test_an_episode_from_given_rows_replays_from_them(embedded_farm: ef.Farm, tmp_path: Path) -> None:
    scenario = {"library": dict((await embedded_farm.scenario("library", seed=7))["library"])}
    scenario["library"]["loans"] = []
    async with await embedded_farm.open("library", seed=7, scenarios=scenario) as episode:
        recorder = ef.Recorder(episode)
        recorder.user("What is there?")
        await recorder.call("library", "search_books", limit=5)
        await recorder.assistant("These.")
        trajectory = await recorder.trajectory()
    ef.Dataset(tmp_path / "t.jsonl").put_scenario(scenario)
    result = await ef.replay(trajectory, embedded_farm, tmp_path / "scenarios")
    assert (result.ok, result.from_rows) == (True, True)


async def test_spoilt_starting_rows_are_recognised(tmp_path: Path) -> None:
    dataset = ef.Dataset(tmp_path / "t.jsonl")
    name = dataset.put_scenario({"library": {"books": []}})
    assert ef.load_scenario(dataset.scenarios, name) == {"library": {"books": []}}
    (dataset.scenarios / "0123.json.gz").write_bytes((dataset.scenarios / f"{name}.json.gz").read_bytes())
    with pytest.raises(ef.MissingScenario, match="aren't those that were kept"):
        ef.load_scenario(dataset.scenarios, "0123")
    (dataset.scenarios / "0123.json.gz").write_bytes(b"torn")
    with pytest.raises(ef.MissingScenario, match="can't be read"):
        ef.load_scenario(dataset.scenarios, "0123")


async def test_a_dataset_keeps_lines_in_order(tmp_path: Path, trajectory: ef.Trajectory) -> None:
    path = tmp_path / "out" / "t.jsonl"
    other = changed(trajectory, seed=[11, 4])
    with ef.Dataset(path) as dataset:
        dataset.append(trajectory)
    with ef.Dataset(path) as dataset:
        dataset.append(other)
        assert [line.trajectory for line in dataset.read()] == [trajectory, other]
        assert dataset.resume() == ef.Resumption(2, frozenset((trajectory.id, other.id)), None)
        assert dataset.line(2) == other
    with pytest.raises(ef.DatasetError, match="has 2 lines, so there is no line 3"):
        ef.Dataset(path).line(3)


async def test_tools_are_kept_by_digest(tmp_path: Path, embedded_farm: ef.Farm, trajectory: ef.Trajectory) -> None:
    async with await embedded_farm.open("library") as episode:
        tools = await episode.tools()
    dataset = ef.Dataset(tmp_path / "t.jsonl")
    assert dataset.put_tools(tools) == trajectory.tools.digest
    kept = json.loads((tmp_path / "tools" / f"{trajectory.tools.digest}.json").read_text())
    assert [tool["name"] for tool in kept] == list(trajectory.tools.names)


async def test_a_torn_last_line_is_reported_and_removed_only_when_asked(
    tmp_path: Path, trajectory: ef.Trajectory
) -> None:
    path = tmp_path / "t.jsonl"
    whole = trajectory.to_line() + "\n"
    path.write_text(whole + whole[:100])
    found = ef.Dataset(path).resume()
    assert (found.lines, str(found.torn)) == (1, str(ef.TornLine(path, 2, 100)))
    with pytest.raises(ef.TornLine, match="line 2, ends in its middle"):
        ef.Dataset(path).append(trajectory)
    with pytest.raises(ef.TornLine):
        list(ef.Dataset(path).read())
    assert path.read_text() == whole + whole[:100]
    ef.Dataset(path).resume(truncate=True)
    assert path.read_text() == whole


@pytest.mark.parametrize("resumed", [True, False])
async def test_a_whole_last_line_without_a_newline_gets_one(
    tmp_path: Path, trajectory: ef.Trajectory, resumed: bool
) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(trajectory.to_line())
    with ef.Dataset(path) as dataset:
        if resumed:
            assert dataset.resume(truncate=True).torn is None
        dataset.append(trajectory)
        assert [line.number for line in dataset.read()] == [1, 2]


async def test_a_corrupt_line_is_told_by_its_number(tmp_path: Path, trajectory: ef.Trajectory) -> None:
    path = tmp_path / "t.jsonl"
    line = trajectory.to_line()
    lines = [line, "{", line.replace("library", "librarx", 1), '{"format": "x"}', line]
    path.write_text("\n".join(lines) + "\n")
    entries = list(ef.Dataset(path).entries())
    assert [isinstance(entry, ef.Line) for entry in entries] == [True, False, False, False, True]
    assert [entry.line for entry in entries if isinstance(entry, ef.CorruptLine)] == [2, 3, 4]
    assert "its id is" in str(entries[2])
    with pytest.raises(ef.CorruptLine, match="line 2, is not a trajectory"):
        list(ef.Dataset(path).read())
    assert ef.Dataset(path).line(5) == trajectory


async def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert ef.Dataset(tmp_path / "t.jsonl").resume().lines == 0
    with pytest.raises(ef.DatasetError, match="no file of trajectories"):
        list(ef.Dataset(tmp_path / "t.jsonl").read())


async def test_a_record_that_is_yet_to_be_completed_has_no_name(embedded_farm: ef.Farm) -> None:
    found = []
    for unnamed in (True, False):
        async with await embedded_farm.open("library", seed=7) as episode:
            found.append(await record(episode, unnamed=unnamed))
    unfinished, whole = found
    assert unfinished.renamed().id == unfinished.id == UNNAMED
    assert unfinished.content_id() == whole.content_id() == whole.id
    other = whole.model_copy(update={"seed": (11, 4)})
    assert other.renamed().id == other.content_id() != whole.id
