"""Sets and kin in the bank: goals over all rows that fit, and rows said through others that refer to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envfactory_client.logical_form import Field, Rows
from synthesis.draft import DraftTurn, Mention
from synthesis.errors import Drop
from synthesis.goals import ALL, GoalKind, goal_kinds
from synthesis.kin import through_kin
from synthesis.locate import locate, look_up
from synthesis.logical_form import term_of
from synthesis.paths import value_of
from synthesis.phrases import Slot
from synthesis.sets import FEWEST, MOST, candidates, ground_set
from synthesis.sought import Sought, Terms
from synthesis.stage import Stage
from tests.synthesis.conftest import on_stage

FREEZE = GoalKind("bank", "freeze_card", "done", ALL)
PLAINLY = Terms(Slot())


def test_a_set_is_all_that_its_description_fits_with_one_call_for_each() -> None:
    async def use(stage: Stage) -> None:
        start, turn = await stage.episode.snapshot(), DraftTurn()
        await ground_set(stage, FREEZE, turn)
        ((first, name, mention),) = turn.mentions
        frozen = [step.arguments[name] for step in stage.draft.steps[first:]]
        assert FEWEST <= len(frozen) <= MOST
        assert frozen == mention.value
        assert isinstance(turn.intents[0].terms[name], Rows)
        assert len(turn.answers) == 1
        await stage.episode.restore(start)
        found = await stage.episode.query("bank", mention.sql, dict(mention.parameters))
        assert {cells[0] for cells in found.rows} == set(frozen)

    on_stage("bank", use)


def test_each_call_of_a_set_takes_its_row_from_the_look_up() -> None:
    async def use(stage: Stage) -> None:
        turn = DraftTurn()
        await ground_set(stage, FREEZE, turn)
        ((first, name, _),) = turn.mentions
        for step in stage.draft.steps[first:]:
            origin = step.origins[name]
            assert origin.step is not None
            assert value_of(stage.draft.steps[origin.step].result, str(origin.place)) == step.arguments[name]

    on_stage("bank", use)


def test_a_goal_that_takes_two_rows_goes_over_no_set() -> None:
    async def use(stage: Stage) -> None:
        kinds = goal_kinds(stage.catalogue)
        assert FREEZE in kinds
        assert GoalKind("bank", "move_money", "done", ALL) not in kinds

    on_stage("bank", use)


def test_a_row_is_said_through_one_that_refers_to_it() -> None:
    async def kin(stage: Stage) -> Mention:
        sql = "SELECT account_id FROM card_board WHERE email = :persona_email ORDER BY card_id"
        account = (await stage.query(sql))[0][0]
        mention = await through_kin(stage, "accounts", account, locate, PLAINLY)
        assert mention.value == account
        assert isinstance(term_of(stage, mention), Field)
        step = stage.draft.steps[mention.origin.step or 0]
        assert value_of(step.result, str(mention.origin.place)) == account
        return mention

    assert on_stage("bank", kin).text.startswith("the account ")


def test_a_row_that_nothing_refers_to_has_no_kin() -> None:
    async def kin(stage: Stage) -> None:
        fee = (await stage.keys("fees", None))[0]
        await through_kin(stage, "fees", fee, locate, PLAINLY)

    with pytest.raises(Drop, match="no_kin"):
        on_stage("bank", kin)


def test_a_row_seen_in_several_records_is_in_a_set_once() -> None:
    async def use(stage: Stage) -> None:
        card = (await stage.keys("cards", None))[0]
        row, entity = await stage.row("cards", card), stage.catalogue.entity("cards")
        sought = Sought("cards", card, row, entity, Slot(), frozenset(), 0)
        seen = await look_up(stage, sought)
        once = [set(found.records) for found in candidates(stage, sought, seen, MOST)]
        seen.records += seen.records
        assert once
        assert [set(found.records) for found in candidates(stage, sought, seen, MOST)] == once

    on_stage("bank", use)


def test_a_card_is_said_through_a_purchase_whose_details_show_it() -> None:
    async def kin(stage: Stage) -> Mention:
        sql = "SELECT card_id FROM purchase_board WHERE email = :persona_email GROUP BY card_id ORDER BY count(*), 1"
        mention = await through_kin(stage, "cards", (await stage.query(sql))[0][0], locate, PLAINLY)
        step = stage.draft.steps[mention.origin.step or 0]
        assert step.tool == "get_purchase"
        assert step.result["card_id"] == mention.value
        return mention

    mention = on_stage("bank", kin)
    assert mention.nested[0].table == "purchases"
    assert mention.nested[0].text in mention.text


def test_a_request_may_have_words_of_its_own_for_kin() -> None:
    async def kin(stage: Stage) -> Mention:
        sql = "SELECT flight_id FROM segment_board WHERE email = :persona_email ORDER BY segment_id"
        how = Terms(Slot(kin=("the plane of {}",)))
        for (flight,) in await stage.query(sql):
            try:
                return await through_kin(stage, "flights", flight, locate, how)
            except Drop:
                continue
        raise AssertionError("none of the flights could be said")

    mention = on_stage("airline", kin)
    assert mention.text == f"the plane of {mention.nested[0].text}"
    assert mention.through == ("the plane of {}",)


def test_a_set_without_words_for_all_its_rows_leaves_everything_as_it_was() -> None:
    """The calls are made before it shows that only one row can be asked for by "it"."""

    async def use(stage: Stage) -> None:
        phrases = stage.catalogue.phrases
        for_one = phrases.tool["freeze_card"].model_copy(update={"asks": ("as for {card_id}, {goal} it",)})
        mended = phrases.model_copy(update={"tool": {**phrases.tool, "freeze_card": for_one}})
        there = replace(stage, catalogues={"bank": replace(stage.catalogue, phrases=mended)})
        turn, before = DraftTurn(), (await stage.episode.state()).digest
        with pytest.raises(Drop, match="no_set"):
            await ground_set(there, FREEZE, turn)
        assert (await stage.episode.state()).digest == stage.state == before
        assert turn == DraftTurn()
        assert not stage.draft.steps

    on_stage("bank", use)
