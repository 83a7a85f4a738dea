"""Parquet: a folder that Hugging Face's `datasets` loads and its hub shows: data/ and a dataset card.

Messages are OpenAI's; `tools` is JSON text, since the schemas of different tools are no one type. Calls of the user's
own tools are not the agent's and are left out of the messages; `user_calls` counts them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from envfactory_client.errors import DatasetError, MissingExtra
from envfactory_client.exports.card import dataset_card, mark
from envfactory_client.exports.dialogue import Dialogue
from envfactory_client.exports.figures import Figures
from envfactory_client.exports.openai import compact_json, openai_record
from envfactory_client.exports.staging import Staging

TABLE, CARD = Path("data", "train-00000.parquet"), Path("README.md")
_ROWS = 256
"""Rows that are held in memory and written as one group."""


def parquet_record(dialogue: Dialogue) -> dict[str, Any]:
    """The row of a trajectory."""
    trajectory = dialogue.trajectory
    goals = [goal for turn in trajectory.turns for goal in turn.goals]
    chat = openai_record(dialogue)
    return {
        "id": trajectory.id,
        "environments": [environment.name for environment in trajectory.environments],
        "seed": trajectory.seed[0],
        "index": trajectory.seed[1],
        "world_seed": trajectory.world.seed,
        "now": trajectory.world.now,
        "turns": len(trajectory.turns),
        "calls": len(dialogue.calls),
        "user_calls": len(trajectory.steps) - len(dialogue.calls),
        "refusals": [step.refusal for step in trajectory.steps if step.refusal and step.actor == "agent"],
        "goals": [goal.tool for goal in goals],
        "outcomes": [goal.outcome for goal in goals],
        "messages": chat["messages"],
        "tools": compact_json(chat["tools"]),
    }


class Folder:
    """Writes rows to a table and its card; a folder whose card isn't of the same dataset is foreign."""

    def __init__(self, out: Path, staging: Staging, *, force: bool) -> None:
        try:
            self._arrow, self._parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        except ModuleNotFoundError as error:
            raise MissingExtra("The format 'parquet'", "exports") from error
        if out.exists() and not out.is_dir():
            raise DatasetError(f"{out} isn't a folder; this format is a folder with a table and its card.")
        self.out, self.staging, self.force = out, staging, force
        self._writer: Any = None
        self._rows: list[dict[str, Any]] = []
        self._first = ""
        self._figures = Figures()

    def add(self, dialogue: Dialogue) -> None:
        """Take one row, and write what has gathered."""
        if self._writer is None:
            self._first = dialogue.trajectory.id
            self._keep_foreign()
            self._writer = self._parquet.ParquetWriter(
                self.staging.part(self.out / TABLE), _schema(self._arrow), compression="zstd"
            )
        self._rows.append(parquet_record(dialogue))
        self._figures.add(dialogue.trajectory)
        if len(self._rows) == _ROWS:
            self._flush()

    def finish(self) -> list[Path]:
        """Complete the table, write its card, and give both."""
        self._flush()
        self.close()
        card = dataset_card(self._figures, self.out.resolve().name, self._first)
        self.staging.part(self.out / CARD).write_text(card, encoding="utf-8")
        return [self.out / TABLE, self.out / CARD]

    def close(self) -> None:
        """Close the table."""
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=_schema(self._arrow)))
            self._rows.clear()

    def _keep_foreign(self) -> None:
        card = self.out / CARD
        ours = card.is_file() and mark(self._first) in card.read_text(encoding="utf-8", errors="replace")
        there = [path for path in (card, self.out / TABLE) if path.exists()]
        if there and not ours and not self.force:
            raise DatasetError(
                f"{there[0]} is there already and isn't an earlier export of this dataset; give --force to "
                "replace it, or another --out."
            )


def _schema(arrow: Any) -> Any:
    text, number, texts = arrow.string(), arrow.int64(), arrow.list_(arrow.string())
    function = arrow.struct({"name": text, "arguments": text})
    call = arrow.struct({"id": text, "type": text, "function": function})
    message = {"role": text, "content": text, "tool_calls": arrow.list_(call), "tool_call_id": text}
    numbers = ("seed", "index", "world_seed", "turns", "calls", "user_calls")
    columns = {
        "id": text,
        "environments": texts,
        **dict.fromkeys(numbers[:3], number),
        "now": text,
        **dict.fromkeys(numbers[3:], number),
        **dict.fromkeys(("refusals", "goals", "outcomes"), texts),
        "messages": arrow.list_(arrow.struct(message)),
        "tools": text,
    }
    return arrow.schema(list(columns.items()))
