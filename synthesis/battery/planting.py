"""Planting: the mutation gate on a folder with the battery as its killer, and its verdicts as the report tells them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envfactory_client.errors import VerifyError
from envfactory_client.verify.installed import Faults
from envfactory_client.verify.report import MutantReport, MutationReport
from synthesis.battery.killer import Noticing
from synthesis.battery.loading import environment_in
from synthesis.battery.mutation.gate import GateError, Verdict, run_gate
from synthesis.battery.mutation.score import untested


def planted(folder: Path, faults: Faults) -> MutationReport:
    """Give who notices the faults that are planted in a folder."""
    noticing = Noticing(environment_in(folder), faults.seed)
    try:
        verdicts = run_gate(
            folder,
            contracts=lambda environment, mutant: noticing.notice(environment, mutant.where),
            unchanged=noticing.unchanged,
            count=faults.count,
            seed=faults.seed,
            workers=faults.workers,
            only=faults.only,
        )
    except GateError as error:
        raise VerifyError(str(error)) from error
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in ("server.py", "schema.sql")}
    return MutationReport(seed=faults.seed, mutants=tuple(_told(verdict, texts) for verdict in verdicts))


def _told(verdict: Verdict, texts: Mapping[str, str]) -> MutantReport:
    """One verdict; only what lives comes with its diff, and what doesn't even start counts as the battery's."""
    mutant, lives = verdict.mutant, verdict.killed_by is None
    return MutantReport(
        id=mutant.id,
        title=mutant.title,
        kind=mutant.kind,
        killed_by="contracts" if verdict.killed_by == "start" else verdict.killed_by,
        sentence=verdict.sentence or untested(mutant),
        diff=mutant.diff(texts[mutant.file]) if lives else "",
    )
