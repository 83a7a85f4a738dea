"""The mutation gate: which changes it makes of an environment's code, and how it judges them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from servers.runtime import Environment, Episode
from servers.runtime.database import connect
from servers.runtime.desk import Desk
from servers.runtime.world import World
from synthesis.battery.mutation import GateError, Mutant, Stillborn, load_mutant, mutants, run_gate, sample
from synthesis.battery.mutation.load import Scenario, environment_of, import_server, write_mutant
from synthesis.battery.mutation.meter import Meter, ceiling_over
from synthesis.battery.mutation.mutant import Edit
from synthesis.battery.mutation.places import uses
from synthesis.battery.mutation.python_code import PythonCode
from synthesis.battery.mutation.schema_code import Schema, compiled
from synthesis.battery.mutation.score import score, survivors
from synthesis.battery.mutation.sql_code import Vocabulary, sql_edits
from synthesis.battery.mutation.sql_in_python import SqlReader
from synthesis.battery.mutation.tests_of import Reach, covering

LIBRARY = Path(__file__).resolve().parents[2] / "fixtures" / "library"
TEST_OF_LIBRARY = '''
"""The library's tools."""

from servers.runtime.desk import Desk
from tests.fixtures.library.server import env


def test_paying_a_fine_lowers_it() -> None:
    with Desk(env) as desk:
        member = desk.row("SELECT * FROM members WHERE fines_cents > 0 ORDER BY member_id")
        paid = desk.call("pay_fine", member_id=member["member_id"], amount_cents=1)
        assert paid["fines_cents"] == member["fines_cents"] - 1


def test_a_book_is_shown() -> None:
    with Desk(env) as desk:
        book_id = desk.one("SELECT book_id FROM books ORDER BY 1")
        assert desk.call("get_book", book_id=book_id)["book_id"] == book_id
'''


@pytest.fixture(scope="module")
def found() -> list[Mutant]:
    return mutants(LIBRARY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the library with tests of its own."""
    copy = tmp_path / "library"
    shutil.copytree(LIBRARY, copy)
    (copy / "test_server.py").write_text(TEST_OF_LIBRARY, encoding="utf-8")
    return copy


def changes(text: str, vocabulary: Vocabulary | None = None) -> set[tuple[str, str, str]]:
    """Give kind, old and new text of each edit of a SQL text."""
    return {(edit.kind, text[edit.start : edit.end], edit.new) for edit in sql_edits(text, vocabulary or Vocabulary())}


def python_changes(text: str) -> set[tuple[str, str, str]]:
    """Give kind, old and new text of each edit of a server.py."""
    schema = Schema("CREATE TABLE t (id TEXT PRIMARY KEY, a_cents INTEGER, b_cents INTEGER) STRICT;")
    database = compiled(schema.text)
    assert database is not None
    edits = PythonCode.of(text, schema.vocabulary, SqlReader(database)).edits()
    return {(edit.kind, text[edit.start : edit.end], edit.new) for _, edit in edits}


def one(found: list[Mutant], where: str, kind: str, old: str = "") -> Mutant:
    return next(mutant for mutant in found if (mutant.where, mutant.kind) == (where, kind) and old in mutant.old)


# Edits ---------------------------------------------------------------------------------------------------------------


def test_a_condition_loses_each_of_its_parts_and_all_of_them() -> None:
    text = "SELECT 1 FROM t WHERE a = 1 AND (b OR c) AND d BETWEEN 1 AND 2"
    found = changes(text)
    assert ("sql_conjunct", "d BETWEEN 1 AND 2", "1") in found
    assert ("sql_conjunct", "(b OR c)", "1") in found
    assert ("sql_conjunct", "b", "0") in found
    assert ("sql_where", text.partition("WHERE ")[2], "1") in found
    assert ("sql_boolean", "OR", "AND") in found
    assert sum(kind == "sql_boolean" for kind, *_ in found) == 2


def test_unnamed_parameters_are_kept_because_they_are_counted() -> None:
    assert ("sql_conjunct", "a = ?", "(1 OR ?)") in changes("SELECT 1 FROM t WHERE a = ? AND b = ?")


def test_what_an_update_sets_is_no_comparison() -> None:
    found = changes("UPDATE t SET a = a + 1 WHERE b = 'x'")
    assert [old for kind, old, _ in found if kind == "sql_comparison"] == ["="]
    assert ("sql_sign", "+", "-") in found


def test_columns_are_swapped_for_others_of_their_table_and_keep_their_names() -> None:
    words = Vocabulary({"t": frozenset({"a_cents", "b_cents", "c_on"})})
    assert ("sql_column", "a_cents", "b_cents AS a_cents") in changes("SELECT x.a_cents FROM t x", words)
    assert ("sql_column", "a_cents", "b_cents") in changes("SELECT sum(a_cents) FROM t", words)
    assert not [kind for kind, *_ in changes("SELECT c_on FROM t", words) if kind == "sql_column"]


def test_a_value_of_a_list_is_left_out_or_swapped() -> None:
    found = changes("status IN ('held', 'paid')", Vocabulary({}, [("held", "paid", "lost")]))
    assert {("sql_constant", "'held', ", ""), ("sql_constant", ", 'paid'", "")} <= found
    assert ("sql_constant", "'paid'", "'lost'") in found


def test_the_mutants_of_python_leave_words_and_contracts_alone() -> None:
    found = python_changes(
        '''
"""A server."""
KINDS = Literal["a", "b"]

@env.writes(changes={"t": "insert"}, refuses={"none_left": "SELECT 1 FROM t WHERE id = :id AND a_cents = 0"})
def take(id: Annotated[str, Key("t.id", pattern="^T$", description="1 < 2")], count: Annotated[int, Field(ge=1)]) -> T:
    """Take 3 < 4."""
    row = find(env.db, "t", id=id)
    if row["a_cents"] < count and not row["b_cents"]:
        raise Refusal("none_left", f"Only {row['a_cents'] + 1} is left of 5.")
    env.db.execute("UPDATE t SET a_cents = a_cents - ? WHERE id = ?", (count, id))
    return T(id=id)

env.invariant("positive", "SELECT id FROM t WHERE a_cents < 0")
'''
    )
    olds = {old for _, old, _ in found}
    assert {("comparison", "<", "<="), ("boolean", "and", "or"), ("boolean", "not ", "")} <= found
    assert ("argument", "count, id", "id, count") in found
    assert ("constant", "1", "2") in found
    assert any(kind == "guard" and old.startswith("if row") and new == "pass" for kind, old, new in found)
    assert any(kind == "statement" and "UPDATE" in old for kind, old, _ in found)
    assert any(kind == "transaction" and "commit" in new for kind, _, new in found)
    assert not {"3", "4", "5", "t", "insert", "^", "a_cents < 0"} & olds


def test_an_edit_of_a_string_knows_where_its_pieces_lie() -> None:
    text = """X = (
    f"SELECT 1 FROM t WHERE id = :{key} AND "  # one
    "a_cents = 0"
)
"""
    found = python_changes(text.replace('    "a_cents', '    f"a_cents'))
    assert ("sql_constant", "0", "1") in found
    assert any(kind == "sql_where" and "# one" in old and new == "1" for kind, old, new in found)
    assert not any(kind == "sql_where" for kind, *_ in python_changes(text))  # f"..." and "..." can't become one


def test_tables_lose_one_constraint_at_a_time() -> None:
    text = """CREATE TABLE p (id TEXT PRIMARY KEY) STRICT;
CREATE TABLE c (
    id TEXT PRIMARY KEY,
    p_id TEXT NOT NULL REFERENCES p (id) ON DELETE CASCADE, -- whose
    n INTEGER DEFAULT 0 CHECK (n > 0),
    UNIQUE (p_id, n)
) STRICT;
"""
    dropped = {text[edit.start : edit.end].strip(" ,") for where, edit in Schema(text).edits() if where == "c"}
    assert "NOT NULL" in dropped
    assert "REFERENCES p (id) ON DELETE CASCADE" in dropped
    assert "CHECK (n > 0)" in dropped
    assert "DEFAULT 0" in dropped
    assert any(old.endswith("UNIQUE (p_id, n)") for old in dropped)


def test_a_view_gets_only_edits_that_compile_to_another_program() -> None:
    text = """CREATE TABLE t (id TEXT PRIMARY KEY, a_cents INTEGER NOT NULL) STRICT;
CREATE VIEW v AS SELECT id, a_cents * 2 AS twice FROM t WHERE EXISTS (SELECT 1 FROM t) AND a_cents >= 0;
"""
    edits = [edit for where, edit in Schema(text).edits() if where == "v"]
    assert {edit.new for edit in edits} >= {">", "/", "NOT ", "OR"}
    for edit in edits:
        Schema(edit.apply(text))


# Mutants of an environment -------------------------------------------------------------------------------------------


def test_every_mutant_says_what_it_is(found: list[Mutant]) -> None:
    texts = {name: (LIBRARY / name).read_text(encoding="utf-8") for name in ("server.py", "schema.sql")}
    assert len({mutant.id for mutant in found}) == len(found) > 100
    for mutant in found:
        assert mutant.apply(texts[mutant.file]) != texts[mutant.file]
        assert mutant.diff(texts[mutant.file]).count("\n+") >= 1 or not mutant.new
    borrowed = one(found, "borrow_book", "comparison", ">")
    assert borrowed.title.startswith("library/server.py:")
    assert borrowed.title.endswith("borrow_book: `>` became `>=`")


def test_a_mutant_refuses_the_text_of_another_version(found: list[Mutant]) -> None:
    with pytest.raises(ValueError, match="make mutants anew"):
        found[0].apply("CREATE TABLE x (id TEXT)")


def test_a_sample_is_stable_fair_and_grows_at_its_end(found: list[Mutant]) -> None:
    few, more = sample(found, 12, 3), sample(found, 40, 3)
    assert more[:12] == few
    assert few != sample(found, 12, 4)
    places = {(mutant.file, mutant.where) for mutant in more}
    assert {(mutant.file, mutant.where) for mutant in few[: len(places)]} == places
    assert not [mutant for mutant in more if mutant.kind == "sql_constraint"]
    assert [mutant for mutant in sample(found, 40, 3, without=()) if mutant.kind == "sql_constraint"]


def test_a_mutant_is_loaded_beside_the_original_and_leaves_no_module(found: list[Mutant], tmp_path: Path) -> None:
    before = set(sys.modules)
    environment = load_mutant(LIBRARY, one(found, "borrow_book", "guard", "no_copies"), tmp_path)
    original = load_mutant(LIBRARY, None, tmp_path)
    assert {name for name in sys.modules if name.startswith("mutant_")} <= before
    sql = "SELECT book_id, member_id FROM shelf, members WHERE available = 0 AND fines_cents = 0 ORDER BY 1, 2"
    told = []
    for env in (original, environment):
        episode = Episode.open([env])
        with episode.active():
            columns, rows = episode.query("library", sql, {})
            told.append(env.call(env.tools["borrow_book"], dict(zip(columns, rows[0], strict=True))))
    assert [outcome.refusal for outcome in told] == ["no_copies", None]


def test_a_mutant_that_does_not_compile_is_stillborn(found: list[Mutant], tmp_path: Path) -> None:
    text = (LIBRARY / "server.py").read_text(encoding="utf-8")
    at = text.index("SELECT 1 FROM shelf")
    broken = Mutant.of("library", "server.py", "borrow_book", Edit("sql_column", at, at + 6, "SELEKT"), text)
    with pytest.raises(Stillborn, match="syntax error"):
        load_mutant(LIBRARY, broken, tmp_path)


# The gate ------------------------------------------------------------------------------------------------------------


def lives(env: Environment, mutant: Mutant) -> str | None:
    return None


def test_the_gate_says_who_noticed_what(folder: Path) -> None:
    def contracts(env: Environment, mutant: Mutant) -> str | None:
        return "A contract is broken." if mutant.where == "borrow_book" else None

    seen: list[str] = []
    verdicts = run_gate(folder, contracts=contracts, count=30, progress=lambda verdict: seen.append(verdict.mutant.id))
    assert sorted(seen) == sorted(verdict.mutant.id for verdict in verdicts)
    assert len(verdicts) == 30
    by_place = {(verdict.mutant.where, verdict.killed_by) for verdict in verdicts}
    assert ("borrow_book", "contracts") in by_place
    assert ("pay_fine", "tests") in by_place
    found = score(verdicts)
    assert 0 < found.contracts < found.killed < found.mutants
    assert sum(kind.mutants for kind in found.kinds.values()) == 30
    living = survivors(folder, verdicts)
    assert len(living) == found.mutants - found.killed
    assert all(survivor.sentence.startswith("No contract, invariant or test notices when") for survivor in living)


def test_a_scenario_that_no_longer_fits_is_noticed_at_the_start(folder: Path) -> None:
    verdicts = run_gate(folder, contracts=lives, count=40, tests=False, without=("constant", "sql_constraint"))
    started = [verdict for verdict in verdicts if verdict.killed_by == "start"]
    assert all(verdict.contracts and verdict.tests is None for verdict in started)


def test_endless_and_deadly_mutants_cost_only_themselves(folder: Path) -> None:
    def endless(env: Environment, mutant: Mutant) -> str | None:
        time.sleep(60)
        return None

    def deadly(env: Environment, mutant: Mutant) -> str | None:
        os._exit(3)

    late = run_gate(folder, contracts=endless, count=2, tests=False, most_seconds=1.5)
    assert [verdict.contracts for verdict in late] == ["It was still running after 2 seconds."] * 2
    dead = run_gate(folder, contracts=deadly, count=2, tests=False)
    assert [verdict.contracts for verdict in dead] == ["Its process ended by itself."] * 2
    assert {verdict.killed_by for verdict in (*late, *dead)} == {"contracts"}


CROWDED = '''

def crowded() -> int:
    """Give how many books there are, the long way."""
    return env.db.execute(
        "SELECT count(*) FROM books a, books b, books c, books d, books e"
        " WHERE a.book_id = b.book_id AND b.book_id = c.book_id AND c.book_id = d.book_id AND d.book_id = e.book_id"
    ).fetchone()[0]
'''


def test_a_mutant_whose_statement_runs_away_is_noticed_by_what_it_asks_of_sqlite(folder: Path) -> None:
    server = folder / "server.py"
    server.write_text(server.read_text(encoding="utf-8") + CROWDED, encoding="utf-8")

    def count(env: Environment, mutant: Mutant | None = None) -> str | None:
        with Episode.open([env]).active():
            books = crowded_of(env)
        return None if books else "There are no books."

    chosen = {
        mutant.id: mutant.new for mutant in mutants(folder) if mutant.where == "crowded" and mutant.kind == "sql_where"
    }
    assert list(chosen.values()) == ["1"]
    for _ in range(2):
        (verdict,) = run_gate(folder, contracts=count, unchanged=count, only=chosen, tests=False)
        assert verdict.contracts is not None
        assert verdict.contracts.startswith("A statement ran away: SELECT count(*) FROM books a, books b,")
        assert verdict.killed_by == "contracts"


def crowded_of(env: Environment) -> int:
    """Give what `crowded` of an environment's own server.py gives."""
    counted: int = env.tools["get_book"].function.__globals__["crowded"]()
    return counted


def test_a_mutant_that_asks_no_more_than_others_lives(folder: Path) -> None:
    guard = next(mutant for mutant in mutants(folder) if mutant.where == "borrow_book")
    (verdict,) = run_gate(folder, contracts=lives, unchanged=lambda _: None, only={guard.id}, tests=False)
    assert verdict.killed_by is None


def test_what_the_contracts_say_of_the_unchanged_environment_stops_the_gate(folder: Path) -> None:
    with pytest.raises(GateError, match="contracts of library fail as it is: nothing works"):
        run_gate(folder, contracts=lives, unchanged=lambda _: "nothing works", count=1, tests=False)


COUNTING = (
    "WITH RECURSIVE counted(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM counted WHERE n < ?) SELECT 1 FROM counted"
)


def test_a_statement_may_take_ten_times_what_the_largest_took() -> None:
    with Meter().running() as meter:
        connect().execute(COUNTING, (30_000,)).fetchall()
    said: list[str] = []
    with Meter(ceiling_over(meter.largest), said.append).running():
        db = connect()
        for _ in range(3):
            db.execute(COUNTING, (200_000,)).fetchall()
        assert not said
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            db.execute(COUNTING, (400_000,)).fetchall()
    assert len(said) == 1
    assert said[0].startswith("A statement ran away: WITH RECURSIVE counted(n)")
    assert ceiling_over(0) > 500
    assert sqlite3.connect(":memory:").execute("SELECT 1").fetchone() == (1,)


def test_searches_that_limit_themselves_may_go_on_until_all_together_are_too_much() -> None:
    said: list[str] = []
    with Meter(1, said.append).running():
        db = sqlite3.connect(":memory:")
        db.set_progress_handler(lambda: False, 1000)
        db.execute(COUNTING, (200_000,)).fetchall()
        assert not said
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            db.execute(COUNTING, (20_000_000,)).fetchall()
    assert said[0].startswith("Searching ran away: WITH RECURSIVE")


def test_a_query_with_a_limit_of_its_own_counts_as_a_statement_of_the_environment() -> None:
    said: list[str] = []
    with Meter(100, said.append).running(), pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connect().select(COUNTING.replace("?", "200000"), {}, steps=1_000_000)
    assert said[0].startswith("A statement ran away:")


def test_a_server_notes_which_of_its_functions_are_entered(tmp_path: Path) -> None:
    entered: set[str] = set()
    environment = environment_of(import_server(write_mutant(LIBRARY, None, tmp_path), entered))
    entered.clear()
    with Desk(environment) as desk:
        desk.call("get_book", book_id=desk.one("SELECT book_id FROM books ORDER BY 1"))
    assert "get_book" in entered
    assert "borrow_book" not in entered
    assert (
        environment.tools["get_book"].description == load_mutant(LIBRARY, None, tmp_path).tools["get_book"].description
    )


def test_all_mutants_take_the_rows_of_one_scenario(tmp_path: Path) -> None:
    original, other = load_mutant(LIBRARY, None, tmp_path), load_mutant(LIBRARY, None, tmp_path)
    scenario = Scenario(original, [0])
    scenario.serve(other)
    for seed in (0, 5):
        assert other.template(seed=seed, size="small").digest == original.template(seed=seed, size="small").digest
    assert other.populate(World(0, "small")) is other.populate(World(0, "small"))


def test_tests_that_fail_without_a_mutant_stop_the_gate(folder: Path) -> None:
    (folder / "test_server.py").write_text(f"{TEST_OF_LIBRARY}\n\ndef test_never() -> None:\n    assert False\n")
    with pytest.raises(GateError, match="test_never"):
        run_gate(folder, contracts=lives, count=1)


def test_tests_that_reach_a_mutant_are_asked_the_closest_first(found: list[Mutant]) -> None:
    reaches = [
        Reach("far", frozenset({"get_book"}), 0.1),
        Reach("wide", frozenset({"borrow_book", "return_book"}), 0.1),
        Reach("close", frozenset({"borrow_book"}), 0.2),
    ]
    assert covering(one(found, "borrow_book", "guard"), reaches, {}) == ["close", "wide"]
    users = uses(LIBRARY)
    assert {"borrow_book", "get_book"} <= users["shelf"]
    view = next(mutant for mutant in found if mutant.where == "shelf")
    assert covering(view, reaches, {"shelf": ["get_book"]})[0] == "far"
    assert len(covering(view, reaches, users)) == 3
