"""A run's folder: trajectories, tools and starting rows, what was dropped, and the settings that a resume must share.

out/
  run.json             the settings
  trajectories.jsonl   one trajectory a line
  drops.jsonl          one line for each job: what it met on the way, and what the tests of its reward got
  tools/  scenarios/   by digest
  report.json          counts and coverage, written at the end
  screens.json         what the tests of all rewards got, written at the end
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from envfactory_client import Dataset, Trajectory
from envfactory_client.card.proof import SCREENS
from envfactory_client.farm import Size
from synthesis.errors import RunError
from synthesis.hidden import USUAL
from synthesis.screens.screening import Got, Screening

SUMMARIES: Final = ("report.json", SCREENS)
"""What is written at the end: counts and coverage, and what the tests of the rewards got."""


@dataclass(frozen=True)
class Settings:
    """What decides the bytes of a run, apart from how many trajectories are wanted."""

    seed: int
    environments: tuple[str, ...]
    size: Size
    worlds: int
    hidden: float = USUAL
    """The share of arguments that the user is not to say."""


@dataclass(frozen=True)
class JobLine:
    """What the folder keeps of a job that has ended."""

    index: int
    kept: bool
    drops: tuple[str, ...]
    got: Got = field(default_factory=dict)
    """What the variants of the task that was kept got when its reward was put to the test."""


class RunFolder:
    """The files of one run; opened by `begin` or `resume`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dataset = Dataset(path / "trajectories.jsonl")
        self._jobs = path / "drops.jsonl"

    def begin(self, settings: Settings) -> None:
        """Start a run in an empty or new folder."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"{self.path} isn't empty; add --resume to go on with it, or choose another folder.")
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(settings), indent=2, sort_keys=True)
        (self.path / "run.json").write_text(text + "\n", encoding="utf-8")

    def resume(self, settings: Settings) -> tuple[list[Trajectory], list[JobLine]]:
        """Give what an earlier run left, torn last lines removed; other settings than its own are refused.

        The summaries of what was there go, since they will no longer be true.
        """
        self._check_settings(settings)
        trajectories = [line.trajectory for line in self._whole_lines()]
        jobs = self._in_step(list(self._whole_jobs()), len(trajectories))
        if [job.index for job in jobs if job.kept] != [trajectory.seed[1] for trajectory in trajectories]:
            raise RunError(
                f"{self.path}: trajectories.jsonl and drops.jsonl don't belong together; begin again in a new folder."
            )
        for name in SUMMARIES:
            (self.path / name).unlink(missing_ok=True)
        return trajectories, jobs

    def add(self, job: JobLine, trajectory: Trajectory | None) -> None:
        """Keep what came of a job: its line first, so that a resume can tell a missing trajectory by it."""
        with self._jobs.open("ab") as file:
            file.write(_line(job))
        if trajectory is not None:
            self.dataset.append(trajectory)

    def finish(self, report: Mapping[str, Any], screening: Screening) -> Path:
        """Write the report and what the tests of the rewards got, and give the report's path."""
        self.dataset.close()
        for name, summary in zip(SUMMARIES, (report, screening.to_json()), strict=True):
            text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
            _put(self.path / name, text.encode())
        return self.path / SUMMARIES[0]

    def _check_settings(self, settings: Settings) -> None:
        path = self.path / "run.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} holds no run to resume; leave --resume out to begin one.") from None
        except ValueError as error:
            raise RunError(f"{path} can't be read ({error}); begin again in a new folder.") from error
        wanted = json.loads(json.dumps(asdict(settings)))
        for name, value in wanted.items():
            if stored.get(name) != value:
                raise RunError(
                    f"{self.path} was begun with {name}={stored.get(name)!r}, not {value!r}; "
                    "resume with the same settings, or choose another folder."
                )

    def _whole_lines(self) -> Iterator[Any]:
        if not self.dataset.path.exists():
            return
        self.dataset.resume(truncate=True)
        yield from self.dataset.read()

    def _whole_jobs(self) -> Iterator[JobLine]:
        lines = self._jobs.read_bytes().splitlines(keepends=True) if self._jobs.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
            self._rewrite(b"".join(lines))
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                got = {name: tuple(rewards) for name, rewards in entry["got"].items()}
                yield JobLine(entry["index"], entry["kept"], tuple(entry["drops"]), got)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RunError(f"{self._jobs}, line {number}, is not a job's line: {error}.") from error

    def _in_step(self, jobs: list[JobLine], trajectories: int) -> list[JobLine]:
        """Take back the last job when its trajectory was never written: it is made again, to the same bytes."""
        kept = [place for place, job in enumerate(jobs) if job.kept]
        if len(kept) == trajectories + 1:
            jobs = jobs[: kept[-1]]
            self._rewrite(b"".join(_line(job) for job in jobs))
        return jobs

    def _rewrite(self, content: bytes) -> None:
        _put(self._jobs, content)


def _put(path: Path, content: bytes) -> None:
    """Put a whole file in its place at once."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _line(job: JobLine) -> bytes:
    return json.dumps(asdict(job), sort_keys=True).encode() + b"\n"
