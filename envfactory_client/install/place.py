"""A place: a client's file on disk, read and written so that nothing in it is ever lost.

A file is written beside its place and then moved there, whole; what stood there is kept as a copy first, and a link
goes on pointing where it pointed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from envfactory_client.errors import ConfigError


def read(path: Path) -> str:
    """Give a file's text with its line ends, "" where there is no file; raises `ConfigError` when it can't be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; nothing was changed.") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from error


def write(path: Path, before: str, after: str) -> Path | None:
    """Put `after` into a file that held `before`, and give the copy of what was there, if anything was."""
    place = path.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = _beside(place, after)
        try:
            if read(place) != before:
                raise ConfigError(f"{path} was changed by somebody else meanwhile; nothing was written, so try again.")
            backup = _backup(place) if place.exists() else None
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}.") from error
    return backup


def _beside(place: Path, text: str) -> Path:
    """Give a new file in the same folder, with the same rights, that holds the text."""
    number, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    with os.fdopen(number, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    beside = Path(name)
    if place.exists():
        shutil.copymode(place, beside)
    return beside


def _backup(place: Path) -> Path:
    """Copy a file to a name beside it that nothing has."""
    taken = 0
    while True:
        copy = place.with_name(f"{place.name}.bak{taken + 1 if taken else ''}")
        try:
            number = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            taken += 1
            continue
        with os.fdopen(number, "wb") as file:
            file.write(place.read_bytes())
        shutil.copymode(place, copy)
        return copy
