"""What can go wrong in the client, as one tree.

    EnvFactoryError
    ├── Unreachable            nothing answered: no server, a timeout, a broken connection
    ├── ProtocolError          something answered, but not with MCP or what was asked; or what was asked can't be sent
    ├── MissingExtra           the feature lives in an optional extra that isn't installed
    ├── Closed                 the farm or the episode has been closed, or was never opened
    ├── FarmError              the farm said no; `code` says why
    │   ├── Unauthorized       the token is missing or wrong
    │   ├── UnknownEnvironment
    │   └── UnknownEpisode
    ├── CallFailed             a result that had to succeed didn't; `result` is that result
    │   └── Refused            ... because of the domain: `result.refusal` is the code
    ├── UnknownTool            no such tool
    ├── UnknownField           no such parameter or result path
    ├── NoChain                links don't lead to the tool within the bounds
    ├── RecordingError         what is recorded would be no dialogue, or couldn't be replayed
    ├── ScoreError             a task or a log of calls can't be scored
    ├── ForeignServerError     a server by other authors didn't start, or ended
    ├── UsageError             what was asked for makes no sense as it was said
    ├── ConfigError            a client's configuration can't be read, understood or written
    ├── VerifyError            what is to be verified can't even be looked at
    └── DatasetError           a file beside or with the trajectories can't be used
        ├── CorruptLine        one line isn't a trajectory; `line` is its number
        ├── TornLine           the last line ends in its middle
        └── MissingScenario    starting rows that a replay needs aren't there

A message says what happened, to what, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envfactory_client.episode import CallResult


class EnvFactoryError(Exception):
    """The root of every error that this package raises on purpose."""


class Unreachable(EnvFactoryError):
    """Nothing answered."""


class ProtocolError(EnvFactoryError):
    """An answer came, but it isn't what MCP or the farm's routes promise."""

    def __init__(self, message: str, *, code: int | None = None, fault: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        """The JSON-RPC error code."""
        self.fault = fault
        """The farm's word for it, such as "unknown_episode"."""


class MissingExtra(EnvFactoryError):
    """A feature's extra isn't installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra '{extra}': run `pip install 'envfactory[{extra}]'`.")
        self.extra = extra


class Closed(EnvFactoryError):
    """A farm or an episode was used outside its lifetime."""


class FarmError(EnvFactoryError):
    """The farm said no."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Unauthorized(FarmError):
    """The token is missing or wrong."""


class UnknownEnvironment(FarmError):
    """There is no environment of that name."""


class UnknownEpisode(FarmError):
    """There is no episode of that name, or it has been closed."""


class CallFailed(EnvFactoryError):
    """A call that had to succeed didn't."""

    def __init__(self, message: str, result: CallResult) -> None:
        super().__init__(message)
        self.result = result


class Refused(CallFailed):
    """A call that had to succeed met a domain refusal."""


class UnknownTool(EnvFactoryError):
    """There is no tool of that name."""


class UnknownField(EnvFactoryError):
    """A tool has no such parameter or result path."""


class NoChain(EnvFactoryError):
    """No chain of links reaches the tool within the bounds."""


class RecordingError(EnvFactoryError):
    """What is recorded would be no dialogue, or couldn't be replayed."""


class ScoreError(EnvFactoryError):
    """A task or a log of calls can't be scored as it stands."""


class ForeignServerError(EnvFactoryError):
    """A server by other authors couldn't be started, or ended by itself."""


class UsageError(EnvFactoryError):
    """What was asked for makes no sense as it was said."""


class ConfigError(EnvFactoryError):
    """A client's configuration can't be read, understood or written."""


class VerifyError(EnvFactoryError):
    """What is to be verified can't even be looked at."""


class DatasetError(EnvFactoryError):
    """A dataset's file can't be used."""


class CorruptLine(DatasetError):
    """One line of a dataset isn't a trajectory."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}, line {line}, is not a trajectory: {why}.")
        self.path, self.line = path, line


class TornLine(DatasetError):
    """The last line of a dataset ends in its middle, as a killed writer leaves it."""

    def __init__(self, path: Path, line: int, size: int) -> None:
        super().__init__(
            f"{path}, line {line}, ends in its middle after {size} bytes, as a stopped writer leaves it; "
            "resume(truncate=True) removes that line and keeps the others."
        )
        self.path, self.line, self.size = path, line, size


class MissingScenario(DatasetError):
    """Starting rows that a replay needs aren't stored."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that offers the nearest known word, or else the list of them."""
    names = sorted(known)
    if near := get_close_matches(word, names, n=1, cutoff=0.6):
        return f"; did you mean '{near[0]}'?"
    if not names:
        return "; there are none."
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; there are: {shown}."
