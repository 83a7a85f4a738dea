"""The report card's format: what each figure is called and what it means. Shares are numbers from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "envfactory.card/1"


class _Part(BaseModel):
    """A part of the card; fields that it doesn't know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvironmentFigures(_Part):
    """One environment's part in the dataset."""

    name: str = Field(description="The environment.")
    version: str = Field(description="Its version as the trajectories name it; several, with a comma between.")
    tools: int = Field(description="Its tools that any trajectory offers or calls.")
    parameters: int = Field(description="Parameters of these tools, where the dataset keeps their schemas.")
    trajectories: int = Field(description="Trajectories in which its tools are offered.")
    calls: int = Field(description="Calls of its tools, by the agent or the user.")


class Size(_Part):
    """How much there is."""

    trajectories: int = Field(description="Trajectories.")
    environments: int = Field(description="Environments that occur.")
    tools: int = Field(description="Tools that are offered or called.")
    parameters: int = Field(description="Parameters of these tools, where the dataset keeps their schemas.")
    turns: int = Field(description="Turns: messages of the user, each with the assistant's answer.")
    calls: int = Field(description="Calls of the agent.")
    user_calls: int = Field(description="Calls of the user's own tools.")


class Covered(_Part):
    """What the dataset exercises of what there is."""

    covered: int = Field(description="How many of them occur.")
    of: int | None = Field(description="How many there are; null when no farm could be asked.")
    missing: tuple[str, ...] = Field(description="Those that never occur, by name.")


class Coverage(_Part):
    """Which tools, links and refusals occur."""

    tools: Covered = Field(description="Tools that a call was made of, the user's among them, of those there are.")
    links: Covered = Field(
        description="Links along which an argument came from an earlier result, of the links that contracts declare; "
        "a link that only echoes an argument of the producer isn't counted, nor one from what the user alone sees to "
        "what the agent does, nor one that tells the user a fact of their own."
    )
    identities: Covered = Field(
        description="The links among them that carry a row's key, and not a fact that the user may know as well."
    )
    refusals: Covered = Field(description="Refusal codes met, of those with which a write of the agent's may end.")
    branches: Covered = Field(
        description="Writes of the agent's with one of their refusal codes, but for that of a key that no row has: met "
        "when a call of that very tool ended with that code."
    )
    passed: Covered = Field(
        description="Writes with such codes: met when a call of the tool succeeded, so that every precondition held."
    )


class Histograms(_Part):
    """How trajectories are spread, as a number to how many have it."""

    turns: Mapping[int, int] = Field(description="Number of turns to how many trajectories have it.")
    calls: Mapping[int, int] = Field(description="Number of the agent's calls to how many trajectories have it.")
    chain: Mapping[int, int] = Field(
        description="Length of the longest row of calls, each with an argument from the one before, to how many "
        "trajectories have it."
    )
    offered: Mapping[int, int] = Field(description="Number of tools offered to the agent to how many trajectories.")


class Mix(_Part):
    """What the trajectories are made of."""

    goals: Mapping[str, int] = Field(
        description="Goals by how they end: write (done), answer, ask, refuse, or another outcome by its own name."
    )
    refusals: Mapping[str, int] = Field(description="Refusals that the agent met, by environment and code.")
    references: Mapping[str, int] = Field(description="Descriptions of rows by kind.")
    sources: Mapping[str, int] = Field(description="Arguments by where the ledger says that they come from.")
    crossing: float = Field(
        description="Share of trajectories in which an argument in one environment came from a result of another."
    )
    several: float = Field(description="Share of trajectories that make calls in more than one environment.")
    distractors: float = Field(description="Mean share of the offered tools that a trajectory never calls.")


class HiddenRate(_Part):
    """What the agent has to find out by itself."""

    arguments: int = Field(description="Arguments present in the agent's calls; an argument that is null isn't one.")
    rate: float = Field(
        description="Share of arguments whose value, normalised (dates, hours, money, numbers, names), is said in no "
        "message of the user up to that turn."
    )
    literal_rate: float = Field(
        description="Share of arguments whose value stands letter by letter, but for case, in no message of the user "
        "up to that turn."
    )
    by_source: Mapping[str, float] = Field(description="The hidden rate by where the ledger says arguments come from.")
    trajectories_by_tenth: Mapping[str, int] = Field(description="Trajectories by their own hidden rate, in tenths.")
    trajectories_without: int = Field(description="Trajectories in which nothing is hidden.")


class Repetition(_Part):
    """How much some texts repeat themselves."""

    distinct_1: float = Field(description="Different words among all words.")
    distinct_2: float = Field(description="Different word pairs among all word pairs.")
    distinct_3: float = Field(description="Different word triples among all word triples.")
    self_bleu_4: float = Field(description="Mean BLEU-4 of each text against all the others, equal weights.")


class Skeletons(_Part):
    """Messages with every fact replaced by its type."""

    distinct: float = Field(description="Different skeletons among the sampled messages.")
    commonest: float = Field(description="Share of the sampled messages that have the commonest skeleton.")
    commonest_text: str = Field(description="That skeleton.")


class Wording(_Part):
    """How the user and the assistant speak, on a sample."""

    sampled: int = Field(description="Messages of the user that were drawn.")
    seed: int = Field(description="Seed of the draw.")
    tokenizer: str = Field(description="What counts as a word.")
    smoothing: str = Field(description="What BLEU does with a precision without a match.")
    user: Repetition = Field(description="The user's messages as they are.")
    masked: Repetition = Field(description="The user's messages with every fact replaced by its type.")
    skeletons: Skeletons = Field(description="The masked messages compared as wholes.")
    assistant: Repetition = Field(description="The assistant's answers to them as they are.")
    nearest_cosine: float | None = Field(
        description="Mean cosine between the sentence embedding of a message of the user and the nearest other one; "
        "null unless asked for."
    )


class ParameterVariety(_Part):
    """How much the values of one parameter differ."""

    parameter: str = Field(description="The tool's full name and the parameter.")
    uses: int = Field(description="Calls that give it.")
    values: int = Field(description="Different values.")
    entropy_bits: float = Field(description="Shannon entropy of its values.")
    relative: float = Field(description="Entropy over the most that as many uses can have, which is all different.")


class Variety(_Part):
    """How much the values of arguments differ."""

    parameters: int = Field(description="Parameters that are used.")
    entropy_bits: float = Field(description="Mean entropy of parameters used more than once, weighted by their uses.")
    relative: float = Field(description="Mean relative entropy of the same, weighted in the same way.")
    flattest: tuple[ParameterVariety, ...] = Field(description="The parameters whose values differ least, up to ten.")


class Duplicates(_Part):
    """How many trajectories say or do what another one does."""

    threshold: float = Field(description="Jaccard similarity from which two are near duplicates.")
    exact_chains: float = Field(
        description="Share of trajectories beyond the first of each canonical chain: the calls with values that "
        "earlier results gave replaced by where they were found."
    )
    near_chains: float = Field(
        description="Share beyond the first of each group of near-duplicate chains, by calls and adjacent calls."
    )
    exact_text: float = Field(description="Share beyond the first of each text: all messages of the user.")
    near_text: float = Field(
        description="Share beyond the first of each group of near-duplicate texts, by word triples."
    )
    shapes: float = Field(
        description="Different shapes of chains, which have no values at all, among all trajectories."
    )
    commonest_shape: float = Field(description="Share of trajectories that have the commonest shape.")


class Proof(_Part):
    """What the dataset's own records say of its tasks; null where they say nothing."""

    replayed: float | None = Field(
        description="Share of trajectories that were replayed to equal results and digests; measured when asked for."
    )
    reward_tests: float | None = Field(description="Share of tasks that pass all unit tests of their reward.")
    null_agent: float | None = Field(description="Mean reward of an agent that does nothing.")
    rewards: Mapping[str, float] | None = Field(description="Mean reward by kind of attempt.")
    few_paths: int | None = Field(description="Tasks with fewer than three alternative paths that pay in full.")
    paths: Mapping[str, int] | None = Field(
        default=None, description="Tasks by kind of alternative path that was executed and paid in full."
    )
    differing_paths: Mapping[int, int] | None = Field(
        default=None,
        description="Tasks by how many of these paths, up to three, do more than look up what nobody needs.",
    )
    difficulty: Mapping[int, int] | None = Field(description="Trajectories by difficulty, rounded down.")
    grades: Mapping[str, int] | None = Field(description="Trajectories by the weakest solver that solves them.")


class Match(_Part):
    """One of our tools that shares its name with a benchmark's function."""

    tool: str = Field(description="Our tool, by its full name.")
    function: str = Field(description="The benchmark's function, with the module that it is in.")
    same_parameters: bool = Field(description="Whether the names of the parameters are the same too.")
    shared_parameters: tuple[str, ...] = Field(description="Parameters that both have.")


class Contamination(_Part):
    """Our tools against the functions of one benchmark's package; its queries are never read."""

    package: str = Field(description="The package.")
    version: str = Field(description="The version that was looked at.")
    functions: int = Field(description="Functions that it offers, each with its set of parameters.")
    tools: int = Field(description="Our tools that were compared.")
    name_only: int = Field(description="Our tools that share a name, but with other parameters.")
    name_and_parameters: int = Field(description="Our tools that share a name with the very same parameters.")
    matches: tuple[Match, ...] = Field(description="The tools that share a name.")


class Card(_Part):
    """The report card of a dataset."""

    format: Literal["envfactory.card/1"] = Field(default=FORMAT, description="The name of this format.")
    dataset: str = Field(description="Name of the dataset's folder.")
    determinism: str = Field(
        description="Digest over the ids of all trajectories in order; equal runs have equal ones."
    )
    size: Size = Field(description="How much there is.")
    environments: tuple[EnvironmentFigures, ...] = Field(description="Each environment's part.")
    coverage: Coverage = Field(description="Which tools, links and refusals occur.")
    histograms: Histograms = Field(description="How trajectories are spread.")
    mix: Mix = Field(description="What the trajectories are made of.")
    hidden: HiddenRate = Field(description="What the agent has to find out by itself.")
    wording: Wording = Field(description="How the user and the assistant speak.")
    variety: Variety = Field(description="How much the values of arguments differ.")
    duplicates: Duplicates = Field(description="How many say or do what another one does.")
    proof: Proof = Field(description="What the dataset's own records say of its tasks.")
    contamination: tuple[Contamination, ...] = Field(default=(), description="Our tools against benchmarks' functions.")
