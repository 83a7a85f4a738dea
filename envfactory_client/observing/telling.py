"""Telling: from trials and shared values to an observation, and to contracts in the form of declared ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from envfactory_client.fields import schema_fields
from envfactory_client.graph import ToolGraph
from envfactory_client.observing.caller import Caller
from envfactory_client.observing.columns import Canonical, canonical
from envfactory_client.observing.drawing import Input
from envfactory_client.observing.observation import Observation, ObservedParameter, ObservedResult, agreement
from envfactory_client.observing.pool import GIVEN, End, Pool
from envfactory_client.observing.spreading import Known, spread_to_inputs, spread_to_results
from envfactory_client.observing.trials import Counts, Verdict
from envfactory_client.tool import ColumnFilter, Contract, FieldContract, Ground, Tool
from envfactory_client.verify.foreign_subject import ForeignSubject

_WHY: Mapping[Ground, str] = {
    "name": "same name as what answers to it",
    "form": "only its values have the published form",
}


@dataclass(frozen=True)
class Seen:
    """All that calls and trials brought."""

    subject: ForeignSubject
    inputs: Sequence[Input]
    pool: Pool
    verdicts: Mapping[End, Verdict]
    searches: frozenset[End]
    """Parameters that take parts of values as well."""
    same: frozenset[frozenset[End]]
    """Pairs of result paths that a parameter answered to alike."""

    @cached_property
    def columns(self) -> list[Canonical]:
        """The columns of all that was seen."""
        return canonical(self.pool.columns.values(), self.same)

    @cached_property
    def parameters(self) -> Mapping[End, Known]:
        """The columns of parameters: those that answer, then those that names or forms tell."""
        current = {member.end: column for column in self.columns for member in column.members}
        answering = {
            end: current[verdict.column.members[0].end] for end, verdict in self.verdicts.items() if verdict.column
        }
        keys = {end: column for end, column in answering.items() if column.names_rows and end not in self.searches}
        unseen = [taken for taken in self.inputs if taken.open and not self._tried(taken.end)]
        spread = spread_to_inputs(keys, unseen, self.columns)
        return {**spread, **{end: Known(column, "response") for end, column in answering.items()}}

    @cached_property
    def results(self) -> Mapping[End, Known]:
        """The columns of result paths: by their values, as echoes of parameters, and by names."""
        found = {member.end: Known(column, "values") for column in self.columns for member in column.members}
        for end, column in self.pool.columns.items():
            known = self.parameters.get((end[0], column.echo_of or ""))
            if end not in found and known is not None:
                found[end] = Known(known.column, "echo")
        return {**spread_to_results(self.columns, (end for end in self.paths if end not in found)), **found}

    @cached_property
    def paths(self) -> Mapping[End, None]:
        """All result paths, published or seen."""
        published = (
            (name, field.path)
            for name, tool in self.subject.all_tools.items()
            for field in schema_fields(tool.output_schema or {})
        )
        return dict.fromkeys((*published, *(end for end in self.pool.columns if end[0] != GIVEN)))

    def _tried(self, end: End) -> bool:
        """Whether trials say that a parameter is of no column, or of one."""
        verdict = self.verdicts.get(end)
        return verdict is not None and (verdict.column is not None or verdict.why == "several answer alike")


def told(seen: Seen, caller: Caller) -> Observation:
    """The observation."""
    tools = tuple(_typed(tool, seen) for tool in seen.subject.all_tools.values())
    samples = {f"{seen.subject.name}.{name}": tuple(values) for name, values in caller.samples.items()}
    observation = Observation(
        name=seen.subject.name,
        calls=caller.calls,
        successes={name: caller.successes[name] for name in seen.subject.tools},
        left_alone=tuple(caller.left_alone),
        spent=caller.spent,
        tools=tools,
        parameters=tuple(_parameter(taken, seen) for taken in seen.inputs),
        results=tuple(_result(end, seen) for end in seen.paths),
        columns={column.name: tuple(".".join(one.end) for one in column.members) for column in seen.columns},
        samples=samples,
    )
    declaring = seen.subject.all_tools.values()
    if not all(tool.contract for tool in declaring):
        return observation
    compared = agreement(ToolGraph.build(declaring), observation.graph)
    return observation.model_copy(update={"agreement": compared})


def _parameter(taken: Input, seen: Seen) -> ObservedParameter:
    verdict, known = seen.verdicts.get(taken.end), seen.parameters.get(taken.end)
    field = {"tool": taken.tool, "path": taken.path}
    counts, rivals = (verdict.counts, verdict.rivals) if verdict else (Counts(), ())
    if known is None:
        why = verdict.why if verdict else "not called" if taken.open else "a choice or a setting"
        return ObservedParameter(**field, why=why, counts=counts, rivals=rivals)
    parts = taken.end in seen.searches
    return ObservedParameter(
        **field,
        column=known.column.name,
        key=known.column.names_rows and not parts,
        operator="like" if parts else "=",
        ground=known.ground,
        why=_WHY.get(known.ground, "answers to it"),
        counts=counts,
        rivals=rivals,
    )


def _result(end: End, seen: Seen) -> ObservedResult:
    column, known = seen.pool.columns.get(end), seen.results.get(end)
    return ObservedResult(
        tool=end[0],
        path=end[1],
        column=known.column.name if known else None,
        key=known.column.names_rows if known else False,
        ground=known.ground if known else None,
        values=len(column.values) if column else 0,
        answers=column.answers if column else 0,
    )


def _typed(tool: Tool, seen: Seen) -> Tool:
    """A tool with the contract that was observed, whatever it declares."""
    own = [taken for taken in seen.inputs if taken.tool == tool.name]
    parameters = {taken.path.removesuffix("[]"): _taken(taken, seen) for taken in own}
    results = {path: _given(known) for (name, path), known in seen.results.items() if name == tool.name}
    contract = Contract(
        kind="reads" if tool.read_only else "writes", parameters=parameters, results=results, observed=True
    )
    return tool.model_copy(update={"contract": contract})


def _taken(taken: Input, seen: Seen) -> FieldContract:
    known = seen.parameters.get(taken.end)
    if known is None:
        return FieldContract()
    name = known.column.name
    if known.column.names_rows and taken.end not in seen.searches:
        return FieldContract(type=name, key=name, ground=known.ground)
    operator = "like" if taken.end in seen.searches else "="
    return FieldContract(filter=ColumnFilter(column=name, operator=operator), ground=known.ground)


def _given(known: Known) -> FieldContract:
    name = known.column.name
    key = name if known.column.names_rows else None
    return FieldContract(type=key, key=key, shows=name, ground=known.ground)
