"""A manifest: what an environment is called, what it is modelled on, and how it was made."""

from __future__ import annotations

import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from servers.runtime.errors import DefinitionError

RESERVED_NAMES = frozenset(
    {"commands", "episodes", "farm", "healthz", "metrics", "probe", "registry", "runtime", "shipping", "v0"}
)
NAME_PATTERN = r"^[a-z][a-z0-9_]{1,19}$"


class Source(BaseModel):
    """An authentic resource that was consulted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    url: str
    version: str = Field(description="Version or date of what was consulted.")


class Provenance(BaseModel):
    """Where an environment comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made: str = Field(description="By hand, compiled, or by which model.")
    sources: tuple[Source, ...] = Field(min_length=1)


class Manifest(BaseModel):
    """The contents of an environment's manifest.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    title: str = Field(min_length=1, max_length=100)
    domain: str
    summary: str = Field(min_length=1, max_length=100)
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    licence: str
    instructions: str = Field(description="What a model is told about the server as a whole.")
    released: date | None = Field(default=None, description="The day this version was released.")
    provenance: Provenance


def read_manifest(path: Path) -> Manifest:
    """Give the manifest in a file, or raise `DefinitionError` that says what is wrong in it."""
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise DefinitionError(f"{path} can't be read as a manifest: {error}") from error
    if manifest.name in RESERVED_NAMES or manifest.name in sys.stdlib_module_names:
        raise DefinitionError(f"{path}: the name '{manifest.name}' is taken by Python or by the farm; choose another.")
    return manifest
