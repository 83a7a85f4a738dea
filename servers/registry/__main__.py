"""Write registry.json, or check it: `python -m servers.registry [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from servers.registry.catalogue import released_version, server_list
from servers.runtime import ServerError, discover

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "registry.json"


def rendered() -> str:
    """Give what registry.json should hold."""
    environments = {name: load() for name, load in discover().items()}
    listed = server_list(environments, package_version=released_version(ROOT / "pyproject.toml"))
    return json.dumps(listed.to_json(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the file; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m servers.registry", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is out of date")
    check = parser.parse_args(arguments).check
    try:
        text = rendered()
    except ServerError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if check and (not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text):
        print("registry.json is out of date; run `python -m servers.registry`.", file=sys.stderr)  # noqa: T201
        return 1
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
