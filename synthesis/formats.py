"""The formats that we write and read, as JSON Schemas: `python -m synthesis.formats` writes docs/schemas anew.

Each format is a pydantic model that has a page in docs/; the schema is generated, so that the two can't differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel

from envfactory_client import RewardSpec, Trajectory
from envfactory_client.logical_form import Intent
from envfactory_client.tool import Contract
from synthesis.phrases import Phrases

FORMATS: Final[Mapping[str, type[BaseModel]]] = {
    "contract-1": Contract,
    "logical_form-1": Intent,
    "phrases-1": Phrases,
    "reward-1": RewardSpec,
    "trajectory-1": Trajectory,
}
"""File name to the model that it describes."""
FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one format."""
    described = FORMATS[name].model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:envfactory:{name.replace('-', ':')}",
        **described,
    }


def texts() -> dict[Path, str]:
    """The files of docs/schemas with what each should hold."""
    return {FOLDER / f"{name}.json": json.dumps(schema(name), indent=1, ensure_ascii=False) + "\n" for name in FORMATS}


def stale() -> list[Path]:
    """The files that hold something else, or are missing."""
    return [path for path, text in texts().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")] = False,
) -> None:
    """Write the JSON Schemas of all formats into docs/schemas, or say which are out of date."""
    old = stale()
    if check:
        for path in old:
            typer.echo(f"{path} isn't up to date; run `python -m synthesis.formats`.", err=True)
        raise typer.Exit(1 if old else 0)
    FOLDER.mkdir(exist_ok=True)
    for path in old:
        path.write_text(texts()[path], encoding="utf-8")
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
