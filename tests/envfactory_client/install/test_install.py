"""Installing: what each client is given, and that nothing of what it had is lost."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envfactory_client.errors import ConfigError, UsageError
from envfactory_client.install import jsonc, launch, toml_text
from envfactory_client.install.clients import CLIENTS, Machine, client
from envfactory_client.install.launch import Address, Process
from envfactory_client.install.merge import merged, rendered
from envfactory_client.install.place import read, write

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PROCESS = Process("uvx", ("--with", "envfactory[farm]==0.1.0", "envfactory@0.1.0", "run", "airline", "--seed", "7"))
ADDRESS = Address("https://farm.example.org/airline/mcp", {"Authorization": "Bearer of a token"})
GOLDEN = sorted((HERE / "golden").iterdir())
BEFORE = sorted((HERE / "merged").glob("*.before.*"))


def launched(kind: str) -> launch.Launch:
    return PROCESS if kind == "stdio" else ADDRESS


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_client_is_given_exactly_its_own_form(path: Path) -> None:
    key, kind = path.stem.split(".")
    assert rendered(client(key), "airline", client(key).entry(launched(kind))) == path.read_text("utf-8")


def test_every_client_has_its_golden_files() -> None:
    callable_ones = {key for key, one in CLIENTS.items() if one.address is not None}
    assert {path.stem for path in GOLDEN} == {f"{key}.stdio" for key in CLIENTS} | {
        f"{key}.remote" for key in callable_ones
    }
    assert set(CLIENTS) - callable_ones == {"claude-desktop"}


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.name.split(".")[0])
def test_a_server_is_put_beside_what_stands_there(path: Path) -> None:
    key = path.name.split(".")[0]
    before = path.read_text("utf-8")
    found = merged(before, client(key), "airline", client(key).entry(PROCESS))
    assert found.text == path.with_name(path.name.replace("before", "after")).read_text("utf-8")
    comments = [line.partition(mark)[2] for mark in ("// ", "# ") for line in before.splitlines() if mark in line]
    assert all(comment in found.text for comment in comments)
    assert merged(found.text, client(key), "airline", client(key).entry(PROCESS)).changed is False


def test_lines_end_as_they_did_and_a_byte_order_mark_stays() -> None:
    text = '\ufeff{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n'
    found = merged(text, client("cursor"), "airline", client("cursor").entry(PROCESS)).text
    assert found.startswith("\ufeff{\r\n")
    assert "\n" not in found.replace("\r\n", "")
    assert list(jsonc.parse(found[1:]).value["mcpServers"]) == ["a", "airline"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"mcpServers": {', "line 1, column 17: a name in double quotes is missing"),
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: a comma is missing"),
        ('{"a": 1} {}', "line 1, column 10: something follows the end of the object"),
        ("[]", "line 1, column 1: the file must hold one JSON object"),
        ('{"a": nope}', "line 1, column 7: Expecting value"),
        ('{"a": NaN}', "NaN and Infinity are no JSON"),
        ('{"a": 1, "a": 2}', "line 1, column 10: 'a' stands here for the second time"),
        ('{"a": /* no end }', "line 1, column 7: Expecting value"),
        ("{'a': 1}", "line 1, column 2: a name in double quotes is missing"),
        ('{"mcpServers": []}', "'mcpServers' isn't an object that holds servers by name"),
        ("[" * 5000, "the file must hold|nested too deeply"),
    ],
)
def test_what_cannot_be_understood_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why.replace("(", r"\(")):
        merged(text, client("cursor"), "airline", {})


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", 'mcp_servers = "none"'])
def test_toml_that_cannot_be_understood_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigError):
        merged(text, client("codex"), "airline", {"command": "x"})


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers = {a = {command = 'x'}}\n",
        "mcp_servers.a.command = 'x'\n",
        "[mcp_servers]\n[mcp_servers.a]\ncommand = 'x'\n[other]\nb = 1\n[mcp_servers.c]\ncommand = 'y'\n",
        "[mcp_servers.airline]\ncommand = 'x'\n[mcp_servers.airline.env]\nA = 'b'\n[[list]]\nc = 1979-05-27\n",
        "# only words",
    ],
)
def test_every_spelling_of_toml_keeps_its_values(text: str) -> None:
    entry = client("codex").entry(ADDRESS)
    found = tomllib.loads(merged(text, client("codex"), "airline", entry).text)
    before = tomllib.loads(text)
    assert found == {**before, "mcp_servers": {**before.get("mcp_servers", {}), "airline": entry}}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    before=st.dictionaries(st.text(), _JSON, max_size=4),
    servers=st.none() | st.dictionaries(st.text(), _JSON, max_size=3),
    indent=st.sampled_from([None, 2, "\t"]),
)
def test_whatever_a_file_holds_it_holds_afterwards(before: dict[str, Any], servers: Any, indent: Any) -> None:
    whole = before if servers is None else {**before, "servers": servers}
    if not isinstance(whole.get("servers", {}), dict):
        return
    after = jsonc.put(json.dumps(whole, indent=indent), "servers", "airline", {"url": "x"})
    assert json.loads(after) == {**whole, "servers": {**(whole.get("servers") or {}), "airline": {"url": "x"}}}


_BLANKS = st.sampled_from(["", " ", "\n\t", "\r\n", "/* {[,]} */", '// "a": 1,\n', "/**/ // x\n  "])


@st.composite
def _spelled(draw: st.DrawFn, value: Any) -> str:
    """Give JSON with comments, blanks and last commas wherever they may stand."""

    def blank() -> str:
        return draw(_BLANKS)

    def spelled(value: Any) -> str:
        if isinstance(value, dict):
            members = [f"{json.dumps(key)}{blank()}:{blank()}{spelled(inner)}" for key, inner in value.items()]
            return enclosed("{", members, "}")
        if isinstance(value, list):
            return enclosed("[", [spelled(inner) for inner in value], "]")
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def enclosed(opening: str, parts: list[str], closing: str) -> str:
        last = "," if draw(st.booleans()) and parts else ""
        return opening + blank() + f"{blank()},{blank()}".join(parts) + blank() + last + blank() + closing

    return blank() + spelled(value) + blank()


@given(
    value=st.dictionaries(st.text(), _JSON, max_size=3),
    servers=st.none() | st.dictionaries(st.sampled_from(["a", "airline", "z"]), _JSON, max_size=3),
    data=st.data(),
)
def test_comments_and_last_commas_may_stand_anywhere_and_stay(value: dict[str, Any], servers: Any, data: Any) -> None:
    whole = {key: inner for key, inner in value.items() if key != "servers"}
    whole |= {} if servers is None else {"servers": servers}
    text = data.draw(_spelled(whole))
    assert jsonc.parse(text).value == whole
    after = jsonc.put(text, "servers", "airline", {"url": "x"})
    assert jsonc.parse(after).value == {**whole, "servers": {**(servers or {}), "airline": {"url": "x"}}}
    if servers is None or "airline" not in servers:
        assert after.count("/*") == text.count("/*")
        assert after.count("//") == text.count("//")


def test_a_file_is_replaced_whole_and_what_it_held_is_kept(tmp_path: Path) -> None:
    real, path = tmp_path / "real.json", tmp_path / "mcp.json"
    real.write_text("one", "utf-8")
    real.chmod(0o640)
    path.symlink_to(real)
    assert write(path, "one", "two") == tmp_path / "real.json.bak"
    assert write(path, "two", "three") == tmp_path / "real.json.bak2"
    assert [(tmp_path / name).read_text("utf-8") for name in ("real.json", "real.json.bak", "real.json.bak2")] == [
        "three",
        "one",
        "two",
    ]
    assert path.is_symlink()
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o640}


def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("theirs", "utf-8")
    with pytest.raises(ConfigError, match="was changed by somebody else meanwhile"):
        write(path, "what was read", "ours")
    assert [one.name for one in tmp_path.iterdir()] == ["mcp.json"]
    assert path.read_text("utf-8") == "theirs"


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read(path)
    with pytest.raises(ConfigError, match="can't be read"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("key", "system", "place"),
    [
        ("claude-desktop", "darwin", "/h/Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", "/roaming/Claude/claude_desktop_config.json"),
        ("claude-code", "linux", "/h/.claude.json"),
        ("cursor", "linux", "/h/.cursor/mcp.json"),
        ("vscode", "linux", "/x/Code/User/mcp.json"),
        ("devin", "darwin", "/h/.config/devin/mcp_config.json"),
        ("devin", "win32", "/roaming/devin/mcp_config.json"),
        ("windsurf", "linux", "/h/.codeium/windsurf/mcp_config.json"),
        ("zed", "linux", "/x/zed/settings.json"),
        ("zed", "win32", "/roaming/Zed/settings.json"),
        ("gemini", "linux", "/h/.gemini/settings.json"),
        ("codex", "linux", "/h/.codex/config.toml"),
        ("cline", "linux", "/h/.cline/data/settings/cline_mcp_settings.json"),
        ("opencode", "linux", "/x/opencode/opencode.json"),
    ],
)
def test_each_client_keeps_its_file_in_its_place(key: str, system: str, place: str) -> None:
    machine = Machine(system, Path("/h"), {"XDG_CONFIG_HOME": "/x", "APPDATA": "/roaming"})
    assert client(key).place("user", machine, Path("/p")) == Path(place)


def test_a_project_has_its_own_file_where_the_client_reads_one(tmp_path: Path) -> None:
    machine = Machine("linux", tmp_path, {})
    assert client("vscode").place("project", machine, tmp_path) == tmp_path / ".vscode" / "mcp.json"
    with pytest.raises(UsageError, match="Windsurf has no configuration for a project alone"):
        client("windsurf").place("project", machine, tmp_path)
    (tmp_path / "opencode.jsonc").touch()
    assert client("opencode").place("project", machine, tmp_path).name == "opencode.jsonc"


def test_an_address_is_a_farms_or_a_servers() -> None:
    assert launch.at("http://h:1/", "airline", []).url == "http://h:1/airline/mcp"
    assert launch.at("http://h:1/episodes/abc/mcp", "airline", []).url == "http://h:1/episodes/abc/mcp"
    assert launch.at("http://h", "airline", ["X-Key: a:b "]).headers == {"X-Key": "a:b"}
    with pytest.raises(UsageError, match="isn't an address"):
        launch.at("h:1", "airline", [])
    with pytest.raises(UsageError, match="isn't a header"):
        launch.at("http://h", "airline", ["no header"])


def test_a_database_is_named_in_full() -> None:
    args = launch.by_this_python("airline", launch.World(seed=0, db=Path("my.db"))).args
    assert args == ("-m", "servers.airline", "--seed", "0", "--db", str(Path.cwd() / "my.db"))


def command(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with a home of its own."""
    variables = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        variables.pop(name, None)
    line = [sys.executable, "-m", "envfactory_client.cli", "install", *words]
    return subprocess.run(line, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_installs_and_the_configured_server_starts(tmp_path: Path) -> None:
    project = tmp_path / ".mcp.json"
    project.write_text('{"mcpServers": {"other": {"command": "x"}}} // mine\n', "utf-8")
    done = command(tmp_path, "airline", "-c", "claude-code", "-c", "codex", "--project", "--seed", "7", "--json")
    assert done.returncode == 0, done.stderr
    code, codex = json.loads(done.stdout)
    assert (code["path"], codex["path"]) == (str(project), str(tmp_path / ".codex" / "config.toml"))
    assert Path(code["backup"]).read_text("utf-8").endswith("// mine\n")
    assert codex["backup"] is None
    servers = jsonc.parse(project.read_text("utf-8")).value["mcpServers"]
    assert list(servers) == ["other", "airline"]
    listed = subprocess.run(
        [servers["airline"]["command"], *servers["airline"]["args"], "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "It is an MCP server" in listed.stdout


def test_another_server_of_the_name_is_replaced_on_demand_only(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{"mcpServers": {"airline": {"command": "theirs"}}}', "utf-8")
    there = ["airline", "-c", "cursor", "--file", str(file), "--url", "http://127.0.0.1:8000"]
    refused = command(tmp_path, *there)
    assert refused.returncode == 1
    assert "has another server 'airline'; give ours another name by --name" in refused.stderr
    assert "theirs" in file.read_text("utf-8")
    assert command(tmp_path, *there, "--replace").returncode == 0
    assert json.loads(file.read_text("utf-8"))["mcpServers"]["airline"] == {"url": "http://127.0.0.1:8000/airline/mcp"}
    again = command(tmp_path, *there)
    assert "Cursor knows 'airline' already" in again.stdout
    assert len(list(tmp_path.glob("mcp.json.bak*"))) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["airlin", "-c", "cursor"], "There is no environment 'airlin'; did you mean 'airline'?"),
        (["airline", "-c", "curser"], "There is no client 'curser' that we know; did you mean 'cursor'?"),
        (["airline", "-c", "claude-desktop", "--url", "http://h"], "Claude Desktop only starts servers by itself"),
        (["airline", "-c", "cursor", "--url", "http://h", "--seed", "1"], "A server at --url runs already"),
        (["airline", "-c", "cursor", "--header", "A: b"], "Headers are sent to an address"),
        (["airline", "-c", "cursor", "-c", "zed", "--file", "x"], "--file is the file of one client"),
        (["airline", "-c", "cursor", "--uvx", "--name", "a b"], "can't be a server's name"),
        (["airline", "-c", "cursor", "--uvx", "--file", "bad.json"], "bad.json: line 1, column 2: a name"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "bad.json").write_text("{bad", "utf-8")
    done = command(tmp_path, *words)
    assert done.returncode == 1, done.stdout
    assert said in " ".join(done.stderr.split())
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == ["bad.json"]


def test_what_cannot_serve_here_says_what_else_there_is(tmp_path: Path) -> None:
    words = ["envfactory", "install", "airline", "-c", "cursor"]
    script = (
        "import sys\nsys.modules['servers'] = None\n"
        f"sys.argv = {words!r}\nfrom envfactory_client.cli import main\nmain()"
    )
    variables = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "A server that this Python starts (without --uvx or --url) needs the extra 'farm'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_printing_writes_nothing(tmp_path: Path) -> None:
    done = command(tmp_path, "airline", "-c", "codex", "--uvx", "--print")
    assert toml_text.parse(done.stdout)["mcp_servers"]["airline"]["command"] == "uvx"
    assert not list(tmp_path.iterdir())


def test_help_shows_every_client(tmp_path: Path) -> None:
    told = " ".join(command(tmp_path, "--help").stdout.split())
    assert all(key in told for key in CLIENTS)
    assert "envfactory install airline --client claude-desktop --seed 7" in told
