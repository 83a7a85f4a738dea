"""The clients: where each keeps its configuration, under which key servers stand in it, and how it writes one down."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from envfactory_client.errors import UsageError, did_you_mean
from envfactory_client.install.launch import Address, Launch, Process

Scope = Literal["user", "project"]
Form = Literal["json", "toml"]
Entry = dict[str, Any]

START_SECONDS = 60
"""How long a client that asks may wait for a server to start: the first start may fetch packages."""


@dataclass(frozen=True)
class Machine:
    """What a place of configuration depends on."""

    system: str
    home: Path
    variables: Mapping[str, str]

    @classmethod
    def here(cls) -> Machine:
        """Give the machine and user of this process."""
        return cls(sys.platform, Path.home(), os.environ)

    @property
    def settings(self) -> Path:
        """Where command-line programs keep their settings."""
        return Path(self.variables.get("XDG_CONFIG_HOME") or self.home / ".config")

    @property
    def applications(self) -> Path:
        """Where desktop applications keep theirs."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        return self.roaming if self.system == "win32" else self.settings

    @property
    def roaming(self) -> Path:
        """The folder that Windows calls %APPDATA%."""
        return Path(self.variables.get("APPDATA") or self.home / "AppData" / "Roaming")


@dataclass(frozen=True)
class Client:
    """A client of MCP; `project` is None where it has no configuration for a project alone."""

    key: str
    title: str
    section: str
    user: Callable[[Machine], Path]
    process: Callable[[Process], Entry]
    address: Callable[[Address], Entry] | None
    project: str | None = None
    form: Form = "json"

    def entry(self, launch: Launch) -> Entry:
        """Give a server as this client writes it down; raises `UsageError` for an address that it can't call."""
        if isinstance(launch, Process):
            return self.process(launch)
        if self.address is None:
            raise UsageError(
                f"{self.title} only starts servers by itself from its file; leave --url out, or add {launch.url} as a "
                "connector in its settings."
            )
        return self.address(launch)

    def place(self, scope: Scope, machine: Machine, folder: Path) -> Path:
        """Give the file for a scope; raises `UsageError` where the client has none of that scope."""
        if scope == "project":
            if self.project is None:
                raise UsageError(f"{self.title} has no configuration for a project alone; leave --project out.")
            return _in_use(folder / self.project)
        return _in_use(self.user(machine))


def client(key: str) -> Client:
    """Give the client of that name, or raise `UsageError` with the nearest one."""
    if key not in CLIENTS:
        raise UsageError(f"There is no client '{key}' that we know{did_you_mean(key, CLIENTS)}")
    return CLIENTS[key]


def _in_use(path: Path) -> Path:
    """Some clients read NAME.jsonc as well: the one that is there is the one in use."""
    commented = path.with_suffix(".jsonc")
    return commented if path.name == "opencode.json" and commented.exists() and not path.exists() else path


def _plain(process: Process) -> Entry:
    return {"command": process.command, "args": list(process.args)}


def _typed(process: Process) -> Entry:
    return {"type": "stdio", **_plain(process)}


def _patient(process: Process) -> Entry:
    return {**_plain(process), "timeout": START_SECONDS * 1000}


def _started(process: Process) -> Entry:
    return {**_plain(process), "startup_timeout_sec": START_SECONDS}


def _enabled(process: Process) -> Entry:
    return {**_plain(process), "disabled": False}


def _opencode(process: Process) -> Entry:
    return {"type": "local", "command": [process.command, *process.args], "enabled": True}


def _called(
    key: str = "url", *, headers: str = "headers", before: Entry | None = None, after: Entry | None = None
) -> Any:
    """Give the function that writes an address down under these keys."""

    def entry(address: Address) -> Entry:
        named = {headers: dict(address.headers)} if address.headers else {}
        return {**(before or {}), key: address.url, **named, **(after or {})}

    return entry


def _devin(machine: Machine) -> Path:
    base = machine.roaming if machine.system == "win32" else machine.home / ".config"
    return base / "devin" / "mcp_config.json"


def _zed(machine: Machine) -> Path:
    if machine.system == "win32":
        return machine.roaming / "Zed" / "settings.json"
    base = machine.settings if machine.system == "linux" else machine.home / ".config"
    return base / "zed" / "settings.json"


def _claude_code(machine: Machine) -> Path:
    return Path(machine.variables.get("CLAUDE_CONFIG_DIR") or machine.home) / ".claude.json"


def _codex(machine: Machine) -> Path:
    return Path(machine.variables.get("CODEX_HOME") or machine.home / ".codex") / "config.toml"


CLIENTS: Mapping[str, Client] = {
    one.key: one
    for one in (
        Client(
            "claude-desktop",
            "Claude Desktop",
            "mcpServers",
            user=lambda machine: machine.applications / "Claude" / "claude_desktop_config.json",
            process=_plain,
            address=None,
        ),
        Client(
            "claude-code",
            "Claude Code",
            "mcpServers",
            user=_claude_code,
            project=".mcp.json",
            process=_typed,
            address=_called(before={"type": "http"}),
        ),
        Client(
            "cursor",
            "Cursor",
            "mcpServers",
            user=lambda machine: machine.home / ".cursor" / "mcp.json",
            project=".cursor/mcp.json",
            process=_plain,
            address=_called(),
        ),
        Client(
            "vscode",
            "VS Code",
            "servers",
            user=lambda machine: machine.applications / "Code" / "User" / "mcp.json",
            project=".vscode/mcp.json",
            process=_typed,
            address=_called(before={"type": "http"}),
        ),
        Client(
            "devin",
            "Devin Desktop",
            "mcpServers",
            user=_devin,
            project=".devin/mcp_config.json",
            process=_plain,
            address=_called(after={"transport": "http"}),
        ),
        Client(
            "windsurf",
            "Windsurf",
            "mcpServers",
            user=lambda machine: machine.home / ".codeium" / "windsurf" / "mcp_config.json",
            process=_plain,
            address=_called("serverUrl"),
        ),
        Client(
            "zed",
            "Zed",
            "context_servers",
            user=_zed,
            project=".zed/settings.json",
            process=_plain,
            address=_called(),
        ),
        Client(
            "gemini",
            "Gemini CLI",
            "mcpServers",
            user=lambda machine: machine.home / ".gemini" / "settings.json",
            project=".gemini/settings.json",
            process=_patient,
            address=_called("httpUrl"),
        ),
        Client(
            "codex",
            "Codex",
            "mcp_servers",
            user=_codex,
            project=".codex/config.toml",
            process=_started,
            address=_called(headers="http_headers"),
            form="toml",
        ),
        Client(
            "cline",
            "Cline",
            "mcpServers",
            user=lambda machine: machine.home / ".cline" / "data" / "settings" / "cline_mcp_settings.json",
            process=_enabled,
            address=_called(before={"type": "streamableHttp"}, after={"disabled": False}),
        ),
        Client(
            "opencode",
            "opencode",
            "mcp",
            user=lambda machine: machine.settings / "opencode" / "opencode.json",
            project="opencode.json",
            process=_opencode,
            address=_called(before={"type": "remote"}, after={"enabled": True, "oauth": False}),
        ),
    )
}
