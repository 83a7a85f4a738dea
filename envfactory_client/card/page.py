"""A card as a page for people: one HTML file with its plots drawn inside, which needs nothing else."""

from __future__ import annotations

from pathlib import Path

from envfactory_client.card import charts
from envfactory_client.card.report import Card, Covered
from envfactory_client.errors import MissingExtra

_TEMPLATE = "page.html"
_COVERAGE = {
    "tools": "tools",
    "links": "links between tools",
    "identities": "… that carry a row's key",
    "refusals": "refusal codes",
    "branches": "refusals of each tool",
    "passed": "preconditions met",
}


def page(card: Card) -> str:
    """The page of a card."""
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingExtra("A report card as a page", "card") from error
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"percent": percent, "count": "{:,}".format}
    templates.globals |= {"plots": plots(card), "coverage": coverage(card)}
    return templates.get_template(_TEMPLATE).render(card=card)


def percent(share: float) -> str:
    """A share as a percentage with one digit behind the point, none where it is a whole number."""
    return f"{share * 100:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


def coverage(card: Card) -> list[tuple[str, Covered]]:
    """What is covered, with the words for it."""
    return [(words, getattr(card.coverage, name)) for name, words in _COVERAGE.items()]


def plots(card: Card) -> dict[str, str]:
    """Every plot of the page, by name."""
    known = {words: found for words, found in coverage(card) if found.of}
    user, masked, assistant = card.wording.user, card.wording.masked, card.wording.assistant
    return {
        "turns": charts.columns(card.histograms.turns, "Trajectories by turns"),
        "calls": charts.columns(card.histograms.calls, "Trajectories by calls"),
        "chain": charts.columns(card.histograms.chain, "Trajectories by length of chain"),
        "goals": charts.parted(card.mix.goals, "Goals by how they end"),
        "references": charts.parted(card.mix.references, "Descriptions by kind"),
        "sources": charts.parted(card.mix.sources, "Arguments by where they come from"),
        "coverage": charts.bars({words: found.covered / (found.of or 1) for words, found in known.items()}, "Covered"),
        "hidden": charts.columns(
            {name.partition("-")[0]: count for name, count in card.hidden.trajectories_by_tenth.items()},
            "Trajectories by their hidden rate, from so many percent on",
        ),
        "hidden_sources": charts.bars(card.hidden.by_source, "Hidden rate by where arguments come from"),
        "wording": charts.paired(
            {
                "self-BLEU-4": (user.self_bleu_4, masked.self_bleu_4, assistant.self_bleu_4),
                "distinct-1": (user.distinct_1, masked.distinct_1, assistant.distinct_1),
                "distinct-2": (user.distinct_2, masked.distinct_2, assistant.distinct_2),
                "distinct-3": (user.distinct_3, masked.distinct_3, assistant.distinct_3),
            },
            ("user", "facts masked", "assistant"),
            "Repetition",
        ),
        "difficulty": charts.columns(card.proof.difficulty or {}, "Trajectories by difficulty"),
        "paths": charts.bars(
            {name: count / card.size.trajectories for name, count in (card.proof.paths or {}).items()},
            "Tasks by kind of other path",
        ),
        "rewards": charts.bars(card.proof.rewards or {}, "Mean reward by kind of attempt"),
        "grades": charts.parted(card.proof.grades or {}, "Trajectories by the weakest solver"),
    }
