"""The battery: every check on one subject, as a stream of events that ends in a report.

The oracles judge the calls of shared walks; each experiment makes its own. Nothing here prints: the command line
shows the events as they come.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from envfactory_client.errors import EnvFactoryError
from envfactory_client.verify.aside import MOST_VIOLATIONS, Aside, Shown, Tried, Work, chosen, merged, verdict
from envfactory_client.verify.bench import Bench, Effort
from envfactory_client.verify.check import Broken, Check, Experiment, Oracle, Violation
from envfactory_client.verify.example import Example
from envfactory_client.verify.foreign_subject import ForeignSubject
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.report import CheckReport, Reached, Report
from envfactory_client.verify.shrink import shrunk
from envfactory_client.verify.subject import WHY_NOT, Subject

_SIGN_OF_LIFE = 20
"""Calls after which the walks are heard of again."""
_NOTHING_TO_JUDGE = "nothing came about that it judges"


@dataclass(frozen=True)
class Began:
    """A check begins."""

    check: Check
    place: int
    """Its number in the order in which they end."""
    of: int


@dataclass(frozen=True)
class Walking:
    """The shared walks have made so many calls."""

    calls: int


@dataclass(frozen=True)
class Found:
    """A check found a violation."""

    violation: Violation


@dataclass(frozen=True)
class Ended:
    """A check has ended."""

    report: CheckReport


@dataclass(frozen=True)
class Verified:
    """All checks have ended."""

    report: Report


Event = Began | Walking | Found | Ended | Verified


@dataclass(frozen=True)
class Beside:
    """What runs beside the battery."""

    aside: Aside
    lines: AbstractContextManager[None]
    """Entered while the shared walks are made here, which are to run every line that there is."""


async def verify(
    subject: Subject,
    effort: Effort | None = None,
    checks: Sequence[Check] | None = None,
    *,
    inner: Subject | None = None,
    beside: Beside | None = None,
) -> AsyncIterator[Event]:
    """Every check on a subject: events as it goes, with `Verified` as the last.

    `inner` is the same environment inside this process, for the checks that need to look there. With `beside`, the
    walks by chance and some experiments are made aside.
    """
    asked = all_checks() if checks is None else tuple(checks)
    bench = Bench(subject, effort or Effort(), inner)
    able = [check for check in asked if check.needs <= bench.abilities]
    finds = Findings(bench)
    oracles = [check for check in able if isinstance(check, Oracle)]
    experiments = [check for check in able if isinstance(check, Experiment)]
    begun = _begun(beside.aside, bench.effort, oracles, experiments) if beside is not None and able else None
    if able:
        yield Walking(0)
        with nullcontext() if beside is None else beside.lines:
            async for found in finds.of_walks(oracles, by_chance=begun is None):
                yield Walking(bench.calls) if found is None else Found(found)
    back = [check for check in experiments if check.looks_back]
    alone = _in_turn_aside(experiments)[::-1]  # the first may be made aside
    if begun is not None:
        while alone and not begun.walks.is_done:
            async for event in _tried(finds, alone.pop(0), len(able), begun):
                yield event
        async for violation in finds.of_walks_aside(oracles, await begun.walks.done()):
            yield Found(violation)
        yield Walking(bench.calls)
    for oracle in oracles:
        yield finds.ended(oracle)
    for check in back + alone:
        async for event in _tried(finds, check, len(able), begun):
            yield event
    yield Verified(_report(bench, [finds.report(check) for check in asked]))


async def _tried(finds: Findings, check: Experiment, of: int, begun: _Begun | None) -> AsyncIterator[Event]:
    """Make an experiment here, unless it is under way aside, or wait for what comes of it there."""
    yield Began(check, finds.done + 1, of)
    async for violation in finds.of_experiment(check, None if begun is None else begun.experiments.get(check.id)):
        yield Found(violation)
    yield finds.ended(check)


@dataclass(frozen=True)
class _Begun:
    """What is under way aside."""

    walks: Work[Shown]
    experiments: Mapping[str, Work[Tried]]


def _begun(aside: Aside, effort: Effort, oracles: Sequence[Oracle], experiments: Sequence[Experiment]) -> _Begun:
    walks = aside.walks(effort, [oracle.id for oracle in oracles])
    alone = _in_turn_aside(experiments)
    return _Begun(walks, {check.id: aside.experiment(effort, check.id) for check in alone})


def _in_turn_aside(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments that may be made aside: lengthy ones first, so that nobody waits for one in the end."""
    return sorted((check for check in experiments if not check.looks_back), key=lambda check: not check.lengthy)


class Findings:
    """Violations as they are found, each once and as small as it gets."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._found: dict[str, list[Violation]] = {}
        self._known: set[tuple[str, str | None]] = set()
        self.done = 0
        """How many checks have ended."""

    def ended(self, check: Check) -> Ended:
        """Count a check as ended, and say what came of it."""
        self.done += 1
        return Ended(self.report(check))

    async def of_walks(self, oracles: Sequence[Oracle], *, by_chance: bool) -> AsyncIterator[Violation | None]:
        """What the oracles have against the calls of the shared walks; None now and then, as a sign of life."""
        async for walked in self._bench.walked(by_chance=by_chance):
            if self._bench.calls % _SIGN_OF_LIFE == 0:
                yield None
            for oracle in oracles:
                broken = verdict(self._bench, oracle, walked)
                violation = None if broken is None else await self.of_walk(oracle, broken)
                if violation is not None:
                    yield violation

    async def of_walk(self, check: Check, broken: Broken) -> Violation | None:
        """What an oracle found, unless it is known to be so of this tool."""
        return None if (check.id, broken.tool) in self._known else await self._violation(check, broken)

    async def of_walks_aside(self, oracles: Sequence[Oracle], shown: Shown) -> AsyncIterator[Violation]:
        """What the oracles have against calls that were made aside, which are counted as if they were made here."""
        merged(self._bench, shown)
        for check, broken in chosen(shown, oracles):
            if (violation := await self.of_walk(check, broken)) is not None:
                yield violation

    async def of_experiment(self, check: Experiment, work: Work[Tried] | None = None) -> AsyncIterator[Violation]:
        """What an experiment finds, here unless it is under way aside."""
        if work is None or work.taken_back():
            async for broken in check.probe(self._bench):
                if (check.id, broken.tool) not in self._known:
                    yield await self._violation(check, broken)
                if len(self._found.get(check.id, ())) >= MOST_VIOLATIONS:
                    return
            return
        tried = await work.done()
        self._bench.tried(check, tried.times)
        for broken in tried.broken:
            yield await self._violation(check, broken)

    async def _violation(self, check: Check, broken: Broken) -> Violation:
        subject = self._bench.subject_of(check)
        self._known.add((check.id, broken.tool))

        async def judge(example: Example) -> str | None:
            try:
                return await check.judge(subject, example)
            except EnvFactoryError:
                return None  # an example that can't even begin shows nothing

        example, sentence = broken.example, broken.sentence
        if "harness" in subject.abilities or isinstance(subject, ForeignSubject):
            example, sentence = await shrunk(example, sentence, judge)
        violation = Violation(
            check=check.id,
            severity=check.severity,
            tool=broken.tool,
            sentence=sentence,
            example=example,
            replay=replay_command(self._bench.subject.target, check, example.to_text()),
        )
        self._found.setdefault(check.id, []).append(violation)
        return violation

    def report(self, check: Check) -> CheckReport:
        """What there is to say of one check by now."""
        found = tuple(self._found.get(check.id, ()))
        lacking = sorted(check.needs - self._bench.abilities)
        tried = self._bench.counts[check.id]
        why = "; ".join(WHY_NOT[ability] for ability in lacking) or ("" if found or tried else _idle(self._bench))
        return CheckReport(
            id=check.id,
            name=check.name,
            sentence=check.sentence,
            severity=check.severity,
            outcome="skipped" if why else "broken" if found else "passed",
            tried=tried,
            skipped_because=why or None,
            violations=found,
        )


def _idle(bench: Bench) -> str:
    """Why a check that could be judged had nothing to look at."""
    return _NOTHING_TO_JUDGE if bench.subject.tools else WHY_NOT["writes"]


def replay_command(target: str, check: Check, example: str) -> str:
    """The command that shows an example again."""
    return f"envfactory verify --only {check.id} --example {shlex.quote(example)} {target}"


def _report(bench: Bench, checks: Iterable[CheckReport]) -> Report:
    return Report(
        name=bench.subject.name,
        target=bench.subject.target,
        version=_version(bench.subject),
        seed=bench.effort.seed,
        calls=bench.calls,
        checks=tuple(checks),
        reached=tuple(_reached(bench, name) for name in bench.subject.tools),
    )


def _version(subject: Subject) -> str | None:
    """The version that a subject says it has."""
    if isinstance(subject, ForeignSubject):
        return subject.version
    return str(subject.facts.source.manifest.get("version")) if subject.facts is not None else None


def _reached(bench: Bench, tool: str) -> Reached:
    codes = bench.subject.facts.refuses(tool) if bench.subject.facts is not None else {}
    return Reached(
        tool=tool,
        successes=bench.reached[tool, ""],
        refusals={code: bench.reached[tool, code] for code in codes},
        boundaries=tuple(code for code in codes if (tool, code) in bench.at_boundary),
    )
