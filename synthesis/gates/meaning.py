"""The gates of meaning: G3, G4, G6 and G7 over the descriptions of a task, at the moments that count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envfactory_client.logical_form import Derived, Extreme, Row, Rows
from synthesis.catalogue import Catalogue
from synthesis.draft import Meant, Mention, WorkedOut
from synthesis.errors import Drop
from synthesis.gates.denotation import denoted, worked_out
from synthesis.logical_form import path_of, term_of
from synthesis.stage import Stage


async def check_spoken(stage: Stage, meant: Iterable[Meant]) -> None:
    """Raise `Drop` unless each description, when it is spoken, fits its row alone (G3), however it is read (G6), and
    singles it out among others (G7)."""
    for described in meant:
        await check_unique(stage, described, "spoken")
        await check_readings(stage, described)
        await check_distractor(stage, described)
        await check_binding(stage, described)


async def check_acted_on(stage: Stage, meant: Iterable[Meant]) -> None:
    """Raise `Drop` unless the plan's own query gives the row of each description as well (G4)."""
    for described in meant:
        proved = await stage.at(described.row.environment).query(described.sql, described.parameters)
        if sorted(cells[0] for cells in proved) != described.keys:
            raise Drop("gate_G4", f"{described.name}: the plan's query gives {proved}, not {described.keys}")


async def check_worked_out(stage: Stage, asked: Iterable[WorkedOut]) -> None:
    """Raise `Drop` unless the tables give what the plan has worked out of what it saw (G4)."""
    for one in asked:
        found = await worked_out(stage.at(one.environment), one.term)
        if found != one.value:
            raise Drop("gate_G4", f"the tables give {found}, not {one.value}")


async def check_unique(stage: Stage, described: Meant, moment: str) -> None:
    """Raise `Drop` unless a description fits exactly the row, or the set of rows, that is meant (G3)."""
    found = await denoted(stage, described.row, described.known)
    if found != described.keys:
        raise Drop("gate_G3", f"{described.name}: when {moment} it fits {found}, meant is {described.keys}")


async def check_readings(stage: Stage, described: Meant) -> None:
    """Raise `Drop` when another way to read a description gives another row (G6).

    Whether a superlative is taken before or after the properties needs no query: taken before, it either gives the
    same row or none at all, and nobody reads a description so that nothing fits.
    """
    catalogue = stage.catalogues[described.row.environment]
    for name, reading in readings(catalogue, described.row):
        found = await denoted(stage, reading, described.known)
        if found and found != described.keys:
            raise Drop("gate_G6", f"{described.name}: read by {name} it is {found}, meant is {described.keys}")


async def reads_one_way(stage: Stage, mention: Mention) -> bool:
    """Whether every way to read a mention that was just made gives the row that it is for."""
    row = term_of(stage, mention)
    if not isinstance(row, Row):
        return True
    catalogue = stage.catalogues[row.environment]
    others = [await denoted(stage, reading, {}) for _, reading in readings(catalogue, row)]
    return all(found in ([], [mention.value]) for found in others)


def readings(catalogue: Catalogue, row: Row | Rows) -> Iterator[tuple[str, Row]]:
    """Give the other ways to read a description: a code as anybody's, "latest" by another day that people speak of."""
    if isinstance(row, Rows):
        return
    entity = catalogue.entity(row.entity)
    handles = {path_of(catalogue, row.entity, column) for column in entity.handles}
    if row.mine and row.extreme is None and any(part.path in handles for part in row.properties):
        yield "whose it is", row.model_copy(update={"mine": False})
    recent = entity.recency and path_of(catalogue, row.entity, entity.recency)
    if row.extreme is None or row.extreme.path != recent or row.extreme.function != "max":
        return
    for column, how in entity.say.items():
        path = path_of(catalogue, row.entity, column)
        if how.kind == "date" and path != recent:
            yield column, row.model_copy(update={"extreme": Extreme(path=path, function="max")})


async def check_distractor(stage: Stage, described: Meant) -> None:
    """Raise `Drop` when no row has all properties but one, so that the description wouldn't have to be read (G7)."""
    weaker = list(_weaker(described.row))
    for shorter in weaker:
        if len(await denoted(stage, shorter, described.known)) > len(described.keys):
            return
    if weaker:
        raise Drop("gate_G7", f"{described.name}: nothing else is nearly like {described.keys}")


async def check_binding(stage: Stage, described: Meant) -> None:
    """Raise `Drop` when a limit that a row shares with another one changes nothing about which row is meant (G7)."""
    properties = described.row.properties
    for place, part in enumerate(properties):
        if isinstance(part.value, Derived):
            without = described.row.model_copy(update={"properties": properties[:place] + properties[place + 1 :]})
            if await denoted(stage, without, described.known) == described.keys:
                raise Drop("gate_G7", f"{described.name}: without the limit it is {described.keys} as well")


def _weaker(row: Row | Rows) -> Iterator[Row | Rows]:
    """Give a description without its superlative, then without each of its properties."""
    if isinstance(row, Row) and row.extreme is not None:
        row = row.model_copy(update={"extreme": None})
        yield row
    for place in range(len(row.properties)):
        yield row.model_copy(update={"properties": row.properties[:place] + row.properties[place + 1 :]})
