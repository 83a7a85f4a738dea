"""Write docs/dialogues.md: sixty dialogues as they come, `python -m bench.dialogues [FILE]`.

The run behind it has a fixed seed, and nothing is left out or changed, so what is read there is what the grammar does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from envfactory_client import Farm, Trajectory
from synthesis.campaign import Campaign
from synthesis.folder import RunFolder, Settings

SETTINGS = Settings(seed=60, environments=("airline", "bank", "schedule"), size="small", worlds=40)
COUNT = 60
HEAD = """<!-- Written by `python -m bench.dialogues`; don't edit. -->

# Sixty dialogues, unpicked

The first {count} trajectories of a run over {names} with seed {seed}, in their order. Under each message of the user
stand the calls that follow it. Which of them a strict reader would not accept from a person, and why, is told in
[dialogues_judged.md](dialogues_judged.md).
"""


def page(trajectories: Sequence[Trajectory]) -> str:
    """Give the page of some dialogues."""
    head = HEAD.format(count=len(trajectories), names=", ".join(SETTINGS.environments), seed=SETTINGS.seed)
    return "\n".join((head, *(line for number, one in enumerate(trajectories, 1) for line in _dialogue(number, one))))


def _dialogue(number: int, trajectory: Trajectory) -> Iterator[str]:
    yield f"## {number}\n"
    for turn in trajectory.turns:
        yield f"**User:** {_plain(turn.user)}  "
        calls = [f"`{step.environment}.{step.tool}`" + _marks(step.actor, step.refusal) for step in turn.steps]
        if calls:
            yield f"<sub>{' · '.join(calls)}</sub>  "
        yield f"**Assistant:** {_plain(turn.assistant)}\n"


def _marks(actor: str, refusal: str | None) -> str:
    """Give what is particular about a call: the user's own, or refused."""
    marks = [*(["by the user"] if actor == "user" else []), *([f"refused: {refusal}"] if refusal else [])]
    return f" ({', '.join(marks)})" if marks else ""


def _plain(text: str) -> str:
    """Give a message as Markdown shows it unchanged."""
    for mark in "\\*_<>[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "  \n")


async def made(count: int) -> list[Trajectory]:
    """Give the first trajectories of the run."""
    with TemporaryDirectory() as folder:
        async with Farm.embedded() as farm:
            campaign = Campaign(farm, SETTINGS, RunFolder(Path(folder) / "run"), count)
            campaign.folder.begin(SETTINGS)
            async for _ in campaign.run():
                pass
            return list(campaign.trajectories)


def main(arguments: Sequence[str]) -> None:
    """Write the page."""
    path = Path(arguments[0]) if arguments else Path("docs/dialogues.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(asyncio.run(made(COUNT))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
