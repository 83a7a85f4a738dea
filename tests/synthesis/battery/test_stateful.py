"""Exploration by hypothesis tries the same whenever it is asked to, so that records can be compared."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from envfactory_client import CallResult
from envfactory_client.verify.bench import Bench, Effort
from envfactory_client.verify.checks.stateful import Stateful
from envfactory_client.verify.example import Example
from synthesis.battery.direct import DirectSession, DirectSubject
from synthesis.battery.loading import environment_in

LIBRARY = Path(__file__).resolve().parents[2] / "fixtures" / "library"


class Listening(DirectSubject):
    """An environment whose calls are written down."""

    def __init__(self) -> None:
        super().__init__(environment_in(LIBRARY))
        self.heard: list[tuple[str, Mapping[str, Any]]] = []

    async def open(self, example: Example) -> DirectSession:
        session = await super().open(example)
        answer = session.call

        async def heard(tool: str, arguments: Mapping[str, Any]) -> CallResult:
            self.heard.append((tool, dict(arguments)))
            return await answer(tool, arguments)

        session.call = heard  # type: ignore[method-assign]
        return session


def explored() -> list[tuple[str, Mapping[str, Any]]]:
    """The calls that the exploration makes."""

    async def run() -> list[tuple[str, Mapping[str, Any]]]:
        subject = Listening()
        async for _ in Stateful().probe(Bench(subject, Effort())):
            pytest.fail("the library has no defect")
        return subject.heard

    return asyncio.run(run())


def test_what_is_tried_does_not_depend_on_which_modules_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = explored()
    module = tmp_path / "constants_of_somebody.py"
    module.write_text(f"NUMBERS = {list(range(0, 300, 7))!r}\nLARGE = {list(range(1000, 900_000, 9973))!r}\n")
    spec = importlib.util.spec_from_file_location(module.stem, module)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.stem, loaded)
    spec.loader.exec_module(loaded)
    assert len(first) > 100
    assert explored() == first
