"""Every check catches its defect, and none raises an alarm at the good twin."""

from __future__ import annotations

import asyncio
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from envfactory_client.verify.battery import Verified, verify
from envfactory_client.verify.bench import Effort
from envfactory_client.verify.known import all_checks
from envfactory_client.verify.report import Report
from synthesis.battery.direct import DirectSubject
from synthesis.battery.loading import environment_in

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
DEFECTS: list[dict[str, Any]] = tomllib.loads((FIXTURES / "defects.toml").read_text(encoding="utf-8"))["defect"]
EFFORT = Effort(calls=120, walks=2, short=60, tries=60)


def judged(folder: Path) -> Report:
    """What the battery says of the environment in a folder."""

    async def run() -> Report:
        report = None
        async for event in verify(DirectSubject(environment_in(folder), target=str(folder)), EFFORT):
            if isinstance(event, Verified):
                report = event.report
        assert report is not None
        return report

    return asyncio.run(run())


def planted(defect: dict[str, Any], folder: Path) -> Path:
    """The library with a defect in it."""
    shutil.copytree(FIXTURES / "library", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in defect["edit"]:
        path = folder / edit["file"]
        text = path.read_text(encoding="utf-8")
        assert text.count(edit["find"]) == 1, edit["find"]
        path.write_text(text.replace(edit["find"], edit["replace"].removeprefix("\n")), encoding="utf-8")
    return folder


def broken(report: Report) -> set[str]:
    return {check.id for check in report.checks if check.outcome == "broken"}


def test_the_good_twin_raises_no_alarm(tmp_path: Path) -> None:
    report = judged(planted({"edit": []}, tmp_path / "library"))
    assert [(violation.check, violation.sentence) for violation in report.violations] == []
    assert all(check.tried for check in report.checks if check.outcome == "passed")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect["check"])
def test_a_defect_is_caught_by_its_check(defect: dict[str, Any], tmp_path: Path) -> None:
    report = judged(planted(defect, tmp_path / "library"))
    assert defect["check"] in broken(report)
    assert broken(report) == {defect["check"], *defect.get("also", ())}
    violations = [violation for violation in report.violations if violation.check == defect["check"]]
    assert all(violation.replay.startswith(f"envfactory verify --only {defect['check']}") for violation in violations)


def test_every_check_has_its_defect() -> None:
    elsewhere = {"D1"}  # a server that doesn't start is tested with processes
    assert {defect["check"] for defect in DEFECTS} == {check.id for check in all_checks()} - elsewhere
