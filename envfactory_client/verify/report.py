"""A report: what was tried of each check, what broke, and how to see it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from envfactory_client.tool import Frozen
from envfactory_client.verify.check import Severity, Violation

BATTERY_VERSION = 2
"""Raised whenever a check is added, or judges otherwise than before."""
Outcome = Literal["passed", "broken", "skipped"]


class CheckReport(Frozen):
    """One check's part."""

    id: str
    name: str
    sentence: str
    severity: Severity = "error"
    outcome: Outcome
    tried: int = 0
    """How many calls, pairs or examples it judged."""
    skipped_because: str | None = None
    violations: tuple[Violation, ...] = ()


class Reached(Frozen):
    """What the battery's calls reached in one tool."""

    tool: str
    successes: int = 0
    refusals: Mapping[str, int] = Field(default_factory=dict)
    """Declared code to how often the call ended with it."""
    boundaries: tuple[str, ...] = ()
    """The codes of which both sides of a boundary were called."""


class MutantReport(Frozen):
    """One mutant and who noticed it."""

    id: str
    title: str
    kind: str
    killed_by: str | None = None
    """"contracts" (a check of the battery), "tests" (the environment's own), or None: it lives."""
    sentence: str = ""
    """What gave it away, or what nobody notices."""
    diff: str = ""


class MutationReport(Frozen):
    """How many small faults planted in an environment are noticed."""

    seed: int = 0
    mutants: tuple[MutantReport, ...] = ()

    @property
    def contracts(self) -> float:
        """The share that the battery alone notices, in [0, 1]."""
        return self._share("contracts")

    @property
    def with_tests(self) -> float:
        """The share that the battery or the environment's own tests notice, in [0, 1]."""
        return self._share("contracts", "tests")

    def _share(self, *killers: str) -> float:
        if not self.mutants:
            return 0.0
        return sum(mutant.killed_by in killers for mutant in self.mutants) / len(self.mutants)

    @property
    def survivors(self) -> tuple[MutantReport, ...]:
        """Those that nobody notices."""
        return tuple(mutant for mutant in self.mutants if mutant.killed_by is None)


class Report(Frozen):
    """What the battery found out about one subject."""

    name: str
    target: str
    version: str | None = None
    battery: int = BATTERY_VERSION
    seed: int = 0
    calls: int = 0
    """Tool calls that were made and judged."""
    checks: tuple[CheckReport, ...] = ()
    reached: tuple[Reached, ...] = ()
    coverage: float | None = None
    """Share of the tools' lines that were executed, in [0, 1]; None where it can't be seen."""
    mutation: MutationReport | None = None

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All violations, in the order of the checks."""
        return tuple(violation for check in self.checks for violation in check.violations)

    @property
    def verified(self) -> bool:
        """Whether no check of severity "error" is broken."""
        return not any(violation.severity == "error" for violation in self.violations)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values, with its verdict and scores; `Report.model_validate` reads them back."""
        values = self.model_dump(mode="json", exclude_none=True)
        if self.mutation is not None:
            values["mutation"] |= {"contracts": self.mutation.contracts, "with_tests": self.mutation.with_tests}
        return {"verified": self.verified, **values}
