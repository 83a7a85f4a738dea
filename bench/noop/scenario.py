"""No rows."""

from servers.runtime import Rows, World


def populate(world: World) -> Rows:  # noqa: ARG001 - every scenario takes the world
    """Give no rows."""
    return {"blanks": []}
