"""The official conformance suite as a program that is run on an address, and what it found."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.clients import toolchain

PACKAGE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
Revision = Literal["2025-11-25", "2026-07-28"]
REVISIONS: tuple[Revision, ...] = ("2025-11-25", "2026-07-28")
_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True)
class Found:
    """What one scenario found: how many checks passed, and the id and reason of those that didn't."""

    passed: int
    failed: dict[str, str]
    notes: tuple[str, ...]

    @property
    def tried(self) -> int:
        """How many checks were made."""
        return self.passed + len(self.failed)


def required(revision: Revision) -> set[str]:
    """Give the scenarios of a server that a revision requires; others are run beside them and don't count."""
    text = (_suite() / "requirements" / f"{revision}.yaml").read_text("utf-8")
    server = re.search(r"^server:\n((?:  - \S+\n)+)", text, re.MULTILINE)
    assert server is not None
    return set(re.findall(r"  - (\S+)", server[1]))


def _suite() -> Path:
    return toolchain.npm("conformance", PACKAGE) / "@modelcontextprotocol" / "conformance"


def requirements(url: str, revision: Revision, folder: Path) -> dict[str, Found]:
    """Run everything that a revision requires, and what is run beside it, and give what each scenario found."""
    script = _suite() / "dist" / "index.js"
    command = [str(toolchain.node()), str(script), "server", "--url", url, "--requirements", revision]
    done = subprocess.run(
        [*command, "-o", str(folder)], capture_output=True, text=True, check=False, timeout=110, cwd=folder
    )
    assert "=== SUMMARY ===" in done.stdout, done.stdout + done.stderr
    return {
        named["scenario"]: _found(json.loads((path / "checks.json").read_text("utf-8")))
        for path in sorted(folder.iterdir())
        if (named := _FOLDER.fullmatch(path.name)) is not None
    }


def _found(checks: Iterable[dict[str, Any]]) -> Found:
    checks = list(checks)
    return Found(
        passed=sum(check["status"] == "SUCCESS" for check in checks),
        failed={check["id"]: check.get("errorMessage", "") for check in checks if check["status"] == "FAILURE"},
        notes=tuple(str(said) for check in checks if (said := (check.get("details") or {}).get("message")) is not None),
    )
