"""The share of the tools' lines counts what ran while it was watched, and leaves the functions as they were."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from synthesis.battery.lines import Lines

SERVER = '''\
"""A module whose functions have ten lines where a statement begins."""

from functools import cache

LIMIT = 3


def plain(number):
    """A docstring is no line that runs."""
    if number > LIMIT:
        return (
            "much"
        )
    return "little"


@cache
def kept(number):
    def inner():
        return number
    return inner()


class Thing:
    @property
    def size(self):
        return 1

    @staticmethod
    def made():
        try:
            return Thing()
        finally:
            pass
'''


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ModuleType]:
    """The module, loaded from a folder."""
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("watched.server", tmp_path / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_a_line_counts_once_it_has_run(server: ModuleType, tmp_path: Path) -> None:
    lines = Lines(tmp_path)
    assert lines.share() == 0
    with lines:
        assert server.plain(1) == "little"
        assert lines.share() == 0.2
        assert server.plain(2) == "little"
        assert lines.share() == 0.2
        assert server.plain(9) == "much"
        assert lines.share() == 0.3


def test_functions_are_seen_in_whatever_they_are_wrapped(server: ModuleType, tmp_path: Path) -> None:
    lines = Lines(tmp_path)
    with lines:
        assert server.kept(5) == 5
        assert lines.share() == 0.3
        assert server.Thing.made().size == 1
        assert lines.share() == 0.7


def test_what_runs_unwatched_says_nothing(server: ModuleType, tmp_path: Path) -> None:
    codes = [server.plain.__code__, server.kept.__wrapped__.__code__]
    lines = Lines(tmp_path)
    with lines:
        server.plain(1)
    assert [server.plain.__code__, server.kept.__wrapped__.__code__] == codes
    server.plain(9)
    assert lines.share() == 0.2
    with lines:
        server.plain(9)
    assert lines.share() == 0.3


def test_an_error_says_the_same_place(server: ModuleType, tmp_path: Path) -> None:
    def place() -> int:
        with pytest.raises(TypeError) as raised:
            server.plain("three")
        return raised.traceback[-1].lineno

    unwatched = place()
    with Lines(tmp_path):
        assert place() == unwatched


def test_a_file_without_functions_has_run_wholly(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("LIMIT = 3\n", encoding="utf-8")
    lines = Lines(tmp_path)
    with lines:
        pass
    assert lines.share() == 1.0
