"""registry.json: generated from the folders, true to the official format, and every rule refuses what breaks it."""

import json
import shutil
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from servers.registry import __main__ as command
from servers.registry.catalogue import COMMENT, released_version, server_list
from servers.registry.server_json import OFFICIAL, PUBLISHER_PROVIDED, SCHEMA_URL, ServerJson, ServerList
from servers.runtime import DefinitionError, Environment, Record, discover
from servers.runtime.verified import folder_digest

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = """
name = "shelf"
title = "Shelf"
domain = "culture"
summary = "{summary}"
version = "1.2.0"
licence = "Apache-2.0"
instructions = "A shelf of books."
{released}
[provenance]
made = "by hand"
[[provenance.sources]]
title = "A shelf"
url = "https://example.com/shelf"
version = "2026"
"""
SERVER: dict[str, Any] = {
    "$schema": SCHEMA_URL,
    "name": "io.github.example/shelf",
    "title": "Shelf",
    "description": "Books on a shelf.",
    "version": "1.2.0",
    "websiteUrl": "https://example.com/shelf",
    "repository": {"url": "https://github.com/example/shelf", "source": "github", "subfolder": "servers/shelf"},
    "icons": [{"src": "https://example.com/icon.png", "mimeType": "image/png", "sizes": ["48x48"]}],
    "packages": [
        {
            "registryType": "pypi",
            "identifier": "shelf",
            "version": "1.2.0",
            "runtimeHint": "uvx",
            "transport": {"type": "streamable-http", "url": "http://127.0.0.1:{PORT}/{--path}/{place}"},
            "runtimeArguments": [{"type": "named", "name": "--with", "value": "shelf[farm]"}],
            "packageArguments": [
                {"type": "named", "name": "--path", "default": "mcp"},
                {"type": "positional", "valueHint": "place"},
            ],
            "environmentVariables": [{"name": "PORT", "default": "8000", "format": "number"}],
        },
        {
            "registryType": "oci",
            "identifier": "images.example.org/example/shelf:1.2.0",
            "transport": {"type": "stdio"},
        },
        {
            "registryType": "mcpb",
            "identifier": "https://github.com/example/shelf/releases/download/v1.2.0/shelf.mcpb",
            "fileSha256": "0" * 64,
            "transport": {"type": "stdio"},
        },
    ],
    "remotes": [
        {
            "type": "streamable-http",
            "url": "https://{tenant}.example.com/mcp",
            "variables": {"tenant": {"isRequired": True}},
            "headers": [{"name": "X-Episode", "isSecret": True}],
        }
    ],
    "_meta": {PUBLISHER_PROVIDED: {"toolCount": 2}},
}
LATEST = {
    "status": "active",
    "statusChangedAt": "2026-11-22T00:00:00Z",
    "publishedAt": "2026-11-22T00:00:00Z",
    "updatedAt": "2026-11-22T00:00:00Z",
    "isLatest": True,
}


class Count(Record):
    """How many books there are."""

    books: int


def _shelf(folder: Path, *, summary: str = "Books on a shelf.", released: str = "") -> Environment:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.toml").write_text(MANIFEST.format(summary=summary, released=released))
    (folder / "schema.sql").write_text("CREATE TABLE books (book_id TEXT PRIMARY KEY) STRICT;")
    environment = Environment(str(folder / "server.py"))

    @environment.reads
    def count_books() -> Count:
        """Count the books."""
        return Count(books=0)

    @environment.writes(changes={"books": "delete"})
    def clear_shelf() -> Count:
        """Take all books away."""
        return Count(books=0)

    return environment


def _changed(path: str, value: object) -> dict[str, Any]:
    """Give SERVER with the value at a dotted path set, or taken out when it is `...`."""
    server = deepcopy(SERVER)
    *parents, last = (int(step) if step.isdecimal() else step for step in path.split("/"))
    place: Any = server
    for step in parents:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return server


def _listed(*entries: tuple[str, bool], count: int | None = None) -> dict[str, Any]:
    servers = [
        {"server": {**SERVER, "version": version}, "_meta": {OFFICIAL: {**LATEST, "isLatest": latest}}}
        for version, latest in entries
    ]
    return {"servers": servers, "metadata": {"count": len(servers) if count is None else count}}


def test_a_full_entry_is_accepted_and_written_back_as_it_was() -> None:
    assert ServerJson.model_validate(SERVER).to_json() == SERVER


@pytest.mark.parametrize("name", ["io.github.user/weather", "com.example.api/a_b-c.d", "a1/b2"])
def test_names_of_the_official_form_are_accepted(name: str) -> None:
    assert ServerJson.model_validate(_changed("name", name)).name == name


@pytest.mark.parametrize("version", ["1.0.2", "2.1.0-alpha", "2026.11.22", "v3"])
def test_specific_versions_are_accepted(version: str) -> None:
    assert ServerJson.model_validate(_changed("version", version)).version == version


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("name", "shelf", "reverse-DNS namespace"),
        ("name", "io.github.example/shelf/more", "reverse-DNS namespace"),
        ("name", "io.github.example-/shelf", "beginning and ending with a letter or digit"),
        ("name", "io.github.example/_shelf", "beginning and ending with a letter or digit"),
        ("name", "io.github.example/" + "s" * 200, "at most 200 characters"),
        ("name", ..., "Field required"),
        ("description", "", "at least 1 character"),
        ("description", "b" * 101, "at most 100 characters"),
        ("title", "b" * 101, "at most 100 characters"),
        ("version", "latest", "not 'latest' and not a range"),
        ("version", "^1.2.0", "not a range"),
        ("version", "~1.2.0", "not a range"),
        ("version", ">=1.2.0", "not a range"),
        ("version", "1.x", "not a range"),
        ("version", "1.2.*", "not a range"),
        ("version", "1.0.0 - 2.0.0", "not a range"),
        ("version", "1.0 || 2.0", "not a range"),
        ("version", "1" * 256, "at most 255 characters"),
        ("$schema", "https://example.com/schema.json", "server.schema.json"),
        ("websiteUrl", "http://example.com", "must begin with https://"),
        ("icons/0/src", "http://example.com/icon.png", "must begin with https://"),
        ("icons/0/mimeType", "image/gif", "image/png"),
        ("icons/0/sizes", ["big"], "should match pattern"),
        ("repository/url", "https://example.com/example/shelf", "https://github.com/owner/repository"),
        ("repository/url", "https://gitlab.com/example/shelf", "https://github.com/owner/repository"),
        ("repository/url", "https://github.com/example", "https://github.com/owner/repository"),
        ("repository/subfolder", "../shelf", "clean relative path"),
        ("repository/subfolder", "/servers/shelf", "clean relative path"),
        ("remotes/0/url", "http://farm.example.com/mcp", "must begin with https://"),
        ("remotes/0/url", "https://localhost/mcp", "can't be on this machine"),
        ("remotes/0/url", "https://127.0.0.1:8000/mcp", "can't be on this machine"),
        ("remotes/0/url", "https://farm.localhost/mcp", "can't be on this machine"),
        ("remotes/0/url", "https://example.com/{episode}", "nothing fills {episode}"),
        ("remotes/0/type", "stdio", "streamable-http"),
        ("remotes", [], "at least 1 item"),
        ("packages", [], "at least 1 item"),
        ("packages/0/registryType", "conda", "'pypi', 'npm'"),
        ("packages/0/identifier", "shelf farm", "no blanks"),
        ("packages/0/version", ..., "pypi package needs its version"),
        ("packages/0/version", "1.x", "not a range"),
        ("packages/0/registryBaseUrl", "https://packages.example.org/simple", "leave registryBaseUrl out"),
        ("packages/0/runtimeHint", ..., "need a runtimeHint"),
        ("packages/0/transport/url", "http://127.0.0.1:{UNKNOWN}/mcp", "nothing fills {UNKNOWN}"),
        ("packages/0/transport/url", "ftp://127.0.0.1/mcp", "not an http or https URL"),
        ("packages/0/transport/url", ..., "Field required"),
        ("packages/0/environmentVariables", ..., "nothing fills {PORT}"),
        ("packages/0/packageArguments/0/name", "--path <folder>", "only the flag"),
        ("packages/0/packageArguments/0/name", "--path $HOME", "only the flag"),
        ("packages/0/packageArguments/0/default", "--path=mcp", "must not begin with its name"),
        ("packages/0/packageArguments/1/valueHint", ..., "needs a value or a valueHint"),
        ("packages/0/packageArguments/1/type", "flag", "'positional', 'named'"),
        ("packages/0/environmentVariables/0/format", "integer", "'string', 'number'"),
        ("packages/1/version", "1.2.0", "has its version in its identifier"),
        ("packages/1/registryBaseUrl", "https://images.example.org", "has its version in its identifier"),
        ("packages/1/identifier", "images.example.org/example/shelf", "registry/namespace/repository:tag"),
        ("packages/1/transport/url", "http://127.0.0.1/mcp", "Extra inputs are not permitted"),
        ("packages/2/fileSha256", ..., "needs the fileSha256"),
        ("packages/2/fileSha256", "0" * 63, "should match pattern"),
        ("packages/2/identifier", "http://example.com/shelf.mcpb", "must begin with https://"),
        ("_meta", {"io.github.example/tools": {}}, "Extra inputs are not permitted"),
        ("_meta", {PUBLISHER_PROVIDED: {"tools": "t" * 4096}}, "4108 bytes of JSON, and 4096 are allowed"),
        ("tools", [], "Extra inputs are not permitted"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_a_sentence(path: str, value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ServerJson.model_validate(_changed(path, value))
    assert sentence in str(refused.value)


def test_the_publishers_meta_may_have_exactly_4096_bytes() -> None:
    provided = {"tools": "t" * (4096 - len('{"tools":""}'))}
    assert ServerJson.model_validate(_changed("_meta", {PUBLISHER_PROVIDED: provided})).meta is not None


def test_a_list_with_one_latest_version_of_each_server_is_accepted() -> None:
    assert ServerList.model_validate(_listed(("1.0.0", False), ("1.2.0", True))).metadata.count == 2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (_listed(("1.2.0", True), count=2), "metadata.count is 2, but there are 1 servers"),
        (_listed(("1.2.0", True), ("1.2.0", False)), "listed more than once"),
        (_listed(("1.0.0", True), ("1.2.0", True)), "exactly one version"),
        (_listed(("1.0.0", False)), "exactly one version"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ServerList.model_validate(body)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": "gone"}, "'active', 'deprecated' or 'deleted'"),
        ({"publishedAt": "yesterday"}, "should match pattern"),
        ({"publishedAt": "2026-11-23T00:00:00Z"}, "must follow one another"),
        ({"statusMessage": "Use another."}, "an active entry has no statusMessage"),
        ({"isLatest": ...}, "Field required"),
        ({"stars": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_registrys_own_words_are_checked_too(change: dict[str, Any], sentence: str) -> None:
    official = {name: value for name, value in (LATEST | change).items() if value is not ...}
    with pytest.raises(ValidationError, match=sentence):
        ServerList.model_validate(
            {"servers": [{"server": SERVER, "_meta": {OFFICIAL: official}}], "metadata": {"count": 1}}
        )


def test_an_environment_is_listed_as_its_folder_says(tmp_path: Path) -> None:
    listed = server_list({"shelf": _shelf(tmp_path / "shelf")}, package_version="0.1.0")
    (entry,) = listed.to_json()["servers"]
    assert entry["server"]["name"] == "io.github.envfactory/shelf"
    assert entry["server"]["description"] == "Books on a shelf."
    provided = entry["server"]["_meta"][PUBLISHER_PROVIDED]
    assert (provided["toolCount"], provided["writes"], provided["domain"]) == (2, 1, "culture")
    assert provided["licence"] == "Apache-2.0"


def test_an_entry_is_dated_by_its_manifest_and_never_by_the_clock(tmp_path: Path) -> None:
    dated = server_list({"s": _shelf(tmp_path / "s", released="released = 2026-12-01")}, package_version="0.1.0")
    undated = server_list({"t": _shelf(tmp_path / "t")}, package_version="0.1.0")
    assert dated.servers[0].meta.official.published_at == "2026-12-01T00:00:00Z"
    assert datetime.fromisoformat(undated.servers[0].meta.official.published_at) == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_manifest_that_no_registry_would_take_is_a_definition_error(tmp_path: Path) -> None:
    environment = _shelf(tmp_path / "shelf")
    with pytest.raises(DefinitionError, match=r"shelf can't be listed: .*"):
        server_list({"shelf": environment}, package_version="0.1.x")


def test_clients_compose_the_command_that_starts_an_environment(tmp_path: Path) -> None:
    """Clients join the runtime, its arguments, identifier@version and the package's arguments."""
    listed = server_list({"shelf": _shelf(tmp_path / "shelf")}, package_version="0.1.0")
    over_stdio, over_http = listed.to_json()["servers"][0]["server"]["packages"]
    assert (
        _composed(over_stdio) == "uvx --with=envfactory[farm]==0.1.0 envfactory@0.1.0 run shelf --seed=0 --size=small"
    )
    assert _composed(over_http) == "uvx --with=envfactory[farm]==0.1.0 envfactory@0.1.0 serve"
    assert over_http["transport"]["url"] == "http://127.0.0.1:{PORT}/shelf/mcp"


def _composed(package: dict[str, Any]) -> str:
    def words(arguments: list[dict[str, str]]) -> list[str]:
        values = [argument.get("value", argument.get("default", "")) for argument in arguments]
        return [
            f"{argument['name']}={value}" if argument["type"] == "named" else value
            for argument, value in zip(arguments, values, strict=True)
        ]

    own = f"{package['identifier']}@{package['version']}"
    parts = [*words(package["runtimeArguments"]), own, *words(package["packageArguments"])]
    return " ".join([package["runtimeHint"], *parts])


def test_a_digest_covers_what_an_environment_is_made_of_and_not_its_tests(tmp_path: Path) -> None:
    folder = _shelf(tmp_path / "shelf").folder
    before = folder_digest(folder)
    (folder / "test_server.py").write_text("def test(): ...")
    (folder / "README.md").write_text("A shelf.")
    (folder / "state.db").write_bytes(b"rows")
    assert folder_digest(folder) == before
    (folder / "schema.sql").write_text("CREATE TABLE books (book_id TEXT PRIMARY KEY, title TEXT) STRICT;")
    assert folder_digest(folder) != before


def test_a_digest_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    folder = _shelf(tmp_path / "shelf").folder
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert folder_digest(folder) == folder_digest(tmp_path / "elsewhere")


def test_registry_json_is_up_to_date_and_lists_every_environment() -> None:
    written = json.loads((ROOT / "registry.json").read_text(encoding="utf-8"))
    assert command.main(["--check"]) == 0
    assert written["$comment"] == COMMENT
    assert [entry["server"]["name"] for entry in written["servers"]] == [
        f"io.github.envfactory/{name}" for name in sorted(discover())
    ]
    assert ServerList.model_validate(written).to_json() == written


def test_check_says_when_the_file_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "registry.json"
    monkeypatch.setattr(command, "TARGET", target)
    assert command.main(["--check"]) == 1
    assert "is out of date; run `python -m servers.registry`" in capsys.readouterr().err
    assert not target.exists()
    assert command.main([]) == 0
    assert command.main(["--check"]) == 0
    target.write_text(target.read_text(encoding="utf-8") + " ")
    assert command.main(["--check"]) == 1


def test_the_packages_version_is_the_distributions() -> None:
    assert released_version(ROOT / "pyproject.toml") == "0.1.0"
