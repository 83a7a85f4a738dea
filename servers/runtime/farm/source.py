"""What an environment is made of, as JSON: for the catalogue, and for those who check or describe it."""

from __future__ import annotations

from servers.runtime.environment import Environment
from servers.runtime.farm.answers import Card, Source


def describe(environment: Environment) -> Card:
    """Give an environment's entry in a list: what it is for, and the names of its tools."""
    manifest = environment.manifest
    return {
        "name": manifest.name,
        "title": manifest.title,
        "domain": manifest.domain,
        "summary": manifest.summary,
        "version": manifest.version,
        "tools": list(environment.tools),
    }


def source_of(environment: Environment) -> Source:
    """Give everything that an environment declares."""
    return {
        "manifest": environment.manifest.model_dump(mode="json"),
        "schema": environment.schema,
        "phrases": environment.text("phrases.toml"),
        "policy": environment.text("policy.md"),
        "contracts": {
            name: {**tool.contract.to_meta(), "refuses": dict(tool.refuses)} for name, tool in environment.tools.items()
        },
        "invariants": dict(environment.invariants),
    }
