"""Write registry.json, or check it: `python -m servers.registry [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from servers.registry.catalogue import released_version, server_list, unverified
from servers.runtime import Environment, ServerError, discover

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "registry.json"


def rendered(environments: Mapping[str, Environment]) -> str:
    """Give what registry.json should hold."""
    listed = server_list(environments, package_version=released_version(ROOT / "pyproject.toml"))
    return json.dumps(listed.to_json(), indent=2, ensure_ascii=False) + "\n"


def problems(environments: Mapping[str, Environment]) -> list[str]:
    """Give a sentence for whatever is out of date: the environments' records, and the file made of them."""
    found = unverified(environments)
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != rendered(environments):
        found.append("registry.json is out of date; run `python -m servers.registry`.")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write or check the file; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m servers.registry", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when this file or a verified.json is out of date"
    )
    check = parser.parse_args(arguments).check
    try:
        environments = {name: load() for name, load in discover().items()}
        wrong = problems(environments) if check else []
        if not check:
            TARGET.write_text(rendered(environments), encoding="utf-8")
    except ServerError as error:
        wrong = [str(error)]
    for sentence in wrong:
        print(sentence, file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
