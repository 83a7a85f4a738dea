"""Shrinking: leaving things out of an example for as long as the check still fails in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from envfactory_client.verify.example import Example

Judge = Callable[[Example], Awaitable[str | None]]


async def shrunk(example: Example, sentence: str, judge: Judge, *, budget: int = 60) -> tuple[Example, str]:
    """The smallest example found in which the check still fails, and what it says of it.

    Half of the steps before the last are left out, then quarters, down to single ones; then edits, then optional
    arguments of the last call. At most `budget` examples are tried.
    """
    best, said = example, sentence
    left = budget
    progress = True
    while progress and left > 0:
        progress = False
        for candidate in _smaller(best):
            if left <= 0:
                break
            left -= 1
            verdict = await judge(candidate)
            if verdict is not None:
                best, said, progress = candidate, verdict, True
                break
    return best, said


def _smaller(example: Example) -> Iterator[Example]:
    steps = example.steps
    earlier = len(steps) - 1
    size = earlier
    while size >= 1:
        for start in range(0, earlier, size):
            kept = (*steps[:start], *steps[min(start + size, earlier) :])
            if len(kept) < len(steps):
                yield example.model_copy(update={"steps": kept})
        size //= 2
    for place in range(len(example.edits)):
        kept_edits = (*example.edits[:place], *example.edits[place + 1 :])
        yield example.model_copy(update={"edits": kept_edits})
    if steps and steps[-1].tool is not None:
        for name in steps[-1].arguments:
            arguments = {key: value for key, value in steps[-1].arguments.items() if key != name}
            last = steps[-1].model_copy(update={"arguments": arguments})
            yield example.model_copy(update={"steps": (*steps[:-1], last)})
