"""B16: exploration by hypothesis, which looks for the shortest sequence of calls after which anything is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from envfactory_client.errors import MissingExtra
from envfactory_client.tool import Tool
from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Experiment
from envfactory_client.verify.checks.choices import backend
from envfactory_client.verify.checks.oracles import ORACLES
from envfactory_client.verify.draw import Drawer, fits, narrowed
from envfactory_client.verify.example import Example, Step, call, wait
from envfactory_client.verify.subject import Ability, Session, Subject
from envfactory_client.verify.walk import Watcher

_T = TypeVar("_T")
_RUNS = 25
_STEPS = 20
_WAITS = (60, 3600, 86_400, 5 * 86_400)
_HARNESS: frozenset[Ability] = frozenset({"harness", "contracts"})


class Stateful(Experiment):
    """A state machine whose rules are the tools and whose bundles are the ids that results have shown."""

    id, name = "B16", "stateful"
    lengthy = True
    sentence = (
        "No short sequence of calls, of those that hypothesis thinks of, leads to a call that any check objects to."
    )
    needs = _HARNESS

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Let hypothesis explore in a thread of its own, while sessions stay in this one's event loop."""
        loop = asyncio.get_running_loop()

        def here(work: Coroutine[Any, Any, _T]) -> _T:
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        runs = _Runs(bench, here)
        broken = await asyncio.to_thread(runs.explore)
        bench.tried(self, runs.calls)
        if broken is not None:
            yield broken

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Make the calls, and judge each of them."""
        session = await subject.open(example)
        try:
            watcher = Watcher(subject, session)
            for step in example.steps:
                if (sentence := await judged(watcher, step)) is not None:
                    return sentence
        finally:
            await session.close()
        return None


async def judged(watcher: Watcher, step: Step) -> str | None:
    """What any oracle has against a step."""
    seen = await watcher.step(step)
    if seen is None:
        return None
    able = (oracle for oracle in ORACLES if oracle.needs <= watcher.subject.abilities and oracle.concerns(seen))
    verdicts = (oracle.verdict(seen, watcher.subject) for oracle in able)
    return next((sentence for sentence in verdicts if sentence is not None), None)


class _Wrong(AssertionError):
    """A call that an oracle objects to."""


class _Runs:
    """Hypothesis at work: its runs, and the last one that went wrong."""

    def __init__(self, bench: Bench, here: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.calls = 0
        self._bench = bench
        self._here = here
        self._failed: tuple[list[Step], str] | None = None

    def explore(self) -> Broken | None:
        """The smallest sequence found that goes wrong; None if all goes well."""
        try:
            from hypothesis import HealthCheck, Phase, Verbosity, settings
            from hypothesis.errors import Flaky
            from hypothesis.stateful import run_state_machine_as_test
        except ModuleNotFoundError as error:
            raise MissingExtra("Exploring with hypothesis", "verify") from error
        profile = settings(
            max_examples=_RUNS,
            stateful_step_count=_STEPS,
            derandomize=True,
            backend=backend(),
            database=None,
            deadline=None,
            print_blob=False,
            verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(self._machine(), settings=profile)
        except (_Wrong, Flaky):  # flaky: the same calls went wrong once and not again
            steps, sentence = self._failed or ([], "the same calls lead to something else each time")
            start = Example(seed=self._bench.effort.seed)
            return Broken(sentence, start.then(*steps), steps[-1].tool if steps else None)
        return None

    def _machine(self) -> Any:
        from hypothesis import strategies as st
        from hypothesis.stateful import RuleBasedStateMachine, rule

        runs = self
        names = sorted(self._bench.subject.tools)

        class Calls(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                self.run = _Run(runs)

            @rule(name=st.sampled_from(names), choices=st.lists(st.integers(0, 10**6), min_size=12, max_size=12))
            def call(self, name: str, choices: list[int]) -> None:
                """Call a tool with arguments that the choices pick."""
                self.run.call(name, choices)

            @rule(seconds=st.sampled_from(_WAITS))
            def wait(self, seconds: int) -> None:
                """Let time pass."""
                self.run.step(wait(seconds))

            def teardown(self) -> None:
                """Close the session."""
                self.run.close()

        return Calls

    def opened(self) -> tuple[Session, Watcher]:
        """A fresh session, watched."""
        session = self._here(self._bench.subject.open(Example(seed=self._bench.effort.seed)))
        return session, Watcher(self._bench.subject, session)

    def ask(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of a coroutine of the battery's event loop."""
        result: _T = self._here(work)
        return result

    def failed(self, trail: list[Step], sentence: str) -> None:
        """Keep the last run that went wrong, which is the smallest by the time hypothesis ends."""
        self._failed = list(trail), sentence

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools that are called."""
        return self._bench.subject.tools

    def drawer(self, session: Session) -> Drawer:
        """Where values come from."""
        return Drawer(self._bench.subject, session, self._bench.rng("stateful"))


class _Run:
    """One run of the machine."""

    def __init__(self, runs: _Runs) -> None:
        self._runs = runs
        self._session, self._watcher = runs.opened()
        self._drawer = runs.drawer(self._session)
        self._trail: list[Step] = []

    def call(self, name: str, choices: list[int]) -> None:
        """Call a tool; each choice picks one of the values that a parameter may have."""
        tool = self._runs.tools[name]
        arguments = {}
        for place, (parameter, field) in enumerate(tool.input_schema.get("properties", {}).items()):
            choice = choices[place % len(choices)]
            if parameter in tool.required or choice % 2:
                arguments[parameter] = self._value(tool, parameter, field, choice // 2)
        self.step(call(name, arguments))

    def _value(self, tool: Tool, name: str, field: Mapping[str, Any], choice: int) -> Any:
        form = narrowed(field)
        contract = tool.contract.parameters.get(name) if tool.contract else None
        column = self._drawer.column(contract) if contract is not None else None
        stored = self._runs.ask(self._drawer.stored(column or (contract.sets if contract else None)))
        values = list(form.get("enum", ())) or [value for value in stored if fits(value, form)]
        if values and form.get("type") != "array":
            return values[choice % len(values)]
        return self._runs.ask(self._drawer.value(tool, name, field))

    def step(self, step: Step) -> None:
        """Make a step; what an oracle objects to ends the run."""
        self._trail.append(step)
        self._runs.calls += step.tool is not None
        sentence = self._runs.ask(judged(self._watcher, step))
        if sentence is not None:
            self._runs.failed(self._trail, sentence)
            raise _Wrong(sentence)

    def close(self) -> None:
        """Close the session."""
        self._runs.ask(self._session.close())
