"""What every environment stands on: vocabulary, contracts, refusals, state, clock, world, episodes and the farm."""

import gc

_collecting = gc.isenabled()
gc.disable()  # what is loaded stays: to look for garbage among it takes a tenth of the time that loading takes
try:
    from servers.runtime.discovery import discover, pick
    from servers.runtime.environment import Environment
    from servers.runtime.episode import Episode
    from servers.runtime.errors import (
        DefinitionError,
        EpisodeBusy,
        EpisodeError,
        InvalidRequest,
        ScenarioError,
        ServerError,
        UnknownEnvironment,
        UnknownEpisode,
        UnknownSnapshot,
    )
    from servers.runtime.record import Record
    from servers.runtime.refusal import Refusal, find
    from servers.runtime.state import Rows
    from servers.runtime.vocabulary import (
        Cents,
        Filter,
        Free,
        IsoDate,
        IsoDateTime,
        Key,
        Sets,
        Shared,
        Shows,
        SignedCents,
    )
    from servers.runtime.world import World
finally:
    if _collecting:
        gc.enable()

__all__ = [
    "Cents",
    "DefinitionError",
    "Environment",
    "Episode",
    "EpisodeBusy",
    "EpisodeError",
    "Filter",
    "Free",
    "InvalidRequest",
    "IsoDate",
    "IsoDateTime",
    "Key",
    "Record",
    "Refusal",
    "Rows",
    "ScenarioError",
    "ServerError",
    "Sets",
    "Shared",
    "Shows",
    "SignedCents",
    "UnknownEnvironment",
    "UnknownEpisode",
    "UnknownSnapshot",
    "World",
    "discover",
    "find",
    "pick",
]
