"""Ejecting: writing a parcel as a folder, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from servers.runtime.errors import InvalidRequest
from servers.shipping.contents import Contents


def write_folder(files: Contents, folder: Path) -> None:
    """Write the files into a new or empty folder; raises `InvalidRequest` when something is there or can't be made."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InvalidRequest(f"{folder} isn't an empty folder; name one that is new, so that nothing is overwritten.")
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as beside:
            whole = Path(beside) / place.name
            for name, content in files.items():
                path = whole / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            whole.replace(place)
    except OSError as error:
        raise InvalidRequest(f"{folder} can't be written: {error.strerror}; choose another place.") from error
