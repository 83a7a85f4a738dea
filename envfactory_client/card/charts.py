"""Charts as inline SVG: columns, bars and a parted bar, drawn in the page's own colours.

Each chart tells its numbers in words too, so that it can be read without being seen. Colours are classes of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

HUES: Final = 6
"""Colours that the page has, as the classes hue0, hue1 and so on."""
_WIDTH: Final = 440
_HEIGHT: Final = 150
_FOOT: Final = 22
_HEAD: Final = 18
_ROW: Final = 26
_LABEL: Final = 150
_LETTER: Final = 7.2
"""About how wide a letter is, to keep labels within their room."""


def columns(counts: Mapping[int, int] | Mapping[str, int], title: str) -> str:
    """A column for each entry, in its order, with its count above."""
    if not counts:
        return ""
    most, step = max(counts.values()) or 1, _WIDTH / len(counts)
    room = _HEIGHT - _FOOT - _HEAD
    parts = []
    for place, (label, count) in enumerate(counts.items()):
        tall = max(1.0, room * count / most) if count else 0.0
        left, top, middle = place * step, _HEIGHT - _FOOT - tall, place * step + step / 2
        parts.append(_rectangle(left + step * 0.12, top, step * 0.76, tall, "hue0", f"{label}: {count:,}"))
        if count:
            parts.append(_text(middle, top - 5, f"{count:,}", "count", "middle"))
        parts.append(_text(middle, _HEIGHT - 6, _shortened(str(label), step), "soft", "middle"))
    return _drawing(parts, _HEIGHT, f"{title}: {_in_words(counts)}")


def bars(shares: Mapping[str, float], title: str, *, most: float = 1.0, unit: str = "%") -> str:
    """A bar for each entry, from top to bottom; a share in [0, 1] is written in percent, any other unit as it is."""
    if not shares:
        return ""
    room = _WIDTH - _LABEL - 60
    parts, said = [], {}
    for place, (label, value) in enumerate(shares.items()):
        top = place * _ROW
        said[label] = f"{value:.0%}" if unit == "%" else f"{value:,.4g}{unit}"
        parts += [
            _text(0, top + 17, _shortened(label, _LABEL), "ink", "start"),
            _rectangle(_LABEL, top + 4, room, _ROW - 9, "track", label),
            _rectangle(
                _LABEL, top + 4, room * min(1.0, value / (most or 1)), _ROW - 9, "hue0", f"{label}: {said[label]}"
            ),
            _text(_LABEL + room + 8, top + 17, said[label], "count", "start"),
        ]
    return _drawing(parts, len(shares) * _ROW, f"{title}: {_in_words(said)}")


def parted(counts: Mapping[str, int], title: str) -> str:
    """One bar, parted by the entries' shares, with a legend below it."""
    whole = sum(counts.values())
    if not whole:
        return ""
    parts, left = [], 0.0
    for place, (label, count) in enumerate(counts.items()):
        width = _WIDTH * count / whole
        parts.append(_rectangle(left, 0, max(0.0, width - 1.5), 26, f"hue{place % HUES}", f"{label}: {count:,}"))
        left += width
    rows = list(_legend(counts, whole))
    parts += [part for _, part in rows]
    return _drawing(parts, 40 + 22 * (1 + max(row for row, _ in rows)), f"{title}: {_in_words(counts)}")


def paired(rows: Mapping[str, Sequence[float]], names: Sequence[str], title: str) -> str:
    """Bars in groups, each group with one bar in each of the named colours; values are in [0, 1]."""
    room, thin = _WIDTH - _LABEL - 60, 12
    tall = thin * len(names) + 12
    parts = []
    for place, (label, values) in enumerate(rows.items()):
        top = place * tall
        parts.append(_text(0, top + tall / 2, _shortened(label, _LABEL), "ink", "start"))
        for number, value in enumerate(values):
            line = top + number * thin + 2
            parts.append(_rectangle(_LABEL, line, room * min(1.0, value), thin - 2, f"hue{number}", f"{names[number]}"))
            parts.append(_text(_LABEL + room * min(1.0, value) + 6, line + thin - 3, f"{value:.2f}", "count", "start"))
    foot = len(rows) * tall + 6
    for number, name in enumerate(names):
        parts.append(_rectangle(_LABEL + number * 140, foot, 11, 11, f"hue{number}", name))
        parts.append(_text(_LABEL + number * 140 + 17, foot + 10, name, "soft", "start"))
    said = {label: " and ".join(f"{value:.2f}" for value in values) for label, values in rows.items()}
    return _drawing(parts, foot + 18, f"{title} ({' and '.join(names)}): {_in_words(said)}")


def _legend(counts: Mapping[str, int], whole: int) -> Iterator[tuple[int, str]]:
    """Names with their counts and shares, in as many rows as they need."""
    row, left = 0, 0.0
    for place, (label, count) in enumerate(counts.items()):
        words = f"{label} {count:,} ({count / whole:.0%})"
        width = 22 + _LETTER * len(words)
        if left and left + width > _WIDTH:
            row, left = row + 1, 0.0
        top = 40 + row * 22
        yield (
            row,
            _rectangle(left, top, 11, 11, f"hue{place % HUES}", label)
            + _text(left + 16, top + 10, words, "soft", "start"),
        )
        left += width


def _drawing(parts: Sequence[str], height: float, words: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_number(height)}" role="img" aria-label="{escape(words)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _rectangle(left: float, top: float, width: float, height: float, kind: str, words: str) -> str:  # noqa: PLR0913, PLR0917
    place = f'x="{_number(left)}" y="{_number(top)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect {place} rx="2" class="{kind}"><title>{escape(words)}</title></rect>'


def _text(left: float, top: float, words: str, kind: str, anchor: str) -> str:
    return f'<text x="{_number(left)}" y="{_number(top)}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _shortened(words: str, room: float) -> str:
    most = max(2, int(room / _LETTER))
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _in_words(entries: Mapping[int, int] | Mapping[str, int] | Mapping[str, str]) -> str:
    return ", ".join(f"{label} {value}" for label, value in entries.items())
