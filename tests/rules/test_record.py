"""Every environment's record shows that all checks hold, nearly all lines ran, and planted faults are noticed."""

from __future__ import annotations

from collections import Counter

from envfactory_client.verify.known import all_checks
from servers.runtime import Environment
from servers.runtime.verified import current_record

LEAST_LINES = 0.95
LEAST_MUTANTS = 60
LEAST_BY_CONTRACTS = 0.75
LEAST_WITH_TESTS = 0.90


def test_every_check_was_made_and_holds(env: Environment) -> None:
    record = current_record(env.folder)
    assert record.verified
    assert [check.id for check in record.checks] == [check.id for check in all_checks()]
    assert {check.outcome for check in record.checks} == {"passed"}
    assert record.coverage is not None
    assert record.coverage >= LEAST_LINES


def test_every_tool_succeeds_and_every_refusal_is_met_at_its_boundary(env: Environment) -> None:
    reached = {tool.tool: tool for tool in current_record(env.folder).reached}
    assert reached.keys() == env.tools.keys()
    for name, tool in env.tools.items():
        assert reached[name].successes, name
        assert set(reached[name].boundaries) == set(tool.contract.refusals), name
        assert all(reached[name].refusals.values()), name


def test_planted_faults_are_noticed(env: Environment) -> None:
    mutation = current_record(env.folder).mutation
    assert mutation is not None
    assert len({mutant.id for mutant in mutation.mutants}) >= LEAST_MUTANTS
    noticed = Counter(mutant.killed_by for mutant in mutation.mutants)
    contracts, tests = noticed["contracts"], noticed["contracts"] + noticed["tests"]
    shares = tuple(round(count / len(mutation.mutants), 4) for count in (contracts, tests))
    assert shares == (mutation.contracts, mutation.with_tests)
    assert mutation.contracts >= LEAST_BY_CONTRACTS
    assert mutation.with_tests >= LEAST_WITH_TESTS
