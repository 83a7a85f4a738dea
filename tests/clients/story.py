"""The story that every client plays: a customer's held booking is looked up and called off, and the end is compared."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servers.runtime import Episode, Rows, discover
from servers.runtime.standalone import open_local

ENVIRONMENT, SEED = "airline", 7
ASK = "Please call off the booking that I hold; {email} is my address."
ANSWER = "Your booking {reference} is cancelled."


@dataclass(frozen=True)
class Step:
    """One call of the story, and a value that its result shows."""

    tool: str
    arguments: dict[str, Any]
    shows: str


@dataclass(frozen=True)
class Story:
    """What is asked, what is done, what is answered, and the rows and digest at the end."""

    ask: str
    steps: tuple[Step, ...]
    answer: str
    before: str
    after: str
    rows: Rows


def tell() -> Story:
    """Play the story once without any client, and give it."""
    environment = discover()[ENVIRONMENT]()
    with closing(Episode.open([environment], seed=SEED)) as episode, episode.active():
        before = episode.state().digest
        email = _one(episode, "SELECT email FROM customers WHERE customer_id = (SELECT customer_id FROM booking_board"
                              " WHERE status = 'held' ORDER BY booking_id LIMIT 1)")  # fmt: skip
        steps: list[Step] = []

        def call(tool: str, shown: str, **arguments: Any) -> dict[str, Any]:
            outcome = environment.call(environment.tools[tool], arguments)
            assert outcome.structured is not None, outcome.text
            steps.append(Step(tool, arguments, shown))
            return outcome.structured

        customer = _one(episode, "SELECT customer_id FROM customers WHERE email = :email", email=email)
        call("find_customer", customer, email=email)
        held = _one(episode, "SELECT booking_id FROM booking_board WHERE customer_id = :customer AND status = 'held'"
                             " ORDER BY booking_id", customer=customer)  # fmt: skip
        call("list_bookings", held, customer_id=customer, status="held")
        reference = call("get_booking", held, booking_id=held)["reference"]
        call("cancel_booking", "cancelled", booking_id=held)
        return Story(
            ask=ASK.format(email=email),
            steps=tuple(steps),
            answer=ANSWER.format(reference=reference),
            before=before,
            after=episode.state().digest,
            rows=episode.rows(ENVIRONMENT),
        )


def kept_rows(file: Path) -> Rows:
    """Give all rows of the state that a server has kept in a file."""
    environment = discover()[ENVIRONMENT]()
    with closing(open_local(environment, Namespace(db=file, seed=None, size=None, scenario=None))) as episode:
        return episode.rows(ENVIRONMENT)


def _one(episode: Episode, sql: str, **parameters: Any) -> str:
    value = episode.query(ENVIRONMENT, sql, parameters)[1][0][0]
    assert isinstance(value, str)
    return value
