"""A scripted user: it plays the user's side of a recorded task for a live agent, and needs no model.

It says what the user of the trajectory said, one message after another. Asked for something in between, it tells what
stands on the user's card or what the script holds back for that question, and nothing else: it knows no ids, no rows
and no tools of the agent. What the user does with tools of their own, it does when the script comes to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from envfactory_client.episode import CallResult, Episode
from envfactory_client.trajectory import Trajectory, Turn

MOST_SHRUGS: Final = 3
"""Questions without an answer after which the user goes on to what they want next."""
SHRUG: Final = "I don't know; can you look it up?"
_ANYTHING_ELSE: Final = re.compile(r"\b(anything|something) else\b", re.IGNORECASE)
_CONFIRMS: Final = re.compile(
    r"\b(shall I|should I|would you like me to|do you want me to|go ahead|proceed|confirm)\b", re.IGNORECASE
)
_ASKED_FOR: Final[Mapping[str, re.Pattern[str]]] = {
    "email": re.compile(r"\be-?mail\b", re.IGNORECASE),
    "phone": re.compile(r"\b(phone|telephone|mobile)\b", re.IGNORECASE),
    "born_on": re.compile(r"\b(birthday|date of birth|born)\b", re.IGNORECASE),
    "home": re.compile(r"\b(home ?town|home city|live in|city of residence)\b", re.IGNORECASE),
    "name": re.compile(r"\b(your|full|account holder's?) name\b", re.IGNORECASE),
}


@dataclass
class ScriptedUser:
    """The user of one trajectory; `say` gives each of their messages until it gives None."""

    trajectory: Trajectory
    _next: int = 0
    _shrugs: int = 0
    _given: set[str] = field(default_factory=set)

    @property
    def turn(self) -> Turn | None:
        """The turn of the script that the conversation is in; None before the first message."""
        return self.trajectory.turns[self._next - 1] if self._next else None

    @property
    def is_done(self) -> bool:
        """Whether everything of the script has been said."""
        return self._next == len(self.trajectory.turns)

    async def say(self, heard: str | None = None, episode: Episode | None = None) -> str | None:
        """The user's next message, after the agent's; None when nothing is left to say.

        With an episode, the calls that the user makes on their own side in the script are made before the message
        that tells of them.
        """
        answer = self._answer(heard) if heard is not None and "?" in heard else None
        if answer is not None:
            return answer
        if self.is_done:
            return None
        self._next, self._shrugs = self._next + 1, 0
        turn = self.trajectory.turns[self._next - 1]
        if episode is not None:
            await self._act(turn, episode)
        return turn.user

    def _answer(self, question: str) -> str | None:
        """What the user says to a question, or None to go on with the script."""
        if self.turn is not None and any(goal.outcome == "ask" for goal in self.turn.goals):
            return None
        if _ANYTHING_ELSE.search(question):
            return None
        for fact, words in _ASKED_FOR.items():
            if words.search(question) and fact in self.trajectory.persona and fact not in self._given:
                self._given.add(fact)
                return f"It's {self.trajectory.persona[fact]}."
        if _CONFIRMS.search(question):
            return "Yes, please."
        self._shrugs += 1
        return SHRUG if self._shrugs <= MOST_SHRUGS else None

    @staticmethod
    async def _act(turn: Turn, episode: Episode) -> list[CallResult]:
        """Make the user's own calls of a turn."""
        own = [step for step in turn.steps if step.actor == "user"]
        return [await episode.user.call(step.environment, step.tool, **step.arguments) for step in own]
