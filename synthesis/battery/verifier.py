"""The verifier: what `envfactory verify` can do with folders because the servers are installed beside it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from envfactory_client.errors import UnknownEnvironment, VerifyError, did_you_mean
from envfactory_client.verify.bench import Level
from envfactory_client.verify.installed import Faults, Installed, Kept, Loaded
from envfactory_client.verify.report import BATTERY_VERSION, MutationReport, Report
from servers.runtime import Environment, ServerError, discover
from servers.runtime.farm import EMBEDDED, EMBEDDED_HOST, Options, create_app
from servers.runtime.verified import FILE, Verified, current_record, writing_command
from synthesis.battery.direct import DirectSubject
from synthesis.battery.lines import Lines
from synthesis.battery.loading import environment_in
from synthesis.battery.record import differences, record_of


class Verifier:
    """Loads environments, sees them from within, and keeps their records."""

    def names(self) -> tuple[str, ...]:
        """The environments of this installation."""
        return tuple(discover())

    def named(self, name: str) -> Loaded:
        """An environment of this installation."""
        loaders = discover()
        if name not in loaders:
            known = did_you_mean(name, loaders)
            raise UnknownEnvironment(f"There is no environment '{name}'{known}", code="unknown_environment")
        return _served(_sound(loaders[name]), registered=True)

    def loaded(self, folder: Path) -> Loaded:
        """The environment in a folder."""
        return _served(_sound(lambda: environment_in(folder)), registered=False)

    def lines(self, folder: Path) -> Lines:
        """Watch which lines of the tools run."""
        return Lines(folder)

    def mutation(self, loaded: Loaded, faults: Faults) -> MutationReport:
        """Plant faults and see who notices."""
        from synthesis.battery.planting import planted  # which loads pytest

        return planted(loaded.folder, faults)

    def keep(self, loaded: Loaded, report: Report, level: Level) -> Path:
        """Write the record of a report into the folder."""
        path = loaded.folder / FILE
        try:
            path.write_text(record_of(report, loaded.folder, level).to_text(), encoding="utf-8")
        except OSError as error:
            why = error.strerror or error
            raise VerifyError(f"The record can't be written to {path} ({why}); let that be a file.") from error
        return path

    def kept(self, loaded: Loaded) -> Kept:
        """The record in the folder, if it is current."""
        record = _record(loaded)
        mutation = record.mutation
        return Kept(
            digest=record.digest,
            level=record.effort,
            seed=record.seed,
            mutants=() if mutation is None else tuple(mutant.id for mutant in mutation.mutants),
            mutation_seed=0 if mutation is None else mutation.seed,
        )

    def differences(self, loaded: Loaded, report: Report) -> Sequence[str]:
        """In what the record and a report differ."""
        return list(differences(_record(loaded), report, loaded.folder))


VERIFIER: Installed = Verifier()


def _sound(load: Callable[[], Environment]) -> Environment:
    try:
        return load()
    except ServerError as error:
        raise VerifyError(str(error)) from error


def _served(environment: Environment, *, registered: bool) -> Loaded:
    """An environment behind a farm of its own."""
    token = secrets.token_urlsafe(24)
    app = create_app(
        {environment.name: lambda: environment},
        token=token,
        sandbox=False,
        allowed_hosts=[EMBEDDED_HOST],
        options=Options(limits=EMBEDDED),
    )
    return Loaded(environment.name, environment.folder, app, token, DirectSubject(environment), registered)


def _record(loaded: Loaded) -> Verified:
    try:
        record = current_record(loaded.folder)
    except ServerError as error:
        raise VerifyError(str(error)) from error
    if record.battery != BATTERY_VERSION:
        raise VerifyError(
            f"'{loaded.name}' was verified by battery {record.battery}, and this is battery {BATTERY_VERSION}; "
            f"run `{writing_command(loaded.name)}`."
        )
    return record
