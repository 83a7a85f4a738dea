"""The check that contracts say what tools do, for environments that are loaded in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar

from envfactory_client.verify.check import Broken, Check
from envfactory_client.verify.example import Example
from envfactory_client.verify.subject import Ability, Subject
from synthesis.battery.direct import DirectSubject
from synthesis.battery.observed.comparison import compare
from synthesis.battery.observed.observation import Pace, observe

if TYPE_CHECKING:
    from envfactory_client.verify.bench import Bench


class Links(Check):
    """What tools declare beside what they were observed to do."""

    id: ClassVar[str] = "D3"
    name: ClassVar[str] = "links"
    sentence: ClassVar[str] = "What tools declare of their parameters, results and links is what is observed."
    needs: ClassVar[frozenset[Ability]] = frozenset({"inside", "contracts"})

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Observe all tools together and give what each declares otherwise."""
        if not isinstance(bench.subject, DirectSubject):
            return
        environment = bench.subject.environment
        observed = observe(environment, [tool.name for tool in bench.tools], Pace(seed=bench.effort.seed))
        bench.tried(self, len(observed.tools))
        for found in compare(environment, observed):
            example = Example(seed=bench.effort.seed, twist={"tool": found.tool, "where": found.where})
            yield Broken(found.sentence, example, found.tool)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Observe the one tool again that the example names."""
        tool = example.twist.get("tool")
        if not isinstance(subject, DirectSubject) or tool not in subject.environment.tools:
            return None
        observed = observe(subject.environment, [tool], Pace(seed=example.seed))
        where = example.twist.get("where")
        for found in compare(subject.environment, observed):
            if found.tool == tool and where in (None, found.where):
                return found.sentence
        return None
