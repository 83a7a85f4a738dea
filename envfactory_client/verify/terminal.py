"""How verifying looks on a terminal: a line of progress while it runs, and the report as tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from envfactory_client.verify.battery import Began, Event, Found, Walking
from envfactory_client.verify.report import CheckReport, MutationReport, Reached, Report

_OUTCOMES = {"passed": ("✓", "green"), "broken": ("✗", "red"), "skipped": ("·", "dim")}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class Watch:
    """One line on stderr that says what is being tried; use it as `with Watch(quiet=False) as watch`."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        off = quiet or not console.is_terminal
        self._progress = Progress(*columns, console=console, transient=True, disable=off)
        self._task = self._progress.add_task("verifying", total=None)
        self._found = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Watch:
        self._start()
        return self

    def _start(self) -> None:
        before = set(threading.enumerate())
        self._progress.start()
        self._threads = [thread for thread in threading.enumerate() if thread not in before]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def still(self) -> Iterator[None]:
        """A block in which nothing is shown, and no thread of its own runs."""
        self._progress.stop()
        for thread in self._threads:
            thread.join()
        try:
            yield
        finally:
            self._start()

    def says(self, what: str) -> None:
        """Show a sentence."""
        self._progress.update(self._task, description=what)

    def on(self, name: str, event: Event) -> None:
        """Show what an event is about."""
        match event:
            case Walking(calls):
                self.says(f"[cyan]{name}[/] walking, {calls} calls{self._so_far}")
            case Began(check, place, of):
                self.says(f"[cyan]{name}[/] {place}/{of} {check.id} {check.name}{self._so_far}")
            case Found():
                self._found += 1

    @property
    def _so_far(self) -> str:
        return f" [red]· {self._found} found[/]" if self._found else ""


def report(found: Report) -> RenderableType:
    """All there is to say of one subject."""
    parts: list[RenderableType] = [_heading(found), Text(), _checks(found.checks)]
    if found.violations:
        parts += [Text(), Text("What broke", "bold"), *_violations(found)]
    if found.reached:
        parts += [Text(), _reached(found.reached), *_silent(found.reached)]
    if found.mutation is not None:
        parts += [Text(), *_mutation(found.mutation)]
    return Group(*parts)


def differences(name: str, sentences: Sequence[str]) -> RenderableType:
    """In what a record and a new report differ."""
    if not sentences:
        return Text.assemble((f"{name}: ", "bold"), ("as recorded", "green"))
    lines = [Text(f"  {sentence}") for sentence in sentences]
    return Group(Text.assemble((f"{name}: ", "bold"), ("not as recorded", "red")), *lines)


def _heading(found: Report) -> Text:
    verdict = ("verified", "bold green") if found.verified else ("not verified", "bold red")
    judged = sum(check.outcome != "skipped" for check in found.checks)
    ran = "" if found.coverage is None else f", {found.coverage:.1%} of the tools' lines"
    tried = f"{found.calls:,} calls{ran}, seed {found.seed}, battery {found.battery}"
    about = f" by {judged} of {len(found.checks)} checks · {tried}"
    name = " ".join(part for part in (found.name, found.version) if part)
    return Text.assemble((name, "bold"), ": ", verdict, (about, "dim"))


def _checks(checks: Sequence[CheckReport]) -> Table:
    table = Table("", "Check", "What must be true", "Tried", "Outcome", box=None, header_style="bold", padding=(0, 1))
    table.columns[3].justify = "right"
    for check in checks:
        sign, style = _OUTCOMES[check.outcome]
        outcome = f"skipped: {check.skipped_because}" if check.skipped_because else check.outcome
        if check.severity == "warning" and check.outcome == "broken":
            sign, style, outcome = "!", "yellow", "warning"
        table.add_row(
            Text(sign, style),
            Text(f"{check.id} {check.name}"),
            check.sentence,
            f"{check.tried:,}",
            Text(outcome, style),
        )
    return table


def _violations(found: Report) -> Iterator[RenderableType]:
    for violation in found.violations:
        style = "red" if violation.severity == "error" else "yellow"
        yield Text.assemble(("  ✗ ", style), (f"{violation.check} ", "bold"), violation.sentence)
        yield Text(f"    {violation.replay}", "dim", no_wrap=True, overflow="ignore")


def _reached(reached: Sequence[Reached]) -> Table:
    table = Table("Tool", "Successes", "Refusals met", "Boundaries", "Never met", box=None, header_style="bold")
    for tool in reached:
        met = sum(1 for times in tool.refusals.values() if times)
        never = ", ".join(code for code, times in tool.refusals.items() if not times)
        table.add_row(
            Text(tool.tool, "cyan"),
            Text(f"{tool.successes:,}", "" if tool.successes else "red"),
            f"{met}/{len(tool.refusals)}",
            f"{len(tool.boundaries)}/{len(tool.refusals)}",
            Text(never, "yellow"),
        )
    return table


def _silent(reached: Sequence[Reached]) -> Iterator[RenderableType]:
    """What to know of tools of which no call gave a result."""
    if silent := [tool.tool for tool in reached if not tool.successes]:
        yield Text(f"No call of {', '.join(silent)} succeeded, so nothing is known of what they give.", "yellow")


def _mutation(found: MutationReport) -> Iterator[RenderableType]:
    count = len(found.mutants)
    yield Text.assemble(
        ("Mutation ", "bold"),
        f"{count} faults planted; {found.contracts:.0%} noticed by the battery, "
        f"{found.with_tests:.0%} with the environment's tests",
    )
    for mutant in found.survivors:
        yield Text.assemble(("  ✗ lives: ", "red"), mutant.title, (f" ({mutant.id})", "dim"))
        for line in mutant.diff.splitlines():
            yield Text(f"    {line}", _DIFF_STYLES.get(line[:1], "dim"))
