"""People: the persona, who is the user of every episode, and everybody else that the world knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random

from servers.runtime.world.draw import Stream, zipf
from servers.runtime.world.places import City

SECTION = "people@1"
COUNT = 400
PERSONA_CITIES = 22
"""The persona lives in one of so many biggest cities: all have many flights and share a date at the clock's hours."""

_MAIL_DOMAINS = ("example.com", "example.org", "example.net")
_BIRTHS = (date(1948, 1, 1), date(2006, 1, 1))
_PERSONA_BIRTHS = (date(1962, 1, 1), date(2001, 1, 1))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can own rows; `email` and `phone` are theirs alone."""

    person_id: str
    given_name: str
    family_name: str
    email: str
    phone: str
    born_on: date
    home: City

    @property
    def name(self) -> str:
        """The given and the family name."""
        return f"{self.given_name} {self.family_name}"


def draw_people(stream: Stream, cities: Sequence[City]) -> tuple[Person, ...]:
    """Give everybody, the persona first; no two share a name, an email or a phone."""
    names = _names(stream("people/names"))
    phones = _phones(stream("people/phones"))
    births = [_day(stream("people/births/persona"), *_PERSONA_BIRTHS)]
    births += [_day(rng, *_BIRTHS) for rng in [stream("people/births")] for _ in range(COUNT - 1)]
    homes = [stream("people/homes/persona").choice(cities[:PERSONA_CITIES])]
    homes += zipf(stream("people/homes"), cities, COUNT - 1)
    domains = zipf(stream("people/mail"), _MAIL_DOMAINS, COUNT)
    return tuple(
        Person(f"P{number:04d}", given, family, f"{_mailbox(given, family)}@{domain}", phone, born_on, home)
        for number, ((given, family), domain, phone, born_on, home) in enumerate(
            zip(names, domains, phones, births, homes, strict=True), start=1
        )
    )


@dataclass(frozen=True)
class _Pool:
    """Names that Faker knows, and how common each is together with those before it."""

    names: Sequence[str]
    bounds: Sequence[float]

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> _Pool:
        return cls(tuple(weights), tuple(accumulate(weights.values())))

    def one(self, rng: Random) -> str:
        """Give the name that Faker would draw from `rng`, which adds all weights up anew for each."""
        return rng.choices(self.names, cum_weights=self.bounds)[0]


@cache
def _american() -> tuple[_Pool, _Pool]:
    """Give the given and the family names; Faker is loaded when a world has people, since that takes a while."""
    from faker.providers.person.en_US import Provider

    return _Pool.of(Provider.first_names), _Pool.of(Provider.last_names)


def _names(rng: Random) -> list[tuple[str, str]]:
    """Give distinct given and family names, such that the mailboxes made from them are distinct too."""
    given_names, family_names = _american()
    drawn = Random(rng.randrange(2**64))
    found: dict[str, tuple[str, str]] = {}
    while len(found) < COUNT:
        given, family = given_names.one(drawn), family_names.one(drawn)
        found.setdefault(_mailbox(given, family), (given, family))
    return list(found.values())


def _mailbox(given: str, family: str) -> str:
    """Give the part of an address before the @."""
    return ".".join("".join(filter(str.isalpha, name)).lower() for name in (given, family))


def _phones(rng: Random) -> list[str]:
    """Give distinct numbers out of the range that is kept free for fiction: 555-0100 to 555-0199 of each area."""
    numbers = rng.sample(range(700 * 100), COUNT)
    return [f"+1 {201 + number // 100} 555 01{number % 100:02d}" for number in numbers]


def _day(rng: Random, first: date, end: date) -> date:
    """Give a day from `first` up to, not including, `end`."""
    return first + timedelta(days=rng.randrange((end - first).days))
