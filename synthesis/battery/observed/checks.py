"""The check that contracts say what tools do, for environments that are loaded in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

from envfactory_client.verify.bench import Bench
from envfactory_client.verify.check import Broken, Experiment
from envfactory_client.verify.example import Example
from envfactory_client.verify.subject import Ability, Subject
from synthesis.battery.direct import DirectSubject
from synthesis.battery.observed.comparison import compare
from synthesis.battery.observed.observation import Pace, observe

_NEEDS: frozenset[Ability] = frozenset({"inside", "contracts"})


class Links(Experiment):
    """D3: what tools declare is what they were observed to do."""

    id, name = "D3", "links"
    lengthy = True
    sentence = "What tools declare of their parameters, results, changes and links is what is observed of them."
    needs = _NEEDS

    async def probe(self, bench: Bench) -> AsyncIterator[Broken]:
        """Observe all tools together and give what each declares otherwise."""
        environment = _direct(bench.inner).environment
        chosen = [tool.name for tool in bench.tools]
        observed = observe(environment, chosen, Pace(seed=bench.effort.seed))
        bench.tried(self, sum(tool.calls for tool in observed.tools.values()))
        for found in compare(environment, observed):
            twist = {"tool": found.tool, "where": found.where}
            yield Broken(found.sentence, Example(seed=bench.effort.seed, twist=twist), found.tool)

    async def judge(self, subject: Subject, example: Example) -> str | None:
        """Observe the one tool again that the example names; all, if it names none."""
        environment = _direct(subject).environment
        tool, where = example.twist.get("tool"), example.twist.get("where")
        chosen = [tool] if tool in environment.tools else None
        for found in compare(environment, observe(environment, chosen, Pace(seed=example.seed))):
            if tool in (None, found.tool) and where in (None, found.where):
                return found.sentence
        return None


def _direct(subject: Subject) -> DirectSubject:
    assert isinstance(subject, DirectSubject)
    return subject
