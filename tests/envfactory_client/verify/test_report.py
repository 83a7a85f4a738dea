"""A report as values and as a page: nothing is lost, nothing strange gets out, and the page stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from envfactory_client.verify import terminal
from envfactory_client.verify.check import Violation
from envfactory_client.verify.example import Example
from envfactory_client.verify.page import diff_lines, page, percent
from envfactory_client.verify.report import CheckReport, MutantReport, MutationReport, Reached, Report

HOSTILE = "</code><script>alert('x')</script><img src=x onerror=alert(1)> \"quoted\" & {{ 7 * 7 }}"
VIOLATION = Violation(check="B11", tool="buy", sentence=HOSTILE, example=Example(seed=1), replay=f"replay {HOSTILE}")
REPORT = Report(
    name=f"shop {HOSTILE}",
    target=HOSTILE,
    version="0.1.0",
    calls=1234,
    coverage=0.9996,
    checks=(
        CheckReport(id="B1", name="schemas", sentence="Results fit.", outcome="passed", tried=1000),
        CheckReport(id="B2", name="determinism", sentence="Again.", outcome="skipped", skipped_because=HOSTILE),
        CheckReport(id="B11", name="rules", sentence="Rules.", outcome="broken", tried=3, violations=(VIOLATION,)),
        CheckReport(
            id="D5",
            name="token_budget",
            sentence="Short.",
            severity="warning",
            outcome="broken",
            violations=(VIOLATION.model_copy(update={"check": "D5", "severity": "warning"}),),
        ),
    ),
    reached=(Reached(tool="buy", successes=2, refusals={"sold_out": 3, "closed": 0}, boundaries=("sold_out",)),),
    mutation=MutationReport(
        mutants=(
            MutantReport(id="a1", kind="compare", title="one", killed_by="contracts"),
            MutantReport(id="b2", kind="compare", title="two", killed_by="tests"),
            MutantReport(id="c3", kind="compare", title="three", sentence=HOSTILE, diff=f"@@ 1 @@\n-old\n+{HOSTILE}\n"),
        )
    ),
)
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Outline(HTMLParser):
    """The elements of a page; a tag that closes what isn't open is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.text.append(data)


@pytest.fixture(scope="module")
def outline() -> Outline:
    outline = Outline()
    outline.feed(page([REPORT, REPORT.model_copy(update={"checks": REPORT.checks[:1], "mutation": None})]))
    return outline


def test_every_element_of_the_page_is_closed(outline: Outline) -> None:
    assert not outline.open
    tags = [tag for tag, _ in outline.seen]
    assert tags.count("article") == 2
    assert tags.count("h1") == 2


def test_strange_text_stays_text(outline: Outline) -> None:
    tags = [tag for tag, _ in outline.seen]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [attrs for _, attrs in outline.seen if any(name.startswith("on") for name in attrs)]
    said = " ".join(outline.text)
    assert said.count(HOSTILE) >= 6
    assert "49" not in said.replace(HOSTILE, "")


def test_the_page_needs_nothing_from_elsewhere(outline: Outline) -> None:
    assert not [attrs for _, attrs in outline.seen if {"src", "href"} & set(attrs)]
    assert not re.search(r"@import|url\(|https?://", page([REPORT]))


def test_the_page_tells_verdicts_scores_and_replay_commands(outline: Outline) -> None:
    said = " ".join(" ".join(outline.text).split())
    assert "✗ not verified" in said
    assert "✓ verified" in said
    assert "3 of 4 checks judged 1,234 calls" in said
    assert "faults noticed by the battery 33.3 %" in said
    assert "1 noticed by the battery, 1 noticed by only the environment's tests, 1 noticed by nobody." in said
    assert f"replay {HOSTILE} Copy" in said
    assert "lines of tools that ran 99.9 %" in said


def test_diffs_are_coloured_line_by_line(outline: Outline) -> None:
    assert diff_lines("@@ 1 @@\n-old\n+new\n same") == [
        ("place", "@@ 1 @@"),
        ("removed", "-old"),
        ("added", "+new"),
        ("same", " same"),
    ]
    assert {"added", "removed", "place"} <= {attrs.get("class") for _, attrs in outline.seen}


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert (percent(1.0), percent(0.9999), percent(0.5)) == ("100 %", "99.9 %", "50 %")


def test_a_warning_leaves_an_environment_verified() -> None:
    assert not REPORT.verified
    assert REPORT.model_copy(update={"checks": (REPORT.checks[0], REPORT.checks[3])}).verified


def test_a_report_is_read_back_from_its_json() -> None:
    written = REPORT.to_json()
    assert written["verified"] is False
    assert written["mutation"]["contracts"] == pytest.approx(1 / 3)
    assert Report.model_validate(written) == REPORT


def test_tools_that_never_gave_a_result_are_named() -> None:
    console = Console(width=200, record=True, file=StringIO())
    console.print(terminal.report(REPORT.model_copy(update={"reached": (*REPORT.reached, Reached(tool="sell"))})))
    assert "No call of sell succeeded, so nothing is known of what they give." in console.export_text()
    console.print(terminal.report(REPORT))
    assert "succeeded, so nothing" not in console.export_text()
