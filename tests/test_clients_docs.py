"""docs/clients.md is true: its clients, files, commands and options are those that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from typer import Typer
from typer.main import get_command

from envfactory_client.install.clients import CLIENTS, Machine
from envfactory_client.install.command import add_to
from servers.shipping import command as shipping

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def ours() -> Typer:
    """Give the commands that the page speaks of, as one command line."""
    app = Typer()
    add_to(app)
    app.command()(shipping.bundle)
    app.command()(shipping.eject)
    return app


def test_the_table_of_clients_is_the_table_that_there_is() -> None:
    home = Path("/home/somebody")
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in TEXT.splitlines()
        if row.startswith("| `") and not row.startswith("| `--")
    ]
    shown = {key.strip("`"): (title, user.strip("`"), project.strip("`")) for key, title, user, project in rows}
    assert shown == {
        key: (
            one.title,
            str(one.user(Machine("linux", home, {}))).replace(str(home), "~"),
            one.project or "",
        )
        for key, one in CLIENTS.items()
    }


def test_every_command_is_one_that_there_is_with_the_options_that_it_has() -> None:
    known = get_command(ours()).commands  # type: ignore[attr-defined]
    used = [words for words in COMMANDS if words[:1] == ["envfactory"]]
    assert {words[1] for words in used} == {"install", "bundle", "eject"}
    for words in used:
        options = {option for parameter in known[words[1]].params for option in parameter.opts}
        assert all(word in options for word in words if word.startswith("--")), words


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`?\b((?:tests|containers|docs)/[\w./]+\.\w+)", TEXT)
    assert named
    assert all((ROOT / name).exists() for name in named)


def test_the_profiles_are_those_of_the_compose_file() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    named = {words[3] for words in COMMANDS if words[:3] == ["docker", "compose", "up"] and len(words) > 3}
    assert named == set(re.findall(r"profiles: \[(\w+)\]", compose))
