"""The blind solver: what it finds out by itself in a library, when it asks, and what it keeps in mind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from envfactory_client import Episode
from envfactory_client.logical_form import (
    Condition,
    Derived,
    Extreme,
    Field,
    Given,
    Intent,
    Property,
    Row,
    Rows,
    Said,
    Same,
    Term,
)
from synthesis.solver import RUNGS, Outcome, Skill, Solver, Toolbox
from tests.synthesis.conftest import library_farm

LITERAL, ONE_HOP, GREEDY, BLIND = RUNGS[1:]
DONE = Outcome("done")


@dataclass
class Town:
    """A library, a member of it with loans and without a fine, and a solver that serves them."""

    episode: Episode
    solver: Solver
    member: dict[str, Any]
    loans: list[dict[str, Any]]
    books: dict[str, dict[str, Any]]

    async def hear(self, *intents: Intent, waits: bool = False) -> tuple[Outcome, ...]:
        return await self.solver.hear(intents, {"email": self.member["email"]}, waits=waits)

    async def changed(self) -> dict[str, Any]:
        return dict((await self.episode.diff()).to_json().get("library", {}))

    def title(self, loan: dict[str, Any]) -> str:
        return str(self.books[loan["book_id"]]["title"])


def in_town(play: Callable[[Town], Awaitable[None]], skill: Skill = BLIND) -> None:
    """Play a scene with a member who has at least two books at home."""

    async def run() -> None:
        async with library_farm() as farm, await farm.open("library", seed=3) as episode:
            rows = await episode.rows("library")
            out = [dict(loan) for loan in rows["loans"] if loan["returned_on"] is None]
            free = {row["member_id"]: dict(row) for row in rows["members"] if row["fines_cents"] == 0}
            counts = Counter(loan["member_id"] for loan in out if loan["member_id"] in free)
            member, number = counts.most_common(1)[0]
            assert number >= 2
            solver = Solver(episode, Toolbox(await episode.agent.tools()), skill)
            loans = sorted((loan for loan in out if loan["member_id"] == member), key=lambda loan: str(loan["due_on"]))
            books = {str(row["book_id"]): dict(row) for row in rows["books"]}
            await play(Town(episode, solver, free[member], loans, books))

    asyncio.run(run())


def book(title: str) -> Row:
    title_is = Property(path="shelf.title", value=Said(value=title))
    return Row(environment="library", entity="books", properties=(title_is,))


def loan_of(title: str) -> Row:
    of_book = Property(path="loans.book_id", value=book(title))
    return Row(environment="library", entity="loans", mine=True, properties=(of_book,))


def mine(extreme: Extreme | None = None, properties: Sequence[Property] = ()) -> Row:
    return Row(environment="library", entity="loans", mine=True, extreme=extreme, properties=tuple(properties))


def bring_back(loan: Term) -> Intent:
    return Intent(act="library.return_book", terms={"loan_id": loan})


IT = Same(environment="library", entity="loans")
ALL_MINE = Rows(environment="library", entity="loans", mine=True)


def test_it_finds_a_row_over_several_look_ups_that_it_plans_itself() -> None:
    async def scene(town: Town) -> None:
        assert await town.hear(bring_back(loan_of(town.title(town.loans[0])))) == (DONE,)
        [update] = (await town.changed())["loans"]["updated"]
        assert update["key"] == {"loan_id": town.loans[0]["loan_id"]}

    in_town(scene)


def test_it_narrows_a_list_that_is_cut_short() -> None:
    """The search gives ten books unless it is asked for a title, and this one comes late in the alphabet."""

    async def scene(town: Town) -> None:
        last = max(town.books.values(), key=lambda found: str(found["title"]))
        question = Intent(wants="library.shelf.available", about=book(str(last["title"])))
        [answer] = await town.hear(question)
        seen = await town.episode.query(
            "library", "SELECT available FROM shelf WHERE book_id = :book", {"book": last["book_id"]}
        )
        assert answer == Outcome("answer", value=seen.rows[0][0])

    in_town(scene)


def test_it_derives_what_nobody_says_and_asks_for_what_it_cannot_find_out() -> None:
    async def scene(town: Town) -> None:
        [asked] = await town.hear(Intent(act="library.borrow_book", told=("email",)))
        assert asked == Outcome("ask", "book_id")
        rare = next(str(found["title"]) for found in town.books.values() if found["copies"] >= 1)
        [replied] = await town.hear(Intent(reply=True, terms={"book_id": book(rare)}))
        assert replied.kind in ("done", "refuse")

    in_town(scene)


def test_it_asks_which_one_is_meant_when_several_rows_fit_and_takes_the_reply_in() -> None:
    async def scene(town: Town) -> None:
        assert await town.hear(bring_back(mine())) == (Outcome("ask", "loan_id"),)
        assert not await town.changed()
        reply = Intent(reply=True, terms={"loan_id": loan_of(town.title(town.loans[1]))})
        assert await town.hear(reply) == (DONE,)
        [update] = (await town.changed())["loans"]["updated"]
        assert update["key"] == {"loan_id": town.loans[1]["loan_id"]}

    in_town(scene)


def test_it_takes_a_superlative_among_the_rows_that_it_sees() -> None:
    async def scene(town: Town) -> None:
        days = [loan["due_on"] for loan in town.loans]
        outcome = await town.hear(bring_back(mine(Extreme(path="loans.due_on", function="max"))))
        if days.count(max(days)) > 1:
            assert outcome == (Outcome("ask", "loan_id"),)
        else:
            [update] = (await town.changed())["loans"]["updated"]
            assert update["key"] == {"loan_id": town.loans[-1]["loan_id"]}

    in_town(scene)


def test_it_knows_what_it_is_from_what_was_spoken_of_before() -> None:
    async def scene(town: Town) -> None:
        due = Intent(wants="library.loans.due_on", about=loan_of(town.title(town.loans[0])))
        assert await town.hear(due) == (Outcome("answer", value=town.loans[0]["due_on"]),)
        assert await town.hear(bring_back(IT)) == (DONE,)
        assert await town.hear(bring_back(IT)) == (Outcome("refuse", "returned"),)

    in_town(scene)


def test_it_is_stuck_when_nothing_was_spoken_of() -> None:
    async def scene(town: Town) -> None:
        [outcome] = await town.hear(bring_back(IT))
        assert outcome.kind == "stuck"

    in_town(scene)


def test_it_does_an_act_for_each_row_of_a_set() -> None:
    async def scene(town: Town) -> None:
        assert await town.hear(bring_back(ALL_MINE)) == (DONE,)
        keys = {update["key"]["loan_id"] for update in (await town.changed())["loans"]["updated"]}
        assert keys == {loan["loan_id"] for loan in town.loans}

    in_town(scene)


def test_it_acts_only_where_the_condition_holds() -> None:
    async def scene(town: Town) -> None:
        loan = loan_of(town.title(town.loans[0]))
        due = Field(of=loan, column="loans.due_on")
        on_the_day = Condition(of=due, op="on", value=Said(value=town.loans[0]["due_on"]))
        intent = bring_back(loan)
        assert await town.hear(intent.model_copy(update={"unless": on_the_day})) == (Outcome("left"),)
        assert not await town.changed()
        assert await town.hear(intent.model_copy(update={"when": on_the_day})) == (DONE,)
        assert await town.changed()

    in_town(scene)


def test_it_takes_up_a_value_that_the_last_goal_gave_and_computes_with_it() -> None:
    async def scene(town: Town) -> None:
        await town.hear(bring_back(loan_of(town.title(town.loans[0]))))
        column = "loans.returned_on"
        day = await town.solver.terms.value(Given(type="date", column=column))
        assert day == (await town.episode.state()).now[:10]
        later = Derived(op="days_later", of=(Given(type="date", column=column), Said(value=2)))
        assert await town.solver.terms.value(later) > day

    in_town(scene)


def test_it_waits_for_a_go_ahead_when_the_user_lets_it() -> None:
    async def scene(town: Town) -> None:
        intent = bring_back(loan_of(town.title(town.loans[0])))
        assert await town.hear(intent, waits=True) == (Outcome("ask", "confirmation"),)
        assert not await town.changed()
        assert await town.hear(Intent(reply=True)) == (DONE,)
        assert await town.changed()

    in_town(scene)


def test_it_uses_no_fact_that_was_not_told() -> None:
    async def scene(town: Town) -> None:
        outcomes = await town.solver.hear([bring_back(loan_of(town.title(town.loans[0])))], {})
        assert [outcome.kind for outcome in outcomes] == ["stuck"]

    in_town(scene)


def test_the_rungs_of_the_ladder_can_do_more_and_more() -> None:
    far = {}

    async def scene(town: Town) -> None:
        [outcome] = await town.hear(bring_back(loan_of(town.title(town.loans[0]))))
        far[town.solver.skill.rung] = outcome.kind

    for skill in RUNGS:
        in_town(scene, skill)
    assert far == {"S0": "stuck", "S1": "stuck", "S2": "stuck", "S3": "done", "S4": "done"}


def test_the_greedy_rung_takes_the_first_row_where_the_blind_solver_asks() -> None:
    async def scene(town: Town) -> None:
        assert await town.hear(bring_back(mine())) == (DONE,)

    in_town(scene, GREEDY)


def test_one_hop_finds_what_one_look_up_shows_and_no_more() -> None:
    async def scene(town: Town) -> None:
        title = str(next(iter(town.books.values()))["title"])
        [answer] = await town.hear(Intent(wants="library.shelf.available", about=book(title)))
        assert answer.kind == "answer"
        [far] = await town.hear(bring_back(mine()))
        assert far.kind == "stuck"

    in_town(scene, ONE_HOP)


def test_the_literal_rung_takes_a_word_for_the_key() -> None:
    async def scene(town: Town) -> None:
        key = Property(path="loans.loan_id", value=Said(value=town.loans[0]["loan_id"]))
        assert await town.hear(bring_back(mine(properties=[key]))) == (DONE,)

    in_town(scene, LITERAL)


def test_it_counts_and_works_out_what_it_sees() -> None:
    async def scene(town: Town) -> None:
        counted = Derived(op="count", of=(ALL_MINE,))
        first, last = (
            mine(Extreme(path="loans.due_on", function="min")),
            mine(Extreme(path="loans.due_on", function="max")),
        )
        apart = Derived(op="days_between", of=tuple(Field(of=row, column="loans.due_on") for row in (last, first)))
        days = [date.fromisoformat(loan["due_on"]) for loan in town.loans]
        found = await town.hear(Intent(sought=counted), Intent(sought=apart))
        assert [outcome.value for outcome in found] == [len(town.loans), (max(days) - min(days)).days]

    in_town(scene)


def test_it_looks_at_conditions_as_they_are_when_it_hears_of_them() -> None:
    async def scene(town: Town) -> None:
        first, other = loan_of(town.title(town.loans[0])), loan_of(town.title(town.loans[1]))
        out = Condition(of=Field(of=first, column="loans.due_on"), op="on", value=Said(value=town.loans[0]["due_on"]))
        one = bring_back(first).model_copy(update={"when": out})
        instead = bring_back(other).model_copy(update={"unless": out})
        assert await town.hear(one, instead) == (DONE, Outcome("left"))
        ((update,),) = ((await town.changed())["loans"]["updated"],)
        assert update["key"]["loan_id"] == town.loans[0]["loan_id"]

    in_town(scene)


def test_it_takes_what_is_preferred_where_there_is_such_a_row_and_any_other_where_there_is_none() -> None:
    async def scene(town: Town) -> None:
        days = [loan["due_on"] for loan in town.loans]
        latest = Extreme(path="loans.due_on", function="max")
        first_day = Property(path="loans.due_on", op="on", value=Said(value=days[0], type="date"))
        nobodys_day = Property(path="loans.due_on", op="on", value=Said(value="1999-01-01", type="date"))
        preferred = mine(latest).model_copy(update={"prefers": (first_day,)})
        assert (await town.solver.terms.row(preferred)).record["due_on"] == days[0]
        vain = mine(latest).model_copy(update={"prefers": (nobodys_day,)})
        assert (await town.solver.terms.row(vain)).record["due_on"] == max(days)

    async def heard(town: Town) -> None:
        await town.solver.hear([], {"email": town.member["email"]})
        await scene(town)

    in_town(heard)


def test_it_reads_a_field_of_the_row_to_which_another_one_refers() -> None:
    async def scene(town: Town) -> None:
        await town.solver.hear([], {"email": town.member["email"]})
        first = mine(Extreme(path="loans.due_on", function="min"))
        lent = Field(of=first, column="loans.book_id")
        days = [loan["due_on"] for loan in town.loans]
        book_id = town.loans[days.index(min(days))]["book_id"]
        assert await town.solver.terms.value(Field(of=lent, column="shelf.genre")) == town.books[book_id]["genre"]

    in_town(scene)


def test_an_act_that_is_left_may_speak_of_what_the_other_one_changes() -> None:
    async def scene(town: Town) -> None:
        out = loan_of(town.title(town.loans[0]))
        due = Condition(of=Field(of=out, column="loans.due_on"), op="on", value=Said(value=town.loans[0]["due_on"]))
        at_home = out.model_copy(
            update={"properties": (*out.properties, Property(path="loans.due_on", value=due.value))}
        )
        one = bring_back(at_home).model_copy(update={"when": due})
        instead = bring_back(at_home).model_copy(update={"unless": due})
        assert await town.hear(one, instead) == (DONE, Outcome("left"))

    in_town(scene)


def test_what_the_last_goal_gave_serves_either_of_two_acts() -> None:
    async def scene(town: Town) -> None:
        await town.hear(bring_back(loan_of(town.title(town.loans[0]))))
        today = Given(type="date", column="loans.returned_on")
        out = loan_of(town.title(town.loans[1]))
        past = Condition(of=Field(of=out, column="loans.due_on"), op="=", value=Said(value="1999-01-01", type="date"))
        first = bring_back(out).model_copy(update={"when": past})
        second = Intent(sought=Derived(op="days_later", of=(today, Said(value=0))), unless=past)
        left, answered = await town.hear(first, second)
        assert left == Outcome("left")
        assert answered.value == (await town.episode.state()).now[:10]
        assert (await town.hear(first)) == (Outcome("left"),)
        (none_given,) = await town.hear(Intent(sought=today))
        assert none_given.kind == "stuck"

    in_town(scene)
