"""A watch: it lets the gates look at a task while it is recorded, when words are spoken and when they are acted on."""

from __future__ import annotations

from dataclasses import replace

from synthesis.draft import Draft, Meant
from synthesis.gates.intent import check_intents
from synthesis.gates.meaning import check_acted_on, check_spoken, check_unique, check_worked_out
from synthesis.memo import Memo
from synthesis.stage import Stage


class Watch:
    """The descriptions of one draft, each due twice: in the turn that says it, and before the call that acts on it."""

    def __init__(self, stage: Stage) -> None:
        self.draft = stage.draft
        self.stage = replace(stage, draft=Draft(self.draft.turns, self.draft.steps), memo=Memo())
        self.stage.draft.locals = dict(self.draft.starts)
        """The states of the recording, which answers are kept by; not the plan's end, where it stands itself."""
        self._due: dict[int, list[Meant]] = {}
        self._writes = 0
        self._spoken_after: dict[int, int] = {}

    async def spoken(self, turn: int) -> None:
        """See to the descriptions that a turn says; those that an earlier call has answered are acted on at once."""
        tools = [tool for catalogue in self.stage.catalogues.values() for tool in catalogue.tools.values()]
        check_intents(self.draft.turns[turn].intents, tools)
        meant = self.draft.turns[turn].meant
        await check_spoken(self.stage, meant)
        to_come = {place for later in self.draft.turns[turn:] for place in later.steps}
        for described in meant:
            self._spoken_after[id(described)] = self._writes
            self._due.setdefault(described.call, []).append(described)
        await check_worked_out(self.stage, self.draft.turns[turn].worked_out)
        await check_acted_on(self.stage, [described for described in meant if described.call not in to_come])

    async def acted_on(self, place: int) -> None:
        """See to the descriptions that a call is about to act on; only a write in between can have moved them."""
        due = self._due.pop(place, [])
        for described in due:
            if self._spoken_after[id(described)] != self._writes:
                await check_unique(self.stage, described, "acted on")
        await check_acted_on(self.stage, due)
        step = self.draft.steps[place]
        self.stage.draft.locals[step.environment] = step.local
        if not self.stage.catalogues[step.environment].tools[step.tool].read_only:
            self._writes += 1
