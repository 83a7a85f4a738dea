"""An export: a dataset written once more in the format of a trainer or a chat API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, get_args

from envfactory_client.dataset import Dataset
from envfactory_client.errors import DatasetError, did_you_mean
from envfactory_client.exports.anthropic import anthropic_record
from envfactory_client.exports.dialogue import Dialogue
from envfactory_client.exports.figures import Figures
from envfactory_client.exports.hermes import hermes_record
from envfactory_client.exports.lines import Conversations, Lines
from envfactory_client.exports.openai import openai_record
from envfactory_client.exports.parquet import Folder, parquet_record
from envfactory_client.exports.sharegpt import sharegpt_record
from envfactory_client.exports.staging import Staging
from envfactory_client.exports.toolbox import Toolbox
from envfactory_client.trajectory import Trajectory

FormatName = Literal["openai", "anthropic", "sharegpt", "hermes", "parquet"]
FORMATS: Final[tuple[FormatName, ...]] = get_args(FormatName)


class _Outlet(Protocol):
    """Where the records of one format go."""

    def add(self, dialogue: Dialogue) -> None: ...

    def finish(self) -> list[Path]: ...

    def close(self) -> None: ...


class _Opening(Protocol):
    def __call__(self, out: Path, staging: Staging, *, force: bool) -> _Outlet: ...


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    form: FormatName
    files: tuple[Path, ...]
    figures: Figures

    def to_json(self) -> dict[str, Any]:
        """The summary as one JSON object."""
        files = [{"path": str(path), "bytes": path.stat().st_size} for path in self.files]
        return {"format": self.form, "files": files, **self.figures.totals()}


def record(
    form: FormatName, trajectory: Trajectory, tools: Sequence[Mapping[str, Any]], *, system: str | None = None
) -> dict[str, Any]:
    """The record of one trajectory, with the tools offered in it, in a format."""
    return _RECORDS[form](Dialogue.of(trajectory, tools, system=system))


def export(  # noqa: PLR0913 - what, how and where to
    path: str | Path,
    form: FormatName,
    out: str | Path,
    *,
    force: bool = False,
    system: str | None = None,
    watch: Callable[[Trajectory], None] | None = None,
) -> Exported:
    """Write the trajectories of a file in a format, all of them or nothing, and tell `watch` of each.

    What is at `out` already is replaced when it is an earlier export of the same dataset; anything else only with
    `force`. The same file and the same `system` text give the same bytes.
    """
    path, out = Path(path), Path(out)
    if form not in FORMATS:
        raise DatasetError(f"There is no format '{form}'{did_you_mean(form, FORMATS)}")
    try:
        if out.exists() and path.exists() and out.samefile(path):
            raise DatasetError(f"{out} holds the trajectories themselves; choose another --out.")
        with Staging() as staging:
            outlet = _OUTLETS[form](out, staging, force=force)
            try:
                figures = _fill(outlet, Dataset(path), system, watch)
                files = outlet.finish()
            finally:
                outlet.close()
            staging.commit()
    except OSError as error:
        raise DatasetError(f"{error.filename or out} can't be read or written: {error.strerror or error}.") from error
    return Exported(form, tuple(files), figures)


def _fill(outlet: _Outlet, dataset: Dataset, system: str | None, watch: Callable[[Trajectory], None] | None) -> Figures:
    figures, toolbox = Figures(), Toolbox(dataset.path.parent / "tools")
    for line in dataset.read():
        trajectory = line.trajectory
        outlet.add(Dialogue.of(trajectory, toolbox[trajectory.tools.digest], system=system))
        figures.add(trajectory)
        if watch is not None:
            watch(trajectory)
    if not figures.trajectories:
        raise DatasetError(f"{dataset.path} is empty; there is nothing to export.")
    return figures


_RECORDS: Mapping[FormatName, Callable[[Dialogue], dict[str, Any]]] = MappingProxyType(
    {
        "openai": openai_record,
        "anthropic": anthropic_record,
        "sharegpt": sharegpt_record,
        "hermes": hermes_record,
        "parquet": parquet_record,
    }
)
_OUTLETS: Mapping[FormatName, _Opening] = MappingProxyType(
    {
        "openai": partial(Lines, openai_record),
        "anthropic": partial(Lines, anthropic_record),
        "sharegpt": Conversations,
        "hermes": partial(Lines, hermes_record),
        "parquet": Folder,
    }
)
