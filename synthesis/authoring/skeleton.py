"""A skeleton: the folder of a small environment that works, from which an author starts.

Its files are templates beside this module, in which `~{entity}` and its like stand for the author's words.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from servers.runtime import DefinitionError
from servers.runtime.manifest import read_manifest
from synthesis.authoring.errors import AuthoringError
from synthesis.authoring.words import Words
from synthesis.schema import memory

_SUFFIX = ".tmpl"
_PACKAGE = "servers"
_IN_THE_HOUSE = """\
python -m {package}                              # over stdio, for any MCP client
python -m {package} --http 127.0.0.1:8000        # at http://127.0.0.1:8000/mcp
python -m {package} --seed 7 --size medium --db {name}.db"""
_ALONE = "fastmcp run server.py"
_OWED_DOMAIN = "# OWED: name the domain in a word or two, such as travel or finance.\n"


class _Text(Template):
    """A text with places such as ~{entity}; every one must be filled."""

    delimiter = "~"


@dataclass(frozen=True)
class Skeleton:
    """A new environment: its words, and what its manifest says of it."""

    words: Words
    title: str
    domain: str | None = None

    def write(self, into: Path) -> Path:
        """Write the folder into another, whole or not at all, and give its path."""
        folder = into / self.words.name
        if not into.is_dir():
            raise AuthoringError(f"{into} isn't a folder; make it first, or name another with --into.")
        if folder.exists():
            raise AuthoringError(f"{folder} exists already; choose another name, or move it away first.")
        try:
            with TemporaryDirectory(prefix=f".{self.words.name}.", dir=into) as beside:
                whole = Path(beside) / self.words.name
                whole.mkdir()
                for name, text in self.files(_package(folder)).items():
                    (whole / name).write_text(text, encoding="utf-8")
                _check_manifest(whole)
                whole.rename(folder)
        except OSError as error:
            raise AuthoringError(f"{folder} can't be written: {error.strerror}; choose another --into.") from error
        return folder

    def files(self, package: str) -> dict[str, str]:
        """Give the text of every file by its name; `package` is what Python will call the folder."""
        forms = self._forms(package)
        texts = {name: _Text(template).substitute(forms) for name, template in _templates().items()}
        _check_schema(texts["schema.sql"], self.words)
        return texts

    def _forms(self, package: str) -> Mapping[str, str]:
        domain = f"domain = {json.dumps(self.domain or 'general', ensure_ascii=False)}"
        how = _IN_THE_HOUSE if package.startswith(f"{_PACKAGE}.") else _ALONE
        own = f"from {package}.server import env"
        return self.words.forms() | {
            "package": package,
            "title": self.title,
            "quoted_title": json.dumps(self.title, ensure_ascii=False),
            "domain_line": domain if self.domain else _OWED_DOMAIN + domain,
            "run_alone": how.format(package=package, name=self.words.name),
            "imports_of_main": _sorted(own, "from servers.runtime.standalone import run"),
            "imports_of_test": _sorted(own, "from servers.runtime.desk import Desk"),
        }


def begin(words: Words, title: str | None = None, domain: str | None = None) -> Skeleton:
    """Give the skeleton of an environment, or raise `AuthoringError` when a text can't stand in its manifest."""
    for option, text, longest in (("--title", title, 100), ("--domain", domain, 40)):
        if text is not None and not (text.strip() and text.isprintable() and len(text) <= longest):
            raise AuthoringError(f"{option} {text!r} doesn't fit; give 1 to {longest} characters on one line.")
    return Skeleton(words, title or words.heading, domain)


def parts() -> list[str]:
    """Give the names of the files that an environment must have."""
    return sorted(_templates())


def _templates() -> dict[str, str]:
    folder = resources.files("synthesis.authoring") / "templates"
    return {
        place.name.removesuffix(_SUFFIX): place.read_text(encoding="utf-8")
        for place in folder.iterdir()
        if place.name.endswith(_SUFFIX)
    }


def _package(folder: Path) -> str:
    """Give what Python calls a folder: a part of `servers`, or a package by itself."""
    above = folder.resolve().parent
    within = above.name == _PACKAGE and (above / "__init__.py").is_file()
    return f"{_PACKAGE}.{folder.name}" if within else folder.name


def _sorted(*imports: str) -> str:
    return "\n".join(sorted(imports))


def _check_schema(sql: str, words: Words) -> None:
    try:
        with memory(sql):
            pass
    except sqlite3.Error as error:
        raise AuthoringError(
            f"'{words.plural}' can't name a table of SQLite ({error}); choose another --entity or --plural."
        ) from error


def _check_manifest(folder: Path) -> None:
    try:
        read_manifest(folder / "manifest.toml")
    except DefinitionError as error:
        raise AuthoringError(f"{error}; choose another name, title or domain.") from error
