"""The mutation gate: it changes an environment's code in many small ways and asks its killers which they notice.

Each mutant is judged in a forked process of its own, so a crash or an endless loop costs one mutant. Contracts are
asked first, the environment's own tests about the mutants that these let live. A statement that takes many times what
any takes without a change is noticed, too.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from servers.runtime import Environment, Episode
from servers.runtime.errors import ScenarioError
from synthesis.battery.mutation.forks import Forks, Report, Say, end
from synthesis.battery.mutation.load import Scenario, Stillborn, environment_of, import_server, write_mutant
from synthesis.battery.mutation.meter import Meter, ceiling_over
from synthesis.battery.mutation.mutant import Mutant
from synthesis.battery.mutation.places import uses
from synthesis.battery.mutation.sample import UNSEEN, mutants, sample
from synthesis.battery.mutation.tests_of import TEST_FILE, Reach, covering, run_tests

Killer = Callable[[Environment, Mutant], str | None]
"""Gives the sentence of the first thing that it notices about a mutant, or None."""
Look = Callable[[Environment], str | None]
"""Gives the sentence of the first thing that it notices about an environment without a mutant, or None."""
KilledBy = Literal["start", "contracts", "tests"]
MOST_SECONDS = 60.0
_MOST_WARMING_SECONDS = 600.0


class GateError(Exception):
    """The gate can't judge mutants, because a killer complains of the unchanged environment."""


@dataclass(frozen=True)
class Verdict:
    """What the killers said of one mutant; `contracts` and `tests` are None where they noticed nothing."""

    mutant: Mutant
    contracts: str | None
    """What the contracts, or the start of an episode, showed."""
    tests: str | None
    """What the tests showed; they are only asked about what the contracts let live."""
    killed_by: KilledBy | None
    seconds: float
    contracts_seconds: float = 0.0
    tests_seconds: float = 0.0

    @property
    def sentence(self) -> str | None:
        """What was noticed first; None of a survivor."""
        return self.contracts or self.tests


@dataclass(frozen=True)
class Bench:
    """What every judgement of one gate needs."""

    folder: Path
    workspace: Path
    contracts: Killer
    scenario: Scenario
    ceiling: int
    """Thousands of instructions that one statement may take."""
    reaches: Sequence[Reach] = ()
    users: Mapping[str, Collection[str]] = field(default_factory=dict)


def run_gate(  # noqa: PLR0913 - what to judge, by whom, and how much of it
    folder: Path,
    *,
    contracts: Killer,
    unchanged: Look | None = None,
    count: int = 60,
    seed: int = 0,
    workers: int = 2,
    tests: bool = True,
    without: Collection[str] = UNSEEN,
    only: Collection[str] | None = None,
    most_seconds: float = MOST_SECONDS,
    progress: Callable[[Verdict], None] | None = None,
) -> list[Verdict]:
    """Judge `count` mutants of an environment's folder, fewer if it has fewer, in the order of the sample.

    With `only`, the mutants of these ids and no others are judged. `unchanged` looks at the environment as it is, as
    `contracts` would; what it asks of SQLite there is the measure of what mutants may ask, beside what the tests ask.

    Raises `GateError` when `unchanged` or the tests complain.
    """
    with ExitStack() as stack:
        workspace = Path(tempfile.mkdtemp(prefix="envfactory-mutants-"))
        stack.callback(shutil.rmtree, workspace, ignore_errors=True)
        warming = _Warming(folder.resolve(), workspace, seed)
        stack.callback(warming.close)
        warming.start(unchanged, tests=tests)
        found = mutants(folder, without=without)
        sampled = sample(found, len(found), seed, without=without)
        queue = [mutant for mutant in sampled if only is None or mutant.id in only]
        forks: Forks[Mutant] = Forks(workers, most_seconds)
        stack.callback(forks.close)
        return _judged(warming.bench(contracts), queue, forks, count, progress)


def _judged(
    bench: Bench, queue: Sequence[Mutant], forks: Forks[Mutant], count: int, progress: Callable[[Verdict], None] | None
) -> list[Verdict]:
    """Judge the first `count` mutants that aren't stillborn.

    What much of the code uses comes first: it takes longest, and nobody should wait for it at the end.
    """
    verdicts: dict[str, Verdict] = {}
    first = sorted(queue[:count], key=lambda mutant: -len(bench.users.get(mutant.where, ())))
    waiting = iter([*first, *queue[count:]])
    while True:
        while forks.has_room and len(verdicts) + forks.running < count and (mutant := next(waiting, None)):
            forks.start(mutant, partial(judge, bench, mutant))
        if not forks.running:
            break
        mutant, report = forks.next()
        if (verdict := _verdict(mutant, report)) is not None:
            verdicts[mutant.id] = verdict
            if progress:
                progress(verdict)
    return [verdicts[mutant.id] for mutant in queue if mutant.id in verdicts]


# Before the first mutant ---------------------------------------------------------------------------------------------


class _Warming:
    """What is done once for all mutants: the unchanged environment is loaded, looked at and tested."""

    def __init__(self, folder: Path, workspace: Path, seed: int) -> None:
        self._folder, self._workspace = folder, workspace
        self._forks: Forks[str] = Forks(2, _MOST_WARMING_SECONDS)
        self._copy = write_mutant(folder, None, workspace)
        environment = environment_of(import_server(self._copy))
        self._scenario = Scenario(environment, {0, 1, seed, seed + 1})  # the worlds that almost every mutant needs
        self._scenario.serve(environment)
        with Episode.open([environment]).active():  # a fork inherits what this imports and builds
            pass

    def start(self, unchanged: Look | None, *, tests: bool) -> None:
        """Begin to look and to test, each in a process of its own."""
        if tests and (self._folder / TEST_FILE).exists():
            self._forks.start("tests", partial(_tested, self._copy))
        if unchanged is not None:
            self._forks.start("contracts", partial(_looked_at, self._copy, unchanged))

    def close(self) -> None:
        """End what is still under way."""
        self._forks.close()

    def bench(self, contracts: Killer) -> Bench:
        """Give the bench once all is done; raises `GateError` for an environment that is itself complained of."""
        said: dict[str, Any] = {"reaches": ()}
        largest = 0
        for who, report in [self._forks.next() for _ in range(self._forks.running)]:
            if report.ended is not None or report.said["failure"]:
                reason = report.ended or report.said["failure"]
                raise GateError(f"The {who} of {self._folder.name} fail as it is: {reason}")
            said |= report.said
            largest = max(largest, report.said["largest"])
        ceiling = ceiling_over(largest)
        reaches = tuple(said["reaches"])
        return Bench(self._folder, self._workspace, contracts, self._scenario, ceiling, reaches, uses(self._folder))


def _tested(copy: Path, say: Say) -> None:
    entered: set[str] = set()
    with Meter().running() as meter:
        run = run_tests(copy, import_server(copy, entered), entered=entered)
    say("failure", run.failure)
    say("reaches", run.reaches)
    say("largest", meter.largest)


def _looked_at(copy: Path, unchanged: Look, say: Say) -> None:
    with Meter().running() as meter:
        say("failure", unchanged(environment_of(import_server(copy))))
    say("largest", meter.largest)


# One mutant, in its own process --------------------------------------------------------------------------------------


def judge(bench: Bench, mutant: Mutant, say: Say) -> None:
    """Ask the killers about one mutant and say what each answers, as soon as it does."""
    logging.disable(logging.CRITICAL)
    say("stage", "start")
    copy = write_mutant(bench.folder, mutant, bench.workspace)
    with Meter(bench.ceiling, partial(end, say)).running():
        try:
            module = import_server(copy)
            environment = environment_of(module)
        except Stillborn as reason:
            say("stillborn", str(reason))
            return
        bench.scenario.serve(environment)
        _ask(bench, mutant, _Loaded(copy, module, environment), say)
    shutil.rmtree(copy.parent, ignore_errors=True)


@dataclass(frozen=True)
class _Loaded:
    copy: Path
    module: ModuleType
    environment: Environment


def _ask(bench: Bench, mutant: Mutant, loaded: _Loaded, say: Say) -> None:
    began = time.perf_counter()
    noticed = _opened(loaded.environment)
    if noticed is None:
        say("stage", "contracts")
        noticed = bench.contracts(loaded.environment, mutant)
    say("contracts", noticed)
    say("contracts_seconds", time.perf_counter() - began)
    if noticed is None and bench.reaches:
        say("stage", "tests")
        began = time.perf_counter()
        chosen = covering(mutant, bench.reaches, bench.users)
        say("tests", run_tests(loaded.copy, loaded.module, chosen).failure)
        say("tests_seconds", time.perf_counter() - began)


def _opened(environment: Environment) -> str | None:
    """Give why the environment's own scenario doesn't start any more."""
    try:
        Episode.open([environment]).close()
    except ScenarioError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a changed server.py may fail in any way, and that is seen at the start
        return f"No episode opens: {type(error).__name__}: {error}"
    return None


def _verdict(mutant: Mutant, report: Report) -> Verdict | None:
    """Give the verdict that a process left; none for a stillborn mutant."""
    said = report.said
    if "stillborn" in said:
        return None
    stage = said.get("stage", "start")
    contracts, tests = said.get("contracts"), said.get("tests")
    if report.ended is not None:
        contracts, tests = (contracts, report.ended) if stage == "tests" else (report.ended, None)
    killed_by = stage if contracts or tests else None
    spent = said.get("contracts_seconds", 0.0), said.get("tests_seconds", 0.0)
    return Verdict(mutant, contracts, tests, killed_by, report.seconds, *spent)
