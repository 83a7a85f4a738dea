"""The reward pays for what was asked, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

import envfactory_client as ef
from envfactory_client.score.attempt import changes_of
from tests.envfactory_client.score.conftest import component, idle, with_messages, with_turn

pytestmark = pytest.mark.anyio


async def test_the_plan_itself_is_worth_one(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    reward = ef.score(task, perfect)
    assert (reward.reward, reward.progress, reward.trace) == (1.0, 1.0, 1.0)
    assert reward.ok
    assert [one.value for one in reward.owed] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "text",
    ["", "I'm sorry, I can't do that.", "Could you tell me more?", "Shall I go ahead?", "Which book? 60. No copies."],
)
async def test_doing_nothing_is_worth_nothing(task: ef.Trajectory, perfect: ef.Attempt, text: str) -> None:
    assert ef.score(task, idle(perfect, text)).reward == 0.0


async def test_saying_the_users_words_again_is_worth_nothing(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    turns = tuple(turn.model_copy(update={"calls": (), "assistant": turn.user}) for turn in perfect.turns)
    assert ef.score(task, ef.Attempt(turns=turns)).reward == 0.0


async def test_reading_alone_is_worth_nothing(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    reads = tuple(
        turn.model_copy(update={"calls": tuple(call for call in turn.calls if call.tool != "borrow_book")})
        for turn in perfect.turns
    )
    reward = ef.score(task, ef.Attempt(turns=reads))
    assert reward.reward == 0.0
    assert "1 of 1 changes are missing" in component(reward, "state").reason
    assert reward.progress > 0


async def test_a_write_beside_the_plan_is_worth_nothing(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    changes = task.reward.model_copy(deep=True).changes
    row = {**changes["library"]["loans"]["inserted"][0], "loan_id": "L000001"}
    twice = {
        "library": {
            "loans": {**changes["library"]["loans"], "inserted": [*changes["library"]["loans"]["inserted"], row]}
        }
    }
    reward = ef.score(task, perfect.model_copy(update={"changes": changes_of(twice)}))
    assert reward.reward == 0.0
    assert "1 were made that nobody asked for" in component(reward, "state").reason


async def test_a_new_row_goes_by_what_it_holds_and_not_by_its_id(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    assert ef.score(task, perfect.model_copy(update={"changes": _other_loan(task, loan_id="L123456")})).reward == 1.0
    assert ef.score(task, perfect.model_copy(update={"changes": _other_loan(task, book_id="B0001")})).reward == 0.0


def _other_loan(task: ef.Trajectory, **updates: Any) -> Any:
    row = {**task.reward.changes["library"]["loans"]["inserted"][0], **updates}
    return changes_of({"library": {"loans": {"inserted": [row]}}})


async def test_ids_that_were_never_seen_leave_three_tenths(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    member, search = perfect.turns[0].calls
    guessed = with_turn(perfect, 0, calls=(search,))
    assert ef.score(task, guessed).reward == pytest.approx(0.3)
    assert "hadn't seen" in component(ef.score(task, guessed), "flow").reason
    late = with_turn(guessed, 3, calls=(member,))
    assert ef.score(task, late).reward == pytest.approx(0.3)
    told = with_turn(guessed, 0, user=f"My number is {member.result['member_id']}.", turn=0)
    assert ef.score(task, _numbered(told)).reward == 1.0


def _numbered(attempt: ef.Attempt) -> ef.Attempt:
    turns = (turn.model_copy(update={"turn": number}) for number, turn in enumerate(attempt.turns))
    return attempt.model_copy(update={"turns": tuple(turns)})


async def test_a_question_counts_only_when_it_is_asked_before_the_deed(
    task: ef.Trajectory, perfect: ef.Attempt
) -> None:
    assert ef.score(task, with_turn(perfect, 0, assistant="I'm on it.")).reward == 0.0
    first, second = perfect.turns[:2]
    hasty = with_turn(with_turn(perfect, 0, calls=(*first.calls, *second.calls)), 1, calls=())
    reward = ef.score(task, hasty)
    assert reward.reward == 0.0
    assert "was called before book_id was asked for" in reward.owed[0].reason


async def test_a_refusal_counts_only_with_its_evidence_and_its_reason(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    only_read = with_turn(perfect, 2, calls=())
    assert ef.score(task, only_read).reward == 1.0  # the search shows that no copy is there
    blind = with_turn(only_read, 0, calls=perfect.turns[0].calls[:1])
    assert "nothing in the log shows no_copies" in ef.score(task, blind).owed[1].reason
    other = with_turn(perfect, 2, assistant="A fine has to be paid first.")
    assert ef.score(task, other).reward == 0.0
    vague = with_turn(perfect, 2, assistant="I'm sorry, but I can't do that.")
    assert ef.score(task, vague).reward == 0.0


async def test_an_answer_must_be_looked_up_and_told_by_itself(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    total = task.reward.owed[2].slots[0].value
    assert ef.score(task, with_turn(perfect, 3, assistant=f"We have {total} of them.")).reward == 1.0
    assert ef.score(task, with_turn(perfect, 3, assistant=f"It's {total + 1}.")).reward == 0.0
    numbers = ", ".join(map(str, range(total + 5)))
    listing = ef.score(task, with_turn(perfect, 3, assistant=f"One of {numbers}."))
    assert listing.reward == 0.0
    assert "values of its kind" in listing.owed[2].reason


async def test_listing_everything_that_was_seen_is_no_answer(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    leaves = [str(leaf) for call in perfect.calls for leaf in call.leaves]
    assert ef.score(task, with_messages(perfect, ". ".join(sorted(leaves)))).reward == 0.0


async def test_what_an_agent_says_at_the_end_with_the_tool_respond_counts(
    task: ef.Trajectory, perfect: ef.Attempt
) -> None:
    total = task.reward.owed[2].slots[0].value
    answer = ef.Response(outcome="answer", answer={"total": total})
    silent = with_turn(perfect, 3, assistant="See above.", response=answer)
    assert ef.score(task, silent).reward == 1.0
    refusing = with_turn(perfect, 2, assistant="No.", response=ef.Response(outcome="refuse", code="no_copies"))
    assert ef.score(task, refusing).reward == 1.0
    wrong = with_turn(perfect, 2, response=ef.Response(outcome="refuse", code="fines_due"))
    assert ef.score(task, wrong).reward == 0.0


async def test_failed_writes_cost_except_those_of_the_plan(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    refused = perfect.turns[2].calls[0]
    once = with_turn(perfect, 2, calls=(refused, refused))
    assert ef.score(task, once).reward == pytest.approx(0.9)
    often = with_turn(perfect, 2, calls=(refused,) * 4)
    assert ef.score(task, often).reward < 0.1


async def test_many_reads_are_free_up_to_twice_the_plan_and_then_cost_a_fifth_at_most(
    task: ef.Trajectory, perfect: ef.Attempt
) -> None:
    search = perfect.turns[0].calls[1]
    free = with_turn(perfect, 3, calls=(search,) * 4)
    assert ef.score(task, free).reward == 1.0
    assert ef.score(task, with_turn(perfect, 3, calls=(search,) * 8)).reward == pytest.approx(0.9)
    assert ef.score(task, with_turn(perfect, 3, calls=(search,) * 90)).reward == pytest.approx(0.8)


async def test_only_what_depends_on_the_time_is_left_out(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    later = perfect.model_copy(update={"changes": _other_loan(task, due_on="2031-01-01")})
    assert ef.score(task, later).reward == 0.0
    spec = task.reward.model_copy(update={"volatile": ("library.loans.due_on",)})
    lenient = task.model_copy(update={"reward": spec})
    assert ef.score(lenient, later).reward == 1.0
    assert ef.score(lenient, later.model_copy(update={"changes": {}})).reward == 0.0


async def test_deleting_a_row_and_making_it_again_is_seen(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    update = {"key": {"loan_id": "L000001"}, "before": {"returned_on": None}, "after": {"returned_on": "2026-03-02"}}
    spec = task.reward.model_copy(update={"changes": {"library": {"loans": {"updated": [update]}}}})
    returning = task.model_copy(update={"reward": spec})
    honest = perfect.model_copy(update={"changes": changes_of(spec.changes)})
    assert ef.score(returning, honest).reward == 1.0
    row = {"loan_id": "L000001", "book_id": "B0001", "member_id": "M0001", "due_on": "2026-03-01", "returned_on": None}
    again = {"deleted": [row], "inserted": [{**row, "loan_id": "L999999", "returned_on": "2026-03-02"}]}
    remade = perfect.model_copy(update={"changes": changes_of({"library": {"loans": again}})})
    assert ef.score(returning, remade).reward == 0.0


async def test_calls_that_are_only_printed_are_no_calls(
    farm: ef.Farm, task: ef.Trajectory, perfect: ef.Attempt
) -> None:
    printed = " ".join(f"{call.tool}({dict(call.arguments)})" for call in perfect.calls)
    done = await ef.perform(task, idle(perfect, printed), farm)
    assert ef.score(task, done).reward == 0.0


async def test_what_a_log_claims_is_done_again(farm: ef.Farm, task: ef.Trajectory, perfect: ef.Attempt) -> None:
    performed = await ef.perform(task, perfect, farm)
    assert ef.score(task, performed).reward == 1.0
    claimed = with_turn(perfect, 1, calls=())
    assert ef.score(task, claimed).components[0].value == 1.0  # its changes are claimed
    reward = ef.score(task, await ef.perform(task, claimed, farm))
    assert reward.reward == 0.0
    assert component(reward, "state").value == 0.0


async def test_progress_is_told_turn_by_turn(farm: ef.Farm, task: ef.Trajectory, perfect: ef.Attempt) -> None:
    reward = ef.score(task, await ef.perform(task, perfect, farm))
    potentials = [turn.potential for turn in reward.turns]
    assert potentials == sorted(potentials)
    assert potentials[-1] == 1.0
    assert all(abs(turn.shaping) <= 0.2 for turn in reward.turns)


async def test_a_live_agent_is_scored_in_a_conversation(farm: ef.Farm, task: ef.Trajectory) -> None:
    """An agent asks for something more than the script foresees; the user's answer goes on with the same turn."""
    user = ef.ScriptedUser(task)
    async with await farm.open("library", seed=7) as episode:
        recorder = ef.Recorder(episode)
        plan = iter(task.turns)
        said = await user.say(episode=episode)
        while said is not None:
            recorder.user(said)
            if said.startswith("I don't know"):
                heard = "Never mind."
            else:
                turn = next(plan)
                for step in turn.steps:
                    await recorder.call(step.environment, step.tool, **step.arguments)
                heard = turn.assistant
                if turn is task.turns[1]:
                    heard += " Is that for a gift?"
            await recorder.assistant(heard)
            said = await user.say(heard, episode)
        recording = await recorder.trajectory()
    assert len(recording.turns) == len(task.turns) + 1
    assert ef.score(task, ef.Attempt.of(recording)).reward == 1.0


async def test_a_recording_that_is_no_task_can_not_be_scored(task: ef.Trajectory, perfect: ef.Attempt) -> None:
    bare = task.model_copy(update={"reward": ef.RewardSpec(state="s")})
    with pytest.raises(ef.ScoreError, match="no reward specification of format 1"):
        ef.score(bare, perfect)


def test_a_copy_of_a_call_shows_its_own_result() -> None:
    call = ef.LoggedCall(environment="library", tool="get_book", result={"book_id": "B1"})
    assert call.leaves == {"B1"}
    assert call.model_copy(update={"result": {"book_id": "B2"}}).leaves == {"B2"}
