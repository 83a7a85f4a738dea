"""What an environment has been verified to be: the record `verified.json` in its folder, and what proves it current.

The digest says which files were verified, by which battery; the seal notices a record that was edited by hand. The
battery writes the record, the registry reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from servers.runtime.contract import CONTRACT_VERSION
from servers.runtime.discovery import SERVERS
from servers.runtime.errors import DefinitionError

FILE = "verified.json"
MADE_OF = (".py", ".toml", ".sql", ".md")


def folder_digest(folder: Path) -> str:
    """Give a digest of the files that make an environment: all but its tests and its README."""
    return _digest_of(folder, [path for path in _files(folder) if not path.name.startswith("test_")])


def verified_digest(folder: Path, battery: int) -> str:
    """Give a digest of all that a verdict rests on: the environment, its tests, and the versions of those who judge."""
    content = f"{_digest_of(folder, list(_files(folder)))} battery {battery} contract {CONTRACT_VERSION}"
    return f"sha256:{sha256(content.encode()).hexdigest()}"


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in MADE_OF and path.name != "README.md":
            yield path


def _digest_of(folder: Path, paths: list[Path]) -> str:
    total = sha256()
    for path in paths:
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        total.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return f"sha256:{total.hexdigest()}"


class Part(BaseModel):
    """Any part of a record: camelCase in the file, nothing unknown in it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    def to_json(self) -> dict[str, Any]:
        """Give the part as it stands in the file: what isn't there is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class VerifiedCheck(Part):
    """One check's outcome."""

    id: str
    name: str
    outcome: Literal["passed", "broken", "skipped"]
    severity: Literal["error", "warning"] | None = Field(default=None, description="Where it isn't passed.")
    tried: int = Field(description="Calls, pairs or examples that it judged.")
    violations: int | None = Field(default=None, description="How many it found, if any.")


class VerifiedTool(Part):
    """What the battery reached in one tool."""

    tool: str
    successes: int
    refusals: dict[str, int] = Field(description="Declared code to how often a call ended with it.")
    boundaries: tuple[str, ...] = Field(description="Codes of which both sides of a boundary were called.")


class VerifiedMutant(Part):
    """A small fault that was planted, and who noticed it."""

    id: str
    kind: str
    title: str
    killed_by: str | None = Field(default=None, description="contracts, tests, or absent: nobody.")


class VerifiedMutation(Part):
    """How many planted faults are noticed."""

    seed: int
    contracts: float = Field(description="Share that the battery alone notices.")
    with_tests: float = Field(description="Share that the battery or the environment's own tests notice.")
    mutants: tuple[VerifiedMutant, ...]


class Verified(Part):
    """The record of one environment."""

    comment: str = Field(alias="$comment")
    environment: str
    version: str
    digest: str = Field(description="`verified_digest` of the folder as it was verified.")
    battery: int
    contract: int = CONTRACT_VERSION
    effort: Literal["quick", "standard", "thorough"]
    seed: int
    calls: int
    coverage: float | None = Field(default=None, description="Share of the tools' lines that ran.")
    checks: tuple[VerifiedCheck, ...]
    reached: tuple[VerifiedTool, ...]
    mutation: VerifiedMutation | None = None
    seal: str = Field(default="", description="Digest of all the rest.")

    def sealed(self) -> Verified:
        """Give the record with the seal that belongs to it."""
        return self.model_copy(update={"seal": seal_of(self.to_json())})

    def to_text(self) -> str:
        """Give the file's text: one check, tool or mutant a line."""
        return _laid_out(self.to_json()) + "\n"

    @property
    def verified(self) -> bool:
        """Whether checks were made, and none of severity error is broken."""
        wrong = any(check.outcome == "broken" and check.severity == "error" for check in self.checks)
        return bool(self.checks) and not wrong

    def summary(self) -> dict[str, Any]:
        """Give what a registry entry says of it."""
        outcomes = [check.outcome for check in self.checks]
        said: dict[str, Any] = {
            "verified": self.verified,
            "battery": self.battery,
            "checks": {"passed": outcomes.count("passed"), "total": len(outcomes)},
            "digest": self.digest,
        }
        if self.mutation is not None:
            shares = {"contracts": self.mutation.contracts, "withTests": self.mutation.with_tests}
            said["mutation"] = {**shares, "mutants": len(self.mutation.mutants)}
        return said


def seal_of(record: Mapping[str, Any]) -> str:
    """Give the digest of a record's values but its seal."""
    rest = {name: value for name, value in record.items() if name != "seal"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def current_record(folder: Path) -> Verified:
    """Give the record of a folder; raises `DefinitionError` when it is missing, was edited, or is of other files."""
    record = read_record(folder)
    if record.digest != verified_digest(folder, record.battery):
        raise DefinitionError(f"{_named(folder)} has changed since it was verified; {_remedy(folder)}")
    return record


def read_record(folder: Path) -> Verified:
    """Give the record of a folder, whatever it was made of; raises `DefinitionError` when it can't be trusted."""
    path = folder / FILE
    if not path.exists():
        raise DefinitionError(f"{_named(folder)} has no {FILE}; {_remedy(folder)}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        record = Verified.model_validate(content)
    except (OSError, ValueError, ValidationError) as error:
        why = " ".join(str(error).split())
        raise DefinitionError(f"{path} can't be read as a record ({why:.200}); {_remedy(folder)}") from error
    if record.seal != seal_of(content):
        raise DefinitionError(f"The seal of {path} is broken: it was edited by hand; {_remedy(folder)}")
    return record


def writing_command(target: str) -> str:
    """Give the command that verifies an environment and writes its record."""
    return f"envfactory verify {target} --mutants 60 --write"


def _named(folder: Path) -> str:
    return f"'{folder.name}'"


def _remedy(folder: Path) -> str:
    target = folder.name if folder.parent == SERVERS else str(folder)
    return f"run `{writing_command(target)}`."


def _laid_out(record: Mapping[str, Any], indent: str = "  ") -> str:
    """JSON with one line for each entry of a list of objects."""
    lines = []
    for name, value in record.items():
        if isinstance(value, dict) and any(isinstance(inner, list) for inner in value.values()):
            text = _laid_out(value, indent + "  ")
        elif isinstance(value, list) and value:
            entries = ",\n".join(f"{indent}  {json.dumps(entry, ensure_ascii=False)}" for entry in value)
            text = f"[\n{entries}\n{indent}]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        lines.append(f"{indent}{json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n" + indent[2:] + "}"
