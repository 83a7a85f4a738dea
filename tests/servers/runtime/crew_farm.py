"""A farm of two workers over the library, as a process: its one argument is a plan in JSON."""

from __future__ import annotations

import sys

from servers.runtime.farm.plan import Plan
from servers.runtime.farm.serving import serve_crew
from tests.servers.runtime.conftest import TOKEN


def tell(greeting: str) -> None:
    """Say where the farm is, and that it was all."""
    sys.stdout.write(f"{greeting}\ndone\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve_crew(Plan.model_validate_json(sys.argv[1]), TOKEN, ("127.0.0.1", 0), ("a1", "a2"), tell)
