"""Records: their fields pick columns."""

from __future__ import annotations

import sqlite3

from servers.runtime import Record


class Lamp(Record, table="lamps"):
    """A lamp."""

    lamp_id: str
    watts: int


def test_a_record_is_made_of_the_columns_that_it_names() -> None:
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.executescript("CREATE TABLE lamps (room, watts, lamp_id); INSERT INTO lamps VALUES ('hall', 40, 'L1');")
    row = db.execute(f"SELECT {Lamp.columns()} FROM lamps").fetchone()
    assert row.keys() == ["lamp_id", "watts"]
    assert Lamp.of(row) == Lamp(lamp_id="L1", watts=40)
    db.close()
