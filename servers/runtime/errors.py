"""What can go wrong in a server, named by the boundary that failed.

    ServerError
    ├── DefinitionError      an environment's own files contradict each other: mend the environment
    ├── ScenarioError        rows offered as an initial state do not fit the environment's schema
    ├── EpisodeError         an operation that this episode can't do now
    │   ├── UnknownEpisode
    │   ├── UnknownSnapshot
    │   ├── EpisodeBusy
    │   └── QuotaExceeded    more than an episode may have: calls, rows, bytes, time, snapshots
    ├── UnknownEnvironment
    └── InvalidRequest       a value from outside that no operation accepts

A domain "no" is not here: it is a `Refusal`, which is an ordinary result of a tool.
"""


class ServerError(Exception):
    """Root of the tree; its text is a sentence for a person and says what to do next."""

    code = "server_error"


class DefinitionError(ServerError):
    """An environment's schema, contracts, manifest or scenario contradict each other."""

    code = "bad_definition"


class ScenarioError(ServerError):
    """Rows offered as an initial state do not fit the environment's schema."""

    code = "bad_scenario"


class UnknownEnvironment(ServerError):
    """No environment has that name."""

    code = "unknown_environment"


class InvalidRequest(ServerError):
    """A value from outside is of the wrong form."""

    code = "invalid_request"


class EpisodeError(ServerError):
    """An operation that this episode can't do now."""

    code = "episode_error"


class UnknownEpisode(EpisodeError):
    """No open episode has that handle."""

    code = "unknown_episode"


class UnknownSnapshot(EpisodeError):
    """The episode has no snapshot of that name."""

    code = "unknown_snapshot"


class EpisodeBusy(EpisodeError):
    """A transaction is open, so the state can't be copied or replaced."""

    code = "episode_busy"


class QuotaExceeded(EpisodeError):
    """The episode would go beyond what one episode may have."""

    code = "quota_exceeded"
