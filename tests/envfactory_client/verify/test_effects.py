"""Effects: a write stores what it is given as it is given, and changes the row that it is asked about and no other."""

from __future__ import annotations

from typing import Any

import pytest

from envfactory_client.episode import CallResult, RowUpdate, TableDiff
from envfactory_client.tool import Contract, Tool
from envfactory_client.verify.checks.oracles import Effects
from envfactory_client.verify.subject import Observation
from servers.bank.server import env as bank
from synthesis.battery.direct import DirectSubject
from tests.fixtures.library.server import env as library


def judged(subject: DirectSubject, tool: Tool, arguments: dict[str, Any], changes: dict[str, TableDiff]) -> str | None:
    """What the check says of a call that succeeded with these changes."""
    result = CallResult("{}", {}, is_error=False)
    return Effects().verdict(Observation(tool, arguments, result, changes=changes), subject)


def returned(*loans: str) -> dict[str, TableDiff]:
    """The change by which loans are returned."""
    day = {"before": {"returned_on": None}, "after": {"returned_on": "2026-03-02"}}
    return {"loans": TableDiff(updated=tuple(RowUpdate(key={"loan_id": loan}, **day) for loan in loans))}


def declaring(tool: Tool, changes: dict[str, str]) -> Tool:
    """A tool that declares other changes."""
    assert tool.contract is not None
    return tool.model_copy(update={"contract": tool.contract.model_copy(update={"changes": changes})})


def test_only_the_named_row_is_changed_unless_others_are_declared() -> None:
    subject = DirectSubject(library)
    tool, arguments = subject.tools["return_book"], {"loan_id": "LN1"}
    assert judged(subject, tool, arguments, returned("LN1")) is None
    told = judged(subject, tool, arguments, returned("LN1", "LN2", "LN3"))
    assert told == "return_book is asked about loans LN1 and changes LN2 and 1 more"
    assert judged(subject, tool, arguments, returned("LN2")) is not None
    open_minded = declaring(tool, {"loans": "update returned_on, others"})
    assert judged(subject, open_minded, arguments, returned("LN1", "LN2")) is None


def test_a_call_that_names_two_rows_changes_no_third_and_one_that_leaves_a_key_to_the_tool_may_change_any() -> None:
    subject = DirectSubject(library)
    tool = subject.tools["return_book"]
    assert tool.contract is not None
    loan = tool.contract.parameters["loan_id"]
    contract = tool.contract.model_copy(update={"parameters": {"loan_id": loan, "with_it": loan}})
    two = tool.model_copy(update={"contract": contract})
    both = {"loan_id": "LN1", "with_it": "LN2"}
    assert judged(subject, two, both, returned("LN1", "LN2")) is None
    told = judged(subject, two, both, returned("LN1", "LN2", "LN3"))
    assert told == "return_book is asked about loans LN1 and LN2 and changes LN3"
    assert judged(subject, two, {"loan_id": "LN1", "with_it": None}, returned("LN1", "LN3")) is None


def test_what_is_declared_of_a_table_is_read_by_operation() -> None:
    contract = Contract(changes={"loans": "insert, update due_on returned_on, others, update book_id", "books": ""})
    assert contract.operations("loans") == {
        "insert": (),
        "update": ("due_on", "returned_on", "book_id"),
        "others": (),
    }
    assert contract.operations("books") == contract.operations("members") == {}


def test_no_other_row_is_deleted() -> None:
    subject = DirectSubject(library)
    tool = declaring(subject.tools["return_book"], {"loans": "delete"})
    gone = {"loans": TableDiff(deleted=({"loan_id": "LN1"}, {"loan_id": "LN2"}))}
    told = judged(subject, tool, {"loan_id": "LN1"}, gone)
    assert told == "return_book is asked about loans LN1 and changes LN2"


@pytest.mark.parametrize(("stored", "sound"), [("Rent", True), ("Rent!", False), ("My Rent", False), (None, False)])
def test_a_text_is_stored_as_it_is_given(stored: str | None, sound: bool) -> None:
    subject = DirectSubject(bank)
    tool = subject.tools["send_transfer"]
    assert tool.contract is not None
    assert tool.contract.parameters["note"].sets or tool.contract.parameters["note"].free
    made = declaring(tool, dict.fromkeys(("transfers", "holds", "approvals", "transactions", "postings"), "insert"))
    told = judged(subject, made, {"note": "Rent"}, {"transfers": TableDiff(inserted=({"note": stored},))})
    assert (told is None) == sound, told
