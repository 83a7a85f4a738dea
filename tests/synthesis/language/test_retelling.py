"""Retelling: other words for a row say the same of it, and what can't be retold stays as it is."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from synthesis.catalogue import Catalogue
from synthesis.draft import Mention
from synthesis.language.retelling import Retold, Teller
from tests.synthesis.conftest import Mend

LOAN = Mention(
    environment="library",
    table="loans",
    column="loan_id",
    value="L0001",
    text="my loan that is due March 6",
    short="my loan that is due March 6",
    kind="description",
    sql="SELECT 1",
    properties=({"column": "due_on", "value": "2026-03-06", "text": "that is due March 6"},),
)


def ways(catalogue: Catalogue, mention: Mention) -> list[Retold]:
    teller = Teller({"library": catalogue}, Random(4))
    return [teller.retell(mention, Random(seed)) for seed in range(80)]


def test_a_day_is_said_in_many_ways_and_the_ledger_knows_of_each(library_catalogue: Catalogue) -> None:
    found = ways(library_catalogue, LOAN)
    assert len({one.mention.text for one in found}) >= 6
    for one in found:
        ((old, new),) = one.says
        assert old == "March 6"
        assert new in one.mention.text
        assert one.mention.properties[0]["value"] == "2026-03-06"
        assert one.mention.properties[0]["text"] in one.mention.text


def test_what_is_said_too_shortly_on_purpose_stays(library_catalogue: Catalogue) -> None:
    short = replace(LOAN, text="my loan")
    assert {one.mention.text for one in ways(library_catalogue, short)} == {"my loan"}


def test_it_stays_it(library_catalogue: Catalogue) -> None:
    it = replace(LOAN, text="it", short="it", kind="anaphora", properties=())
    assert {one.mention.text for one in ways(library_catalogue, it)} == {"it"}


def test_a_row_said_through_one_that_nobody_tells_from_it_is_pointed_at_by_its_own_noun(
    library_catalogue: Catalogue,
) -> None:
    entity = library_catalogue.phrases.entity["loans"]
    inner = replace(LOAN, table="holds", text="that hold", short="that hold", kind="anaphora", properties=())
    through = replace(
        LOAN, text="the loan after that hold", kind="relation", nested=(inner,), through=("the loan after {}",)
    )
    told: list[set[str]] = []
    for kin in ((), ("holds",)):
        loans = entity.model_copy(update={"one_with": kin})
        entities = {**library_catalogue.phrases.entity, "loans": loans}
        catalogue = replace(
            library_catalogue, phrases=library_catalogue.phrases.model_copy(update={"entity": entities})
        )
        told.append({one.mention.text for one in ways(catalogue, through)})
    assert all(text.startswith("the loan after ") for text in told[0])
    assert told[1] == {"that loan", "this loan"}


def test_nobody_calls_themself_by_their_name(with_phrases: Mend) -> None:
    catalogue = with_phrases(
        '"book_id.title" = { kind = "name", forms = ["of {}"] }',
        '"book_id.title" = { kind = "name", forms = ["of {}"], me = ["about me"] }',
    )
    named = replace(
        LOAN,
        text="my loan of Ana Bay",
        short="my loan of Ana Bay",
        properties=({"column": "book_id.title", "value": "Ana Bay", "text": "of Ana Bay"},),
    )
    told = {
        name: Teller({"library": catalogue}, Random(4), name).retell(named, Random(1)).mention.text
        for name in ("Ana Bay", "Bo Lund")
    }
    assert told == {"Ana Bay": "my loan about me", "Bo Lund": "my loan of Ana Bay"}


def test_whose_it_is_may_be_said_before_the_noun_or_by_my_alone(with_phrases: Mend) -> None:
    catalogue = with_phrases(
        '"book_id.title" = { kind = "name", forms = ["of {}"] }',
        '"book_id.title" = { kind = "name", forms = ["for {}"], before = ["{}\'s"], me = [""] }',
    )
    named = replace(
        LOAN,
        text="my loan for Ana Bay",
        short="my loan for Ana Bay",
        properties=({"column": "book_id.title", "value": "Ana Bay", "text": "for Ana Bay"},),
    )
    told = {
        name: {
            Teller({"library": catalogue}, Random(4), name).retell(named, Random(one)).mention.text for one in range(40)
        }
        for name in ("Ana Bay", "Bo Lund")
    }
    assert told["Ana Bay"] == {"my loan"}
    assert {"my loan for Ana Bay", "Ana Bay's loan"} <= told["Bo Lund"]


def test_what_is_somebody_elses_is_not_called_mine(library_catalogue: Catalogue) -> None:
    theirs = replace(LOAN, text="the loan that is due March 6", short="the loan that is due March 6", theirs=True)
    told = {one.mention.text for one in ways(library_catalogue, theirs)}
    assert len(told) > 1
    assert all(text.startswith("the ") for text in told)


def test_a_superlative_keeps_its_end(library_catalogue: Catalogue) -> None:
    extreme = replace(
        LOAN,
        text="my first loan",
        kind="superlative",
        properties=({"column": "due_on", "text": "first"},),
    )
    assert {one.mention.text for one in ways(library_catalogue, extreme)} == {"my first loan"}


def test_one_person_calls_a_thing_by_one_word_and_mostly_by_the_plainest(with_phrases: Mend) -> None:
    catalogue = with_phrases('[entity.loans]\nnoun = ["loan"]', '[entity.loans]\nnoun = ["loan", "borrowing"]')
    called: list[str] = []
    for person in range(60):
        teller = Teller({"library": catalogue}, Random(person))
        told = {teller.retell(LOAN, Random(seed)).mention.text for seed in range(12)}
        found = {noun for noun in ("loan", "borrowing") if any(f"my {noun}" in text for text in told)}
        assert len(found) == 1
        called += found
    assert 0 < called.count("borrowing") < called.count("loan")


def test_words_that_can_only_be_kept_are_said_with_the_same_noun(with_phrases: Mend) -> None:
    catalogue = with_phrases('[entity.loans]\nnoun = ["loan"]', '[entity.loans]\nnoun = ["loan", "borrowing"]')
    short = replace(LOAN, text="my borrowing that is late", short="my borrowing that is late")
    said = {Teller({"library": catalogue}, Random(one)).retell(short, Random(0)).mention.text for one in range(30)}
    assert said == {"my loan that is late", "my borrowing that is late"}


def test_a_name_before_the_noun_may_do_without_it(with_phrases: Mend) -> None:
    catalogue = with_phrases(
        '"book_id.title" = { kind = "name", forms = ["of {}"] }',
        '"book_id.title" = { kind = "name", forms = ["of {}"], before = ["{}"] }',
    )
    entity = catalogue.phrases.entity["loans"].model_copy(update={"alone": ("book_id.title",)})
    phrases = catalogue.phrases.model_copy(update={"entity": {**catalogue.phrases.entity, "loans": entity}})
    titled = replace(
        LOAN,
        text="my loan of Sea Songs",
        short="my loan of Sea Songs",
        properties=({"column": "book_id.title", "value": "Sea Songs", "text": "of Sea Songs"},),
    )
    told = {one.mention.text for one in ways(replace(catalogue, phrases=phrases), titled)}
    assert {"my Sea Songs", "my Sea Songs loan", "my loan of Sea Songs"} <= told
