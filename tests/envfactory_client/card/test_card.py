"""The card as a whole: on a run of the library, on a terminal, as JSON and as a page, and as docs/card.md has it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from envfactory_client import Dataset
from envfactory_client.card import charts
from envfactory_client.card.contamination import BENCHMARKS, Function, compare, functions_in, judged
from envfactory_client.card.measure import Beside, Measure
from envfactory_client.card.page import page, percent
from envfactory_client.card.proof import recorded_screens
from envfactory_client.card.report import FORMAT, Card
from envfactory_client.card.toolset import kept_parameters
from envfactory_client.cli import app
from envfactory_client.errors import DatasetError, Unreachable, UsageError
from tests.envfactory_client.card.told import call, found, said, trajectory, turn
from tests.synthesis.conftest import run_library

COUNT = 8
DOCS = Path(__file__).parents[3] / "docs" / "card.md"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of eight trajectories over the library."""
    return run_library(tmp_path_factory.mktemp("card") / "library-8", COUNT).folder


def command(run: Path, farm_url: str, token: str, *words: str) -> Result:
    line = ["card", str(run), "--farm", farm_url, "--token", token, *words]
    return CliRunner().invoke(app, line, env={"COLUMNS": "160"})


@pytest.fixture(scope="module")
def card(run: Path, farm_url: str, token: str) -> Card:
    done = command(run, farm_url, token, "--json", "--replay")
    assert done.exit_code == 0, done.output
    return Card.model_validate_json(done.stdout)


def fields(model: type[BaseModel], at: str = "") -> Iterator[str]:
    """The paths of a model's leaves and of the parts that have several like them."""
    parts = {name: _part(field.annotation) for name, field in model.model_fields.items()}
    often = Counter(part for part in parts.values() if part is not None)
    for name, part in parts.items():
        if part is None:
            yield f"{at}{name}"
        elif often[part] > 1:
            yield f"{at}{name}"
            yield from fields(part, f"{at}*.")
        else:
            yield from fields(part, f"{at}{name}{'[].' if get_origin(model.model_fields[name].annotation) else '.'}")


def _part(annotation: object) -> type[BaseModel] | None:
    for option in (annotation, *get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def test_every_field_is_described_in_the_docs_and_no_other() -> None:
    rows = [line.split("|")[1] for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row)) == sorted(set(fields(Card)))


def test_every_field_says_what_it_is() -> None:
    def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
        yield model
        for field in model.model_fields.values():
            if (part := _part(field.annotation)) is not None:
                yield from models(part)

    assert all(field.description for model in models(Card) for field in model.model_fields.values())


def test_the_card_counts_what_the_lines_hold(card: Card, run: Path) -> None:
    records = [line.trajectory for line in Dataset(run / "trajectories.jsonl").read()]
    steps = [step for record in records for step in record.steps]
    assert (card.format, card.dataset, card.size.trajectories) == (FORMAT, "library-8", COUNT)
    assert card.size.calls + card.size.user_calls == len(steps) == sum(one.calls for one in card.environments)
    assert sum(card.histograms.turns.values()) == sum(card.histograms.chain.values()) == COUNT
    assert sum(turns * times for turns, times in card.histograms.turns.items()) == card.size.turns
    assert sum(card.mix.goals.values()) == sum(len(one.goals) for record in records for one in record.turns)
    assert card.hidden.arguments == sum(len(step.arguments) for step in steps if step.actor == "agent")
    assert 0 < card.hidden.rate <= card.hidden.literal_rate < 1


def test_coverage_is_told_of_what_the_farm_declares(card: Card) -> None:
    assert card.coverage.tools.of is not None
    assert card.coverage.tools.covered + len(card.coverage.tools.missing) == card.coverage.tools.of
    assert 0 < card.coverage.identities.covered <= card.coverage.links.covered <= (card.coverage.links.of or 0)
    assert 0 < (card.coverage.identities.of or 0) <= (card.coverage.links.of or 0)
    assert 0 < card.coverage.refusals.covered <= card.coverage.branches.covered
    assert card.size.parameters > card.size.tools


def test_what_a_run_made_replays(card: Card) -> None:
    assert card.proof.replayed == 1.0
    assert (card.proof.reward_tests, card.proof.null_agent) == (1.0, 0.0)


def test_a_dataset_of_which_one_line_was_changed_does_not_replay_whole(
    run: Path, farm_url: str, token: str, tmp_path: Path
) -> None:
    first, second = [line.trajectory for line in Dataset(run / "trajectories.jsonl").read()][:2]
    changed = json.loads(second.to_line())
    changed["turns"][0]["steps"][0]["result"] = {"never": "answered"}
    changed["id"] = ""
    with Dataset(tmp_path / "trajectories.jsonl") as dataset:
        dataset.append(first)
        dataset.append(type(second).model_validate(changed))
    done = command(tmp_path, farm_url, token, "--json", "--replay")
    assert json.loads(done.stdout)["proof"]["replayed"] == 0.5


def test_equal_runs_have_equal_cards_and_another_line_another_digest(card: Card, run: Path) -> None:
    records = [line.trajectory for line in Dataset(run / "trajectories.jsonl").read()]

    def told(count: int) -> Card:
        measure = Measure()
        for record in records[:count]:
            measure.add(record)
        return measure.card("library-8", Beside(measure.parameters(run)))

    assert told(COUNT) == told(COUNT)
    assert told(COUNT).determinism == card.determinism != told(COUNT - 1).determinism


def test_without_a_farm_that_knows_them_coverage_is_a_count(farm_url: str, token: str, tmp_path: Path) -> None:
    with Dataset(tmp_path / "trajectories.jsonl") as dataset:
        dataset.append(
            trajectory(
                turn("Find Ann.", call("shop.find", name="Ann"), call("shop.pay", to="P1")),
                ledger=[said((0, 0), "name", "Ann"), found((0, 1), "to", 0, "people[2].id")],
            )
        )
    done = command(tmp_path, farm_url, token, "--json")
    told = Card.model_validate_json(done.stdout)
    assert (told.coverage.tools.covered, told.coverage.tools.of) == (2, None)
    assert told.coverage.links.covered == 1
    assert "isn't known" in command(tmp_path, farm_url, token).stdout


def test_the_terminal_tells_the_figures(run: Path, farm_url: str, token: str, card: Card) -> None:
    shown = command(run, farm_url, token).stdout
    assert "library-8" in shown
    assert f"{card.hidden.rate:.1%} of {card.hidden.arguments:,} arguments" in shown
    assert f"self-BLEU-4 {card.wording.user.self_bleu_4:.3f}" in shown
    assert card.determinism in shown


def test_the_command_writes_a_page_and_splits(run: Path, farm_url: str, token: str, tmp_path: Path) -> None:
    done = command(run, farm_url, token, "--html", str(tmp_path / "a" / "card.html"), "--splits", str(tmp_path / "s"))
    assert done.exit_code == 0, done.output
    assert "Split by tasks: 6 train, 2 held out" in done.stdout
    assert len((tmp_path / "s" / "tasks" / "held_out.txt").read_text().split()) == 2
    assert (tmp_path / "a" / "card.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


class Outline(HTMLParser):
    """Whether tags close as they open, and what a page refers to."""

    VOID = frozenset({"meta", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.plots: list[str] = []
        self.referred: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        given = dict(attrs)
        self.referred += [str(given[name]) for name in ("src", "href") if name in given]
        if tag == "svg":
            self.plots.append(str(given["aria-label"]))
        if tag == "meta":
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_says_its_plots_in_words(card: Card) -> None:
    outline = Outline()
    outline.feed(page(card))
    assert outline.open == []
    assert outline.referred == []
    assert f"Goals by how they end: {', '.join(f'{name} {count}' for name, count in card.mix.goals.items())}" in (
        outline.plots
    )


def test_strange_words_do_not_break_the_page(card: Card) -> None:
    strange = card.model_copy(update={"dataset": "<script>alert(1)</script>", "mix": card.mix.model_copy(
        update={"goals": {"<b>&": 3}}
    )})  # fmt: skip
    text = page(strange)
    assert "<script>" not in text
    assert "<b>" not in text.replace("<b>0", "").split("Goals, by how they end")[1].split("</figure>")[0]


def test_plots_are_as_large_as_their_shares() -> None:
    drawn = charts.bars({"half": 0.5, "all": 1.0}, "Shares")
    widths = [float(wide) for wide in re.findall(r'width="([\d.]+)" height="[\d.]+" rx="2" class="hue0"', drawn)]
    assert widths[1] == pytest.approx(2 * widths[0])
    heights = [float(tall) for tall in re.findall(r'height="([\d.]+)" rx="2" class="hue0"', charts.columns({1: 5, 2: 10}, "Turns"))]  # fmt: skip # noqa: E501
    assert heights[1] == pytest.approx(2 * heights[0])
    assert charts.columns({}, "Nothing") == charts.parted({"none": 0}, "Nothing") == charts.bars({}, "Nothing") == ""


def test_percentages_keep_one_digit_where_it_says_something() -> None:
    assert [percent(share).replace("\N{NO-BREAK SPACE}", " ") for share in (0.5, 0.123, 1.0)] == [
        "50 %",
        "12.3 %",
        "100 %",
    ]


def test_a_file_without_trajectories_is_refused(tmp_path: Path, farm_url: str, token: str) -> None:
    (tmp_path / "trajectories.jsonl").touch()
    assert "holds no trajectory" in command(tmp_path, farm_url, token).stderr
    assert "There is no file of trajectories" in command(tmp_path / "nowhere", farm_url, token).stderr


def test_a_screening_beside_the_trajectories_is_told(card: Card, tmp_path: Path) -> None:
    assert recorded_screens(tmp_path) is None
    told = {"tasks": 4, "passed": 3, "ms_per_score": 0.2, "rewards": {
        "null": {"runs": 4, "mean": 0.02, "max": 0.1}, "null / ask": {"runs": 1, "mean": 0.0, "max": 0.0},
        "perfect": {"runs": 4, "mean": 1.0, "max": 1.0},
    }}  # fmt: skip
    (tmp_path / "screens.json").write_text(json.dumps(told))
    proof = Measure().card("x", Beside(screens=recorded_screens(tmp_path))).proof
    assert (proof.paths, proof.differing_paths) == (None, None)
    told |= {"kinds": {"other_look_up": 3, "early_reads": 4}, "differing": {"0": 1, "2": 3}}
    (tmp_path / "screens.json").write_text(json.dumps(told))
    proof = Measure().card("x", Beside(screens=recorded_screens(tmp_path))).proof
    assert (proof.reward_tests, proof.null_agent, proof.rewards) == (0.75, 0.02, {"null": 0.02, "perfect": 1.0})
    assert (proof.paths, proof.differing_paths) == ({"other_look_up": 3, "early_reads": 4}, {0: 1, 2: 3})
    whole = card.model_copy(update={"proof": proof, "size": card.size.model_copy(update={"trajectories": 4})})
    assert "null 2%, perfect 100%" in page(whole)
    assert "other_look_up 75%, early_reads 100%" in page(whole)
    (tmp_path / "screens.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"screens\.json isn't the JSON of a screening"):
        recorded_screens(tmp_path)


def test_a_list_of_tools_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "t.json").write_text('{"no": "list"}')
    assert kept_parameters(tmp_path, ["absent"]) == {}
    with pytest.raises(DatasetError, match="isn't a list of tools"):
        kept_parameters(tmp_path, ["t"])


BENCHMARK = '''
"""Never read: this text."""
def helper(city): ...
def _private(x): ...
class Travel:
    def cancelBooking(self, booking_id: str, reason: str = "x"): ...
    def find_airports(self, city: str): ...
@tool
def get_flight() -> Tool:
    async def execute(flight_id: str, *, verbose: bool = False): ...
    return execute
'''


def test_functions_are_read_by_their_names_alone(tmp_path: Path) -> None:
    (tmp_path / "travel.py").write_text(BENCHMARK)
    assert {(str(one), one.parameters) for one in functions_in(tmp_path, ["*.py"])} == {
        ("travel.helper", frozenset({"city"})),
        ("travel.cancelBooking", frozenset({"booking_id", "reason"})),
        ("travel.find_airports", frozenset({"city"})),
        ("travel.get_flight", frozenset({"flight_id", "verbose"})),
    }


def test_a_tool_is_judged_by_name_and_by_parameters() -> None:
    functions = [
        Function("a", "cancelBooking", frozenset({"booking_id", "reason"})),
        Function("b", "find_airports", frozenset({"country"})),
        Function("c", "find_airports", frozenset({"city"})),
    ]
    tools = {
        "airline.cancel_booking": frozenset({"booking_id"}),
        "airline.find_airports": frozenset({"city"}),
        "airline.check_in": frozenset({"booking_id"}),
    }
    told = judged("bench", "1", functions, tools)
    assert (told.functions, told.tools, told.name_only, told.name_and_parameters) == (3, 3, 1, 1)
    assert [(one.tool, one.function, one.same_parameters, one.shared_parameters) for one in told.matches] == [
        ("airline.cancel_booking", "a.cancelBooking", False, ("booking_id",)),
        ("airline.find_airports", "c.find_airports", True, ("city",)),
    ]


def test_a_benchmark_that_is_out_of_reach_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(Unreachable, match=r"bfcl-eval==1\.2\.3 can't be had .*leave --against out when offline"):
        compare("bfcl-eval==1.2.3", {})


@pytest.mark.parametrize(("package", "why"), [("requests", "isn't known"), ("bfcl eval", "isn't a package")])
def test_other_packages_are_refused(package: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        compare(package, {})
    assert set(BENCHMARKS) == {"bfcl-eval", "inspect-evals"}
