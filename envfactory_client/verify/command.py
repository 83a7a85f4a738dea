"""The command `envfactory verify`: the battery on environments, folders and servers by other authors."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from envfactory_client import garbage
from envfactory_client.errors import UsageError, VerifyError, did_you_mean
from envfactory_client.verify import terminal
from envfactory_client.verify.aside import Aside
from envfactory_client.verify.battery import Beside, Verified, verify
from envfactory_client.verify.bench import EFFORTS, Effort, Level
from envfactory_client.verify.check import Check
from envfactory_client.verify.example import Example
from envfactory_client.verify.installed import Faults, Kept, Loaded, installed
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.report import Report
from envfactory_client.verify.subject import INSIDE, WHY_NOT
from envfactory_client.verify.target import Target, Way, every, targets

_EXAMPLES = (
    "Examples: [cyan]envfactory verify airline[/] · [cyan]envfactory verify airline --only B4 --effort quick[/] · "
    "[cyan]envfactory verify path/to/folder --html out/report.html[/] · "
    "[cyan]envfactory verify https://example.com/mcp[/] · "
    "[cyan]envfactory verify -- npx -y @modelcontextprotocol/server-memory[/]"
)


@dataclass(frozen=True)
class Plan:
    """What is to be done with each target."""

    level: Level = "standard"
    seed: int = 0
    checks: tuple[Check, ...] = ()
    whole: bool = True
    """Whether `checks` are all there are."""
    mutants: int = 0
    workers: int = 1
    write: bool = False
    compare: bool = False


@dataclass(frozen=True)
class Judged:
    """What came of one target."""

    report: Report
    differences: tuple[str, ...] | None = None
    """What its record has otherwise; None if nobody compared."""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to complain about."""
        return self.report.verified and not self.differences

    def to_json(self) -> dict[str, Any]:
        """The report, with the differences to the record if they were looked for."""
        compared = {} if self.differences is None else {"differences": list(self.differences)}
        return {**self.report.to_json(), **compared}


def add_to(app: typer.Typer) -> None:
    """Give a command line the command."""
    app.command(name="verify", epilog=_EXAMPLES)(verify_targets)


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        help="Environments, folders of environments, the URL of an MCP server, or after -- the command that "
        "starts one.",
        metavar="TARGET...",
    ),
]
Everything = Annotated[bool, typer.Option("--all", help="Verify every environment.")]
Only = Annotated[
    list[str] | None, typer.Option(help="Only this check, by its id or name; repeat for more.", metavar="ID")
]
ExampleText = Annotated[
    str | None, typer.Option(help="Only judge this example, as a report prints it; needs one --only.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Equal seeds try the same; 0 unless given.")]
HowMuch = Annotated[Level | None, typer.Option(help="How much is tried; standard unless given.")]
Mutants = Annotated[int, typer.Option(min=0, help="How many faults to plant, to see whether anybody notices.")]
AllowWrites = Annotated[
    bool, typer.Option("--allow-writes", help="Call tools that don't claim to only read, on servers by others.")
]
Write = Annotated[bool, typer.Option("--write", help="Keep the record in each folder, as verified.json.")]
Compare = Annotated[
    bool, typer.Option("--check", help="Verify as the record in each folder says, and compare with it.")
]
Html = Annotated[Path | None, typer.Option(help="Write the report as a page as well.", metavar="FILE")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that judge planted faults; as many as there are processors.")
]
FarmAddress = Annotated[
    str | None,
    typer.Option("--farm", envvar="ENVFACTORY_FARM", help="Address of a farm; without it, one in this process."),
]
Token = Annotated[
    str | None, typer.Option("--token", envvar="ENVFACTORY_TOKEN", help="The token that the farm was started with.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value, for machines.")]


def verify_targets(  # noqa: PLR0913, PLR0917 - a command's options
    target: Targets = None,
    everything: Everything = False,
    only: Only = None,
    example: ExampleText = None,
    seed: Seed = None,
    effort: HowMuch = None,
    mutants: Mutants = 0,
    allow_writes: AllowWrites = False,
    write: Write = False,
    check: Compare = False,
    html: Html = None,
    workers: Workers = None,
    farm: FarmAddress = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Try by machine to break what environments promise.

    Calls by chance and at the boundaries of every rule are judged by all checks; what breaks is made as small as it
    gets, and comes with the command that shows it again. Exits with 1 unless all is well.
    """
    if everything and target:
        raise UsageError("--all verifies every environment; leave the names out.")
    if check and (seed is not None or effort is not None):
        raise UsageError("--check takes seed and effort from the record; leave --seed and --effort out.")
    way = Way(farm, token, allow_writes)
    with garbage.looked_for_seldom(), _unlogged():
        named = asyncio.run(every(way)) if everything else targets(target or [], way)
        if example is not None:
            _replay(named, _chosen(only), Example.from_text(example), as_json)
            return
        processes = workers or os.cpu_count() or 1
        plan = Plan(effort or "standard", seed or 0, _chosen(only), not only, mutants, processes, write, check)
        judged = _all(named, plan, quiet=as_json)
    _show(judged, as_json)
    if html is not None:
        _write_page(html, judged, quiet=as_json)
    if not all(one.ok for one in judged):
        raise typer.Exit(1)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the log of failing tools silent: whether they may fail is what the checks judge."""
    log = logging.getLogger("servers.runtime.tool")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _chosen(only: Sequence[str] | None) -> tuple[Check, ...]:
    """The checks of these ids or names; all without any."""
    known = all_checks()
    if not only:
        return known
    by_word = {word.lower(): check for check in known for word in (check.id, check.name)}
    for word in only:
        if word.lower() not in by_word:
            ids = [check.id for check in known]
            raise UsageError(f"There is no check '{word}'{did_you_mean(word.upper(), ids)}")
    return tuple(dict.fromkeys(by_word[word.lower()] for word in only))


def _replay(named: Sequence[Target], checks: Sequence[Check], example: Example, as_json: bool) -> None:
    """Judge one example, say what breaks it, and exit with 1 if anything does."""
    if len(named) != 1 or len(checks) != 1:
        raise UsageError("--example is judged by one check on one target; give one --only and one target.")
    sentence = asyncio.run(_judged(named[0], checks[0], example))
    if as_json:
        typer.echo(json.dumps({"check": checks[0].id, "broken": sentence is not None, "sentence": sentence}))
    elif sentence is None:
        typer.echo(f"Nothing breaks {checks[0].id} in this example: {checks[0].sentence}")
    else:
        typer.echo(f"{checks[0].id} is broken: {sentence}")
    if sentence is not None:
        raise typer.Exit(1)


async def _judged(target: Target, check: Check, example: Example) -> str | None:
    async with target.open() as opened:
        lacking = sorted(check.needs - opened.abilities)
        if lacking:
            raise VerifyError(f"{check.id} can't be judged here: {WHY_NOT[lacking[0]]}.")
        subject = opened.inner if check.needs & INSIDE and opened.inner is not None else opened.subject
        return await check.judge(subject, example)


def _all(named: Sequence[Target], plan: Plan, *, quiet: bool) -> list[Judged]:
    """Verify each target as planned."""
    needs_folder = {"--mutants": plan.mutants, "--write": plan.write, "--check": plan.compare}
    for option in (option for option, wanted in needs_folder.items() if wanted):
        for target in named:
            if target.loaded is None:
                raise UsageError(f"{option} needs the environment's folder, which {target.title} hasn't here.")
    if plan.write and (plan.compare or not plan.whole):
        raise UsageError("--write keeps the record of all checks; leave --only and --check out.")
    if plan.compare and not plan.whole:
        raise UsageError("--check compares the record of all checks; leave --only out.")
    with terminal.Watch(quiet=quiet) as watch:
        return [_one(target, plan, watch) for target in named]


def _one(target: Target, plan: Plan, watch: terminal.Watch) -> Judged:
    loaded = target.loaded
    if plan.compare:
        assert loaded is not None
        return _compared(target, loaded, plan, watch)
    report = _verified(target, plan, watch)
    if plan.mutants:
        assert loaded is not None
        watch.says(f"[cyan]{target.title}[/] planting {plan.mutants} faults")
        faults = Faults(plan.mutants, plan.seed, plan.workers)
        report = report.model_copy(update={"mutation": installed().mutation(loaded, faults)})
    if plan.write and loaded is not None:
        _keep(loaded, report, plan.level)
    return Judged(report)


def _verified(target: Target, plan: Plan, watch: terminal.Watch) -> Report:
    """The battery's report, with the share of lines that ran where that can be seen."""
    effort = replace(EFFORTS[plan.level], seed=plan.seed)
    if target.loaded is None:
        return asyncio.run(_battery(target, effort, plan.checks, watch))
    lines = installed().lines(target.loaded.folder)
    with ExitStack() as stack:
        with watch.still():
            aside = stack.enter_context(Aside(_words(target.loaded)))
        report = asyncio.run(_battery(target, effort, plan.checks, watch, Beside(aside, lines)))
    return report.model_copy(update={"coverage": lines.share()})


async def _battery(
    target: Target, effort: Effort, checks: Sequence[Check], watch: terminal.Watch, beside: Beside | None = None
) -> Report:
    async with target.open() as opened:
        async for event in verify(opened.subject, effort, checks, inner=opened.inner, beside=beside):
            watch.on(opened.subject.name, event)
            if isinstance(event, Verified):
                return event.report
    raise VerifyError(f"Verifying {target.title} ended without a report.")


def _words(loaded: Loaded) -> str:
    """What names an environment to another process."""
    return loaded.name if loaded.registered else str(loaded.folder.resolve())


def _compared(target: Target, loaded: Loaded, plan: Plan, watch: terminal.Watch) -> Judged:
    """Verify as the record says, and compare."""
    kept = installed().kept(loaded)
    report = _verified(target, replace(plan, level=kept.level, seed=kept.seed), watch)
    if plan.mutants and kept.mutants:
        watch.says(f"[cyan]{target.title}[/] planting {min(plan.mutants, len(kept.mutants))} of the recorded faults")
        mutation = installed().mutation(loaded, _sampled(kept, plan))
        report = report.model_copy(update={"mutation": mutation})
    return Judged(report, tuple(installed().differences(loaded, report)))


def _sampled(kept: Kept, plan: Plan) -> Faults:
    """Some of the recorded mutants, which ones following from what was verified."""
    count = min(plan.mutants, len(kept.mutants))
    chosen = random.Random(kept.digest).sample(sorted(kept.mutants), count)
    return Faults(count, kept.mutation_seed, plan.workers, frozenset(chosen))


def _keep(loaded: Loaded, report: Report, level: Level) -> None:
    if report.verified:
        said = f"[green]✓[/] kept in {escape(str(installed().keep(loaded, report, level)))}"
    else:
        said = f"[red]✗[/] nothing is kept for {escape(loaded.name)}: it isn't verified"
    Console(stderr=True).print(said, highlight=False, soft_wrap=True)


def _show(judged: Sequence[Judged], as_json: bool) -> None:
    if as_json:
        values = [one.to_json() for one in judged]
        typer.echo(json.dumps(values if len(values) > 1 else values[0], ensure_ascii=False))
        return
    out = Console(width=None if sys.stdout.isatty() else 160)
    for one in judged:
        if one.differences is None or not one.report.verified:
            out.print(terminal.report(one.report), highlight=False, crop=False)
            out.print()
        if one.differences is not None:
            out.print(terminal.differences(one.report.name, one.differences), highlight=False)


def _write_page(path: Path, judged: Sequence[Judged], *, quiet: bool) -> None:
    from envfactory_client.verify.page import page

    text = page([one.report for one in judged])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written ({error.strerror}); --html takes a file.") from error
    Console(stderr=True, quiet=quiet).print(f"[green]✓[/] {escape(str(path))}", highlight=False, soft_wrap=True)
