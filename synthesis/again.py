"""Again: a request that was refused is taken up once more, as soon as what stood in its way is gone.

The user has approved or paid, or has decided against it, and says once more what they wanted. It is executed and proved
as any other request is.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthesis.choose import PLACEHOLDER, Choice
from synthesis.draft import DraftStep, DraftTurn
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.ground import Grounding, attempt
from synthesis.stage import Stage


async def ground_again(stage: Stage, refused: DraftTurn) -> DraftTurn:
    """Give a turn that asks again for what was refused, with its look-ups and call executed, or raise `Drop`."""
    environment, _, tool = refused.goals[-1].tool.partition(".")
    step = stage.draft.steps[refused.steps[-1]]
    if step.tool != tool or step.refusal is None or len(refused.goals) > 1 or not refused.clauses[0].template:
        raise Drop("not_again", refused.goals[-1].tool)
    there, turn = stage.at(environment), DraftTurn(again=True)
    kind = GoalKind(environment, tool, "done")
    await attempt(_Again(there, kind, there.catalogue.tools[tool], again=(refused, step)), turn)
    return turn


@dataclass
class _Again(Grounding):
    """A goal with the arguments of a call that was refused."""

    again: tuple[DraftTurn, DraftStep] | None = None

    async def choice(self) -> Choice:
        """Give what was asked for before, said plainly; raises `Drop` where a value came from yet another request."""
        assert self.again is not None
        refused, step = self.again
        catalogue, tool = self.stage.catalogue, self.tool.name
        named = [name for _, name, mention in refused.mentions if mention.value == step.arguments.get(name)]
        rows = {name: (mention.table, catalogue.slot(tool, name)) for _, name, mention in refused.mentions}
        facts = {name: fact for name in step.arguments if (fact := catalogue.fact(tool, name))}
        plain = step.arguments.keys() - rows.keys() - facts.keys()
        said = {name: str(step.origins[name].text) for name in plain if step.origins[name].source == "explicit"}
        if said.keys() != plain or len(named) < len(refused.mentions):
            raise Drop("not_again", self.tool.full_name)
        return Choice(self._plainly(refused.clauses[0].template), dict(step.arguments), rows, said, facts)

    def _plainly(self, template: str) -> str:
        """Give a request with the same places as another one, by its verb alone where there is such a one."""
        places = set(PLACEHOLDER.findall(template)) - {"goal"}
        asks = [ask for ask in self.stage.catalogue.said(self.tool.name).asks if ask.startswith("{goal} {")]
        alike = [ask for ask in asks if set(PLACEHOLDER.findall(ask)) - {"goal"} == places]
        return str(self.stage.pick(alike)) if alike else template
