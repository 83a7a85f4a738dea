"""A dataset card: what Hugging Face shows of a dataset, with figures counted from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from envfactory_client.exports.figures import Figures, weight

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_COLUMNS = {
    "id": "the digest of the whole trajectory",
    "environments": "the environments whose tools were offered",
    "seed, index": "the seed of the run, and the index in it",
    "world_seed, now": "the seed of the world, and its clock at the start",
    "turns, calls": "how many turns there are, and how many calls the agent makes",
    "user_calls": "calls of the user's own tools; these are in no message, the user's next message tells of them",
    "refusals": "the codes of refusals that the agent met",
    "goals, outcomes": "the tool that each goal ends in, and whether it is *done*, *answer*ed or *refuse*d",
    "messages": "the dialogue in OpenAI's form: system, user, assistant with calls, tool; `arguments` is JSON text",
    "tools": "the tools in OpenAI's form, as JSON text",
}
_TEXT = """\
# {name}

{trajectories} conversations between a user and an agent who works with the tools of simulated environments. Every call
was executed against a real state, and its result is what the tool answered. The people in it are made up.

## Load it

```python
import json

from datasets import load_dataset

rows = load_dataset("path/to/this/folder", split="train")
tools = json.loads(rows[0]["tools"])
```

Trainers that read the columns `messages` and `tools` take it as it is. Some chat templates want the arguments of a tool
call as an object: parse `arguments` for these.

## Columns

| column | holds |
| --- | --- |
{columns}

## Figures

| what | figures |
| --- | --- |
{figures}

## Calls by tool

| tool | calls |
| --- | --- |
{tools}
"""


def mark(first: str) -> str:
    """The line by which an export knows an earlier one of the same dataset, which only ever grows at its end."""
    return f"<!-- Made by `envfactory export --format parquet` from a dataset that begins with {first}. -->"


def dataset_card(figures: Figures, name: str, first: str) -> str:
    """The README.md of a dataset of that name whose first trajectory has that id."""
    text = _TEXT.format(
        name=name,
        trajectories=f"{figures.trajectories:,}",
        columns=_rows({f"`{'`, `'.join(names.split(', '))}`": holds for names, holds in _COLUMNS.items()}),
        figures=_rows(dict(_figures(figures))),
        tools=_rows({f"`{tool}`": calls for tool, calls in _ranked(figures.tools)}),
    )
    return f"{_front_matter(figures, name)}\n{mark(first)}\n\n{text}"


def _front_matter(figures: Figures, name: str) -> str:
    size = next((size for limit, size in _SIZES if figures.trajectories < limit), "1M<n<10M")
    return f"""\
---
pretty_name: {json.dumps(name)}
language:
- en
task_categories:
- text-generation
tags:
- tool-use
- function-calling
- agent
- mcp
- multi-turn
- synthetic
size_categories:
- {size}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---
"""


def _figures(figures: Figures) -> Iterator[tuple[str, str]]:
    agent, turns = weight(figures.calls), weight(figures.turns)
    yield "trajectories", f"{figures.trajectories:,}"
    yield "environments", _shares(figures.environments)
    yield "turns", f"{turns:,} ({turns / figures.trajectories:.1f} each)"
    yield "trajectories by turns", _by_number(figures.turns)
    yield "calls of the agent", f"{agent:,} ({agent / figures.trajectories:.1f} each)"
    yield "trajectories by calls", _by_number(figures.calls)
    yield "calls of the user", f"{figures.user_calls:,}"
    yield "goals by outcome", _shares(figures.outcomes)
    yield "refusals by code", _shares(figures.refusals)
    yield "descriptions by kind", _shares(figures.references)
    yield "arguments by source", _shares(figures.sources)


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Counts from the highest, and by name where they are equal."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _shares(counts: Counter[str]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in _ranked(counts)) or "none"


def _by_number(counts: Counter[int]) -> str:
    return ", ".join(f"{number}: {count:,}" for number, count in sorted(counts.items()))


def _rows(cells: Mapping[str, Any]) -> str:
    return "\n".join(f"| {name} | {value} |" for name, value in cells.items())
