"""A report as a page for people: one HTML file that needs nothing else, whatever strange text is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envfactory_client.errors import MissingExtra
from envfactory_client.verify.report import CheckReport, MutationReport, Reached, Report

_TEMPLATE = "page.html"
_SIGNS = {"+": "added", "-": "removed", "@": "place"}


def page(reports: Sequence[Report]) -> str:
    """The page of some reports."""
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingExtra("A report as a page", "verify") from error
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"diff_lines": diff_lines, "outcome": outcome, "met": met, "percent": percent}
    templates.globals |= {"bars": bars, "killers": killers}
    return templates.get_template(_TEMPLATE).render(reports=reports)


def outcome(check: CheckReport) -> str:
    """The word for how a check ended."""
    return "warning" if check.outcome == "broken" and check.severity == "warning" else check.outcome


def met(tool: Reached) -> list[str]:
    """The codes that calls of a tool ended with."""
    return [code for code, times in tool.refusals.items() if times]


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage that never rounds up to all."""
    return f"{int(share * 1000) / 10:g} %"


def diff_lines(diff: str) -> list[tuple[str, str]]:
    """The lines of a diff, each with what kind of line it is."""
    return [(_SIGNS.get(line[:1], "same"), line) for line in diff.splitlines()]


def killers(mutation: MutationReport) -> list[tuple[str, int]]:
    """How many mutants each of the noticers noticed."""
    words = {"contracts": "the battery", "tests": "only the environment's tests", None: "nobody"}
    return [(said, sum(one.killed_by == word for one in mutation.mutants)) for word, said in words.items()]


def bars(report: Report) -> list[tuple[str, float, str]]:
    """The scores of a report, each as a name, a share in [0, 1] and words."""
    return list(_bars(report))


def _bars(report: Report) -> Iterator[tuple[str, float, str]]:
    judged = [check for check in report.checks if check.outcome != "skipped"]
    passed = sum(check.outcome == "passed" for check in judged)
    yield _bar("checks passed", passed, len(judged))
    if report.reached:
        yield _bar("tools seen to succeed", sum(bool(tool.successes) for tool in report.reached), len(report.reached))
    refusals = sum(len(tool.refusals) for tool in report.reached)
    if refusals:
        yield _bar("refusals met", sum(len(met(tool)) for tool in report.reached), refusals)
        yield _bar("boundaries met on both sides", sum(len(tool.boundaries) for tool in report.reached), refusals)
    if report.coverage is not None:
        yield "lines of tools that ran", report.coverage, percent(report.coverage)
    if report.mutation is not None and report.mutation.mutants:
        yield "faults noticed by the battery", report.mutation.contracts, percent(report.mutation.contracts)
        yield "… or by the environment's tests", report.mutation.with_tests, percent(report.mutation.with_tests)


def _bar(name: str, part: int, whole: int) -> tuple[str, float, str]:
    return name, part / whole if whole else 0.0, f"{part:,} of {whole:,}"
