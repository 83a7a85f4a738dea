"""The client of EnvFactory: farms, episodes, exploration, tool graphs, chains, recordings and replays.

    async with Farm("http://localhost:8000") as farm:             # or Farm.embedded()
        async with await farm.open("airline", seed=7) as episode:
            found = await episode.call("airline", "search_flights", origin="BOS", destination="DEN")

It needs neither the MCP SDK nor a server in the same process; servers by other authors need the extra 'mcp', and the
embedded farm the extra 'farm'.
"""

from envfactory_client.dataset import Dataset, Line, Resumption, load_scenario
from envfactory_client.episode import (
    CallResult,
    Diff,
    EnvironmentVersion,
    Episode,
    QueryResult,
    RowUpdate,
    Side,
    State,
    TableDiff,
)
from envfactory_client.errors import (
    CallFailed,
    Closed,
    CorruptLine,
    DatasetError,
    EnvFactoryError,
    FarmError,
    ForeignServerError,
    MissingExtra,
    MissingScenario,
    NoChain,
    ProtocolError,
    Refused,
    TornLine,
    Unauthorized,
    UnknownEnvironment,
    UnknownEpisode,
    UnknownField,
    UnknownTool,
    Unreachable,
)
from envfactory_client.explore import Exploration, explore
from envfactory_client.farm import EnvironmentCard, Farm, Source
from envfactory_client.fields import SchemaField, schema_fields, value_fields, values_at
from envfactory_client.foreign import ForeignServer
from envfactory_client.graph import GraphField, Link, ToolGraph, ToolNode
from envfactory_client.recorder import Recorder
from envfactory_client.replay import Replay, replay
from envfactory_client.sample import Binding, Bounds, Chain, ChainStep, chains, flaws, sample, walk
from envfactory_client.tool import ColumnFilter, Contract, FieldContract, Tool
from envfactory_client.trajectory import (
    Goal,
    LedgerEntry,
    OfferedTools,
    Reference,
    RewardSpec,
    Step,
    StepArgument,
    StepPath,
    Trajectory,
    TrajectoryWorld,
    Turn,
    canonical_json,
    digest,
    scenario_digest,
)

__all__ = [
    "Binding",
    "Bounds",
    "CallFailed",
    "CallResult",
    "Chain",
    "ChainStep",
    "Closed",
    "ColumnFilter",
    "Contract",
    "CorruptLine",
    "Dataset",
    "DatasetError",
    "Diff",
    "EnvFactoryError",
    "EnvironmentCard",
    "EnvironmentVersion",
    "Episode",
    "Exploration",
    "Farm",
    "FarmError",
    "FieldContract",
    "ForeignServer",
    "ForeignServerError",
    "Goal",
    "GraphField",
    "LedgerEntry",
    "Line",
    "Link",
    "MissingExtra",
    "MissingScenario",
    "NoChain",
    "OfferedTools",
    "ProtocolError",
    "QueryResult",
    "Recorder",
    "Reference",
    "Refused",
    "Replay",
    "Resumption",
    "RewardSpec",
    "RowUpdate",
    "SchemaField",
    "Side",
    "Source",
    "State",
    "Step",
    "StepArgument",
    "StepPath",
    "TableDiff",
    "Tool",
    "ToolGraph",
    "ToolNode",
    "TornLine",
    "Trajectory",
    "TrajectoryWorld",
    "Turn",
    "Unauthorized",
    "UnknownEnvironment",
    "UnknownEpisode",
    "UnknownField",
    "UnknownTool",
    "Unreachable",
    "canonical_json",
    "chains",
    "digest",
    "explore",
    "flaws",
    "load_scenario",
    "replay",
    "sample",
    "scenario_digest",
    "schema_fields",
    "value_fields",
    "values_at",
    "walk",
]
