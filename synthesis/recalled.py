"""Recalled: a row that goes by its name, of which an earlier call has shown name and key in one record.

Somebody on a list of guests needn't be looked up once more: whoever has the list has the key of each name on it.
"""

from __future__ import annotations

from envfactory_client.card.links import any_index
from synthesis.catalogue import Producer
from synthesis.draft import Mention
from synthesis.gates.meaning import reads_one_way
from synthesis.mentions import proved
from synthesis.paths import value_of
from synthesis.references import Description, make_property
from synthesis.sought import Seen, Sought
from synthesis.stage import Stage


async def recalled(stage: Stage, sought: Sought) -> Mention | None:
    """Give the mention of a row by its name where an earlier result shows it, or None."""
    named = sought.entity.named
    if named is None or named in sought.hidden or named not in sought.entity.say or sought.row.get(named) is None:
        return None
    key = f"{sought.table}.{stage.catalogue.key(sought.table)}"
    origin = stage.earlier(key, sought.value, sought.taker)
    if origin is None or origin.step is None or origin.place is None:
        return None
    step = stage.draft.steps[origin.step]
    record = value_of(step.result, origin.place.rpartition(".")[0])
    name = make_property(named, sought.entity.say[named], sought.row[named], stage.rng)
    if name is None or sought.row[named] not in record.values():
        return None
    producer = Producer(stage.catalogue.tools[step.tool], any_index(origin.place))
    seen = Seen(producer, origin.step, [record], record, origin.place)
    mention = await proved(stage, sought, seen, Description((name,)), ())
    return mention if mention is not None and await reads_one_way(stage, mention) else None
