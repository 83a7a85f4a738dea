"""Charts as inline SVG: columns, bars and a parted bar, drawn in the page's own colours.

Each chart tells its numbers in words too, so that it can be read without being seen. Colours are classes of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

HUES: Final = 6
"""Colours that the page has, as the classes hue0, hue1 and so on."""
_WIDTH: Final = 360
_HEIGHT: Final = 150
_FOOT: Final = 22
_HEAD: Final = 18
_ROW: Final = 26
_BAR: Final = 26
_LEGEND: Final = 20
_NUMBER: Final = 44
"""Room for a number behind a bar."""
_LETTER: Final = 6.4
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


def bars(shares: Mapping[str, float], title: str) -> str:
    """A bar in a track for each share in [0, 1], from top to bottom, written in percent."""
    if not shares:
        return ""
    label = _label_room(shares)
    room = _WIDTH - label - _NUMBER
    parts, said = [], {name: f"{value:.0%}" for name, value in shares.items()}
    for place, (name, value) in enumerate(shares.items()):
        top = place * _ROW
        parts += [
            _text(0, top + 17, _shortened(name, label), "ink", "start"),
            _rectangle(label, top + 4, room, _ROW - 9, "track", name),
            _rectangle(label, top + 4, room * min(1.0, value), _ROW - 9, "hue0", f"{name}: {said[name]}"),
            _text(label + room + 8, top + 17, said[name], "count", "start"),
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
        parts.append(_rectangle(left, 0, max(0.0, width - 1.5), _BAR, f"hue{place % HUES}", f"{label}: {count:,}"))
        left += width
    legend = list(_legend([f"{name} {count:,} ({count / whole:.0%})" for name, count in counts.items()], _BAR + 14))
    parts += [part for _, part in legend]
    return _drawing(parts, _BAR + 14 + _LEGEND * (1 + legend[-1][0]), f"{title}: {_in_words(counts)}")


def paired(rows: Mapping[str, Sequence[float]], names: Sequence[str], title: str) -> str:
    """Bars in groups, each group with one bar in each of the named colours; values are in [0, 1]."""
    label, thin = _label_room(rows), 12
    room, tall = _WIDTH - label - _NUMBER, thin * len(names) + 12
    parts = []
    for place, (name, values) in enumerate(rows.items()):
        top = place * tall
        parts.append(_text(0, top + tall / 2, name, "ink", "start"))
        for number, value in enumerate(values):
            line, wide = top + number * thin + 2, room * min(1.0, value)
            parts.append(
                _rectangle(label, line, wide, thin - 2, f"hue{number}", f"{name}, {names[number]}: {value:.2f}")
            )
            parts.append(_text(label + wide + 6, line + thin - 3, f"{value:.2f}", "count", "start"))
    foot = len(rows) * tall + 6
    legend = list(_legend(names, foot))
    said = {name: " and ".join(f"{value:.2f}" for value in values) for name, values in rows.items()}
    parts += [part for _, part in legend]
    return _drawing(parts, foot + _LEGEND * (1 + legend[-1][0]), f"{title} ({' and '.join(names)}): {_in_words(said)}")


def _legend(names: Sequence[str], foot: float) -> Iterator[tuple[int, str]]:
    """Words behind the colours, each with its row, in as many rows as they need from a height on."""
    row, left = 0, 0.0
    for place, words in enumerate(names):
        width = 26 + _LETTER * len(words)
        if left and left + width > _WIDTH:
            row, left = row + 1, 0.0
        top = foot + row * _LEGEND
        mark = _rectangle(left, top, 11, 11, f"hue{place % HUES}", words)
        yield row, mark + _text(left + 16, top + 10, words, "soft", "start")
        left += width


def _label_room(labels: Iterable[str]) -> float:
    """The room that the longest label takes, at most half of the width."""
    return min(_WIDTH / 2, 14 + _LETTER * max(map(len, labels)))


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
