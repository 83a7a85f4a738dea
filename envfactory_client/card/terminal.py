"""How a card looks on a terminal: tables of its figures, the most telling first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envfactory_client.card.report import Card, Contamination, Covered, Wording
from envfactory_client.card.splits import Split

_BLOCKS = " ▁▂▃▄▅▆▇█"


def card(found: Card) -> RenderableType:
    """All that is told of one dataset."""
    parts: list[RenderableType] = [_heading(found)]
    for title, rows in _sections(found):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(style="dim", min_width=26)
        table.add_column(overflow="fold")
        for name, figures in rows:
            table.add_row(name, figures)
        parts += [Text(), Text(title, "bold"), table]
    parts += [line for one in found.contamination for line in _contamination(one)]
    return Group(*parts)


def split_up(parted: Mapping[str, Split], folder: Path) -> RenderableType:
    """How a dataset was split."""
    lines = []
    for name, split in parted.items():
        counts = ", ".join(f"{len(ids):,} {side.replace('_', ' ')}" for side, ids in split.sides.items())
        held_out = f" (held out: {', '.join(split.held_out)})" if split.held_out else ""
        lines.append(Text.assemble((f"Split by {name}: ", "bold"), f"{counts}{held_out}"))
    return Group(Text(), *lines, Text(f"Lists and manifest: {folder}", "dim"))


def _heading(found: Card) -> Text:
    size = found.size
    names = ", ".join(f"{one.name} {one.version}" for one in found.environments)
    about = f"{size.trajectories:,} trajectories, {size.turns:,} turns, {size.calls:,} calls · {names}"
    return Text.assemble((f"{found.dataset}\n", "bold cyan"), about, (f"\ndeterminism {found.determinism}", "dim"))


def _sections(found: Card) -> Iterator[tuple[str, Sequence[tuple[str, str | Text]]]]:
    spread, mix, hidden, words = found.histograms, found.mix, found.hidden, found.wording
    yield (
        "Coverage",
        [
            ("tools", _covered(found.coverage.tools)),
            ("links", _covered(found.coverage.links)),
            ("links that carry a key", _covered(found.coverage.identities)),
            ("refusal codes", _covered(found.coverage.refusals)),
            ("refusals of each tool", _covered(found.coverage.branches)),
            ("preconditions met", _covered(found.coverage.passed)),
        ],
    )
    yield (
        "Shape",
        [
            ("turns", _spread(spread.turns)),
            ("calls", _spread(spread.calls)),
            ("chain", _spread(spread.chain)),
            ("goals", _counts(mix.goals)),
            ("descriptions", _counts(mix.references)),
            ("arguments", _counts(mix.sources)),
            ("across environments", f"{mix.crossing:.1%} carry a value, {mix.several:.1%} call in several"),
            ("tools never needed", f"{mix.distractors:.1%} of those offered"),
        ],
    )
    yield (
        "Hidden",
        [
            ("hidden rate", f"{hidden.rate:.1%} of {hidden.arguments:,} arguments"),
            ("literal-match rate", f"{hidden.literal_rate:.1%}"),
            ("by source", ", ".join(f"{name} {rate:.1%}" for name, rate in hidden.by_source.items())),
        ],
    )
    yield f"Wording ({words.sampled} messages, seed {words.seed})", list(_wording(words))
    yield "Repetition", list(_repetition(found))
    yield "Proof", list(_proof(found))


def _wording(found: Wording) -> Iterator[tuple[str, str]]:
    for name, one in (("user", found.user), ("user, facts masked", found.masked), ("assistant", found.assistant)):
        distinct = f"{one.distinct_1:.3f} {one.distinct_2:.3f} {one.distinct_3:.3f}"
        yield name, f"self-BLEU-4 {one.self_bleu_4:.3f}   distinct-1/2/3 {distinct}"
    if found.nearest_cosine is not None:
        yield "nearest by meaning", f"cosine {found.nearest_cosine:.3f} on average"
    yield "skeletons", f"{found.skeletons.distinct:.1%} distinct, the commonest {found.skeletons.commonest:.1%}"
    yield "commonest skeleton", f"“{found.skeletons.commonest_text}”"


def _repetition(found: Card) -> Iterator[tuple[str, str]]:
    twice, variety = found.duplicates, found.variety
    yield "same chain", f"{twice.exact_chains:.1%} exactly, {twice.near_chains:.1%} nearly"
    yield "same text", f"{twice.exact_text:.1%} exactly, {twice.near_text:.1%} nearly"
    yield "shapes of chains", f"{twice.shapes:.1%} distinct, the commonest {twice.commonest_shape:.1%}"
    yield "values of arguments", f"{variety.entropy_bits:.2f} bits, {variety.relative:.1%} of all different"


def _proof(found: Card) -> Iterator[tuple[str, str]]:
    told, none = found.proof, "not recorded"
    yield "replayed", none if told.replayed is None else f"{told.replayed:.1%}"
    yield "reward unit tests", none if told.reward_tests is None else f"{told.reward_tests:.1%}"
    yield "null agent", none if told.null_agent is None else f"{told.null_agent:.3f}"
    yield "tasks with < 3 other paths", none if told.few_paths is None else f"{told.few_paths:,}"
    yield "tasks by kind of path", ", ".join(f"{name} {n:,}" for name, n in told.paths.items()) if told.paths else none
    yield "tasks by differing paths", _spread(told.differing_paths) if told.differing_paths else none
    yield "difficulty", _spread(told.difficulty) if told.difficulty else none
    yield "grades", _counts(told.grades) if told.grades else none


def _contamination(found: Contamination) -> Iterator[RenderableType]:
    style = "red" if found.name_and_parameters else "green"
    yield Text()
    yield Text.assemble(
        (f"{found.package} {found.version}: ", "bold"),
        (f"{found.name_and_parameters} tools share name and parameters", style),
        f", {found.name_only} the name alone, of {found.tools} against {found.functions} functions",
    )
    for match in found.matches:
        shared = ", ".join(match.shared_parameters) or "no parameter"
        yield Text(f"  {match.tool} as {match.function}, shared: {shared}", "dim")


def _covered(found: Covered) -> str | Text:
    if found.of is None:
        return f"{found.covered:,} (of how many isn't known)"
    style = "green" if found.covered == found.of else "yellow"
    return Text.assemble((f"{found.covered:,}", style), f" of {found.of:,}")


def _spread(counts: Mapping[int, int]) -> str:
    """A small histogram on one line, between its lowest and its highest number."""
    if not counts:
        return "none"
    row = [counts.get(number, 0) for number in range(min(counts), max(counts) + 1)]
    mean = sum(number * times for number, times in counts.items()) / sum(counts.values())
    return f"{min(counts)} {_drawn(row)} {max(counts)}   mean {mean:.1f}"


def _drawn(row: Sequence[int]) -> str:
    most = max(row)
    return "".join(_BLOCKS[-(-count * (len(_BLOCKS) - 1) // most)] for count in row)


def _counts(counts: Mapping[str, int]) -> str:
    whole = sum(counts.values())
    return ", ".join(f"{name} {count:,} ({count / whole:.0%})" for name, count in counts.items()) or "none"
