"""Sets and kin in the bank: goals over all rows that fit, and rows said through others that refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from envfactory_client.logical_form import Field, Rows
from synthesis.draft import DraftTurn, Mention
from synthesis.errors import Drop
from synthesis.goals import ALL, GoalKind, goal_kinds
from synthesis.ground import ground
from synthesis.kin import said_through_kin, through_kin
from synthesis.locate import locate, look_up
from synthesis.logical_form import term_of
from synthesis.paths import value_of
from synthesis.phrases import Slot
from synthesis.sets import FEWEST, MOST, candidates, ground_set
from synthesis.sought import BY_NAME, Sought, Terms
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


async def said_somehow(stage: Stage, table: str, rows: Sequence[str], how: Terms) -> Mention:
    """Give the mention of the first of some rows that a few chances say through another one."""
    for row in rows:
        for _ in range(16):
            try:
                return await through_kin(stage, table, row, locate, how)
            except Drop:
                continue
    raise AssertionError(f"none of the {table} could be said")


def test_a_row_is_said_through_the_one_that_was_spoken_of() -> None:
    async def kin(stage: Stage) -> tuple[Mention, Mention]:
        turn = DraftTurn()
        await ground(stage, GoalKind("bank", "get_purchase", "answer", "booked_on"), turn)
        ((_, _, purchase),) = turn.mentions
        card = (await stage.row("purchases", purchase.value))["card_id"]
        before = len(stage.draft.steps)
        mention = None
        while mention is None:  # it isn't always said so
            mention = await said_through_kin(stage, "cards", card, locate, Terms(Slot(), kin=True))
            assert mention is not None or len(stage.draft.steps) == before
        return purchase, mention

    purchase, mention = on_stage("bank", kin)
    (inner,) = mention.nested
    assert (inner.value, inner.kind) == (purchase.value, "anaphora")
    assert inner.text in mention.text


def test_what_was_not_spoken_of_names_a_row_only_where_people_do_that() -> None:
    async def use(stage: Stage) -> None:
        sql = "SELECT event_id FROM received_invitations WHERE email = :persona_email"
        events = [event for (event,) in await stage.query(sql)]
        for event in events:
            assert await said_through_kin(stage, "events", event, locate, Terms(Slot(), kin=True)) is None

    on_stage("schedule", use)


def test_a_calendar_is_named_through_a_proposal_only_in_reply() -> None:
    async def use(stage: Stage) -> int:
        sql = "SELECT calendar_id FROM proposal_board WHERE kind = 'sharing' AND email = :persona_email"
        calendars = [calendar for (calendar,) in await stage.query(sql)]
        for calendar in calendars:
            with pytest.raises(Drop, match="no_kin"):
                await through_kin(stage, "calendars", calendar, locate, PLAINLY)
        return len(calendars)

    assert any(on_stage("schedule", use, seed=seed) for seed in range(3, 7))


def test_ones_own_things_go_by_no_measure_but_time_unless_one_asks() -> None:
    async def use(stage: Stage) -> tuple[set[str], set[str]]:
        found: tuple[set[str], set[str]] = (set(), set())
        for asking in (False, True):
            for transfer in await stage.keys("transfers", None):
                with suppress(Drop):
                    mention = await locate(stage, "transfers", transfer, Terms(Slot(), asking=asking))
                    found[asking].add(mention.kind)
        return found

    told, asked = on_stage("bank", use)
    assert "superlative" not in told
    assert "superlative" in asked


def test_what_names_another_thing_is_short() -> None:
    async def use(stage: Stage) -> None:
        for booking in await stage.keys("bookings", None):
            with suppress(Drop):
                terms = Terms(Slot(), depth=1, lightly=BY_NAME)
                mention = await locate(stage, "bookings", booking, terms)
                said = [part for part in mention.properties if "value" in part]
                kinds = {stage.catalogue.entity("bookings").say[part["column"]].kind for part in said}
                assert len(mention.properties) <= 1
                assert kinds <= BY_NAME

    on_stage("airline", use)


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
        mention = await said_somehow(stage, "cards", [card for (card,) in await stage.query(sql)], PLAINLY)
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
        return await said_somehow(stage, "flights", [flight for (flight,) in await stage.query(sql)], how)

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


def test_nobody_says_of_several_rows_what_befalls_one() -> None:
    async def use(stage: Stage) -> set[str]:
        start, before, met = await stage.episode.snapshot(), stage.draft.copy(), set[str]()
        for seed in range(30):
            stage.rng, turn = Random(seed), DraftTurn()
            with suppress(Drop):
                await ground_set(stage, GoalKind("bank", "replace_card", "done", ALL), turn)
                met |= {str(stage.draft.steps[place].arguments.get("reason")) for place in turn.steps}
            await stage.episode.restore(start)
            stage.draft = before.copy()
        return met

    met = on_stage("bank", use)
    assert {"lost", "stolen"} <= met
    assert "damaged" not in met
