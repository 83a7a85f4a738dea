"""Relations: who is what to whom, so that companions, attendees and payees are the same people everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from servers.runtime.world.draw import Stream
from servers.runtime.world.people import Person

SECTION = "relations@1"

RelationKind = Literal["partner", "child", "parent", "friend", "colleague", "manager", "dentist", "doctor", "landlord"]

_LAST_PARENT = 1977
"""A persona born until this year has children, a younger one parents."""
_NEAR_COLLEAGUES = 3
_SHARED_BY_PARTNERS: tuple[RelationKind, ...] = ("dentist", "doctor", "landlord")

_Found = dict[tuple[str, str], RelationKind]


@dataclass(frozen=True, slots=True)
class Relation:
    """`other_id` is the `kind` of `person_id`: their partner, their manager, ...

    Partners, friends and colleagues are so to each other, and a child's parent has that child; a manager, dentist,
    doctor or landlord is one in one direction only. Two people have one relation at most.
    """

    person_id: str
    other_id: str
    kind: RelationKind


def related(relations: Iterable[Relation], person_id: str, *kinds: RelationKind) -> list[str]:
    """Give the ids of those who are one of `kinds` to a person, in the order of the kinds."""
    own = [relation for relation in relations if relation.person_id == person_id]
    return [relation.other_id for kind in kinds for relation in own if relation.kind == kind]


def by_person(relations: Iterable[Relation]) -> dict[str, list[Relation]]:
    """Give the relations of each person who has any, by the person's id."""
    found: dict[str, list[Relation]] = {}
    for relation in relations:
        found.setdefault(relation.person_id, []).append(relation)
    return found


def draw_relations(stream: Stream, people: Sequence[Person]) -> tuple[Relation, ...]:
    """Give the persona's relations and those among their people, then everybody else's."""
    found: _Found = {}
    _relate_persona(stream("relations/persona"), people, found)
    _relate_partners(stream("relations/partners"), people[1:], found)
    _relate_friends(stream("relations/friends"), people[1:], found)
    return tuple(Relation(one, other, kind) for (one, other), kind in found.items())


def _relate_persona(rng: Random, people: Sequence[Person], found: _Found) -> None:
    """Give the persona a family, friends, a team and those they call on; near ones where the world has some."""
    persona, anybody = people[0], rng.sample(people[1:], len(people) - 1)
    nearest = sorted(anybody, key=lambda other: _remoteness(persona, other))
    taken: set[str] = set()

    def take(count: int, pool: Sequence[Person], fits: Callable[[int], bool] = lambda _: True) -> list[str]:
        """Take people whose years of birth after the persona's fit, each once."""
        fitting = [
            person.person_id
            for person in pool
            if person.person_id not in taken and fits(person.born_on.year - persona.born_on.year)
        ]
        taken.update(fitting[:count])
        return fitting[:count]

    (partner,) = take(1, nearest, lambda years: abs(years) <= 6)
    _link(found, persona.person_id, partner, "partner")
    if persona.born_on.year <= _LAST_PARENT:
        for child in take(1 + rng.randrange(2), nearest, lambda years: 24 <= years <= 42):
            _link(found, persona.person_id, child, "child")
            _link(found, partner, child, "child")
    else:
        for parent in take(1 + rng.randrange(2), nearest, lambda years: -42 <= years <= -20):
            _link(found, persona.person_id, parent, "parent")
    for kind in _SHARED_BY_PARTNERS:
        (other,) = take(1, nearest)
        _link(found, persona.person_id, other, kind)
        _link(found, partner, other, kind)
    for friend in take(4 + rng.randrange(3), nearest, lambda years: abs(years) <= 15):
        _link(found, persona.person_id, friend, "friend")
    (manager,) = take(1, nearest)
    colleagues = take(_NEAR_COLLEAGUES, nearest) + take(2 + rng.randrange(4), anybody)
    _form_team(found, [persona.person_id, *colleagues], manager)


def _form_team(found: _Found, team: Sequence[str], manager: str) -> None:
    """Make everybody of a team each other's colleague, under one manager."""
    for number, member in enumerate(team):
        _link(found, member, manager, "manager")
        for other in team[number + 1 :]:
            _link(found, member, other, "colleague")


def _relate_partners(rng: Random, people: Sequence[Person], found: _Found) -> None:
    """Make partners of about two in five of those who have none, each of nearly the same age."""
    coupled = {one for (one, _), kind in found.items() if kind == "partner"}
    by_age = sorted((person.born_on, person.person_id) for person in people if person.person_id not in coupled)
    for (_, one), (_, other) in zip(by_age[::2], by_age[1::2], strict=False):
        if rng.randrange(5) < 2:
            _link(found, one, other, "partner")


def _relate_friends(rng: Random, people: Sequence[Person], found: _Found) -> None:
    """Make friends of everybody with the next two of a drawn round, so that nobody has fewer than about four."""
    ring = [person.person_id for person in rng.sample(people, len(people))]
    for number, one in enumerate(ring):
        for step in (1, 2):
            _link(found, one, ring[(number + step) % len(ring)], "friend")


def _link(found: _Found, one: str, other: str, kind: RelationKind) -> None:
    """Relate two people who have no relation yet, in both directions where it has two."""
    if (one, other) in found or (other, one) in found:
        return
    found[one, other] = kind
    back: dict[RelationKind, RelationKind] = {"child": "parent", "parent": "child"}
    if kind in ("partner", "friend", "colleague", "child", "parent"):
        found[other, one] = back.get(kind, kind)


def _remoteness(one: Person, other: Person) -> tuple[bool, bool]:
    """Order people by whether they live in one's city, then by whether in one's country."""
    return other.home.name != one.home.name, other.home.country != one.home.country
