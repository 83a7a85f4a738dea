"""Words: what a new environment and the things in it are called, and every form of that which its files need."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass

import servers.runtime
from servers.runtime import Record
from servers.runtime.manifest import NAME_PATTERN, RESERVED_NAMES
from synthesis.authoring.errors import AuthoringError

_NOUN = re.compile(r"[a-z]+(_[a-z]+)*")
_LONGEST_ENTITY = 16
_LONGEST_PLURAL = 18
_HISSING = ("s", "x", "z", "ch", "sh")
_SOFTENED = ("ife", "lf", "eaf", "oaf")
_SPOKEN_AS_VOWELS = ("hour", "heir", "hono")
_SPOKEN_AS_CONSONANTS = ("eu", "one", "uni", "use", "usa")
_PACKAGES = frozenset({"envfactory_client", "servers", "synthesis", "tests"})
_RESERVED_TABLES = "ef_"
_EMPTY_WORDS = frozenset({"data", "handler", "helper", "helpers", "info", "manager", "util", "utils"})
_USED_CLASSES = frozenset({*servers.runtime.__all__, "Annotated", "Customer", "Email", "Field", "Label", "Literal"})
_USED_PLURALS = frozenset({"customers", "total", "next_page"})


@dataclass(frozen=True)
class Words:
    """The name of an environment and the noun of what it keeps; made by `Words.of`."""

    name: str
    entity: str
    plural: str

    @classmethod
    def of(cls, name: str, entity: str, plural: str | None = None) -> Words:
        """Give the words, or raise `AuthoringError` with what is wrong with one of them."""
        _check_name(name)
        words = cls(name, entity, plural or plural_of(entity))
        _check_noun(entity, _LONGEST_ENTITY, "--entity")
        _check_noun(words.plural, _LONGEST_PLURAL, "--plural")
        words._check_free()
        return words

    @property
    def heading(self) -> str:
        """The name as the beginning of a sentence, such as "Tool shed"."""
        return _spaced(self.name).capitalize()

    @property
    def prefix(self) -> str:
        """The letters with which ids begin, such as "BO"."""
        return self.entity.replace("_", "")[:2].upper()

    def forms(self) -> dict[str, str]:
        """Give every form by the name that templates have for it."""
        noun = _spaced(self.entity)
        article = _article(noun)
        return {
            "name": self.name,
            "heading": self.heading,
            "entity": self.entity,
            "Entity": _camel(self.entity),
            "ENTITY": self.entity.upper(),
            "plural": self.plural,
            "noun": noun,
            "nouns": _spaced(self.plural),
            "a_noun": f"{article} {noun}",
            "A_noun": f"{article.capitalize()} {noun}",
            "prefix": self.prefix,
        }

    def _check_free(self) -> None:
        """Refuse nouns whose class, table or field would stand in the way of the skeleton's own."""
        name = _camel(self.entity)
        taken = name in _USED_CLASSES or self.plural in _USED_PLURALS or hasattr(Record, self.plural)
        spoken = keyword.iskeyword(name) or keyword.iskeyword(self.plural) or self.plural.startswith(_RESERVED_TABLES)
        if taken or spoken or _EMPTY_WORDS & set(self.entity.split("_")):
            raise AuthoringError(
                f"'{self.entity}', plural '{self.plural}', means something else in every environment; choose another "
                "--entity, such as 'item'."
            )


def plural_of(noun: str) -> str:
    """Give the plural by rule: -ies after a consonant and y, -ves as in leaves, -es after a hiss, else -s."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    if noun.endswith(_SOFTENED):
        return f"{noun.removesuffix('e')[:-1]}ves"
    return f"{noun}es" if noun.endswith(_HISSING) else f"{noun}s"


def _check_name(name: str) -> None:
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise AuthoringError(
            f"'{name}' can't name an environment; take 2 to 20 lower-case letters, digits and _, a letter first."
        )
    if name in RESERVED_NAMES:
        raise AuthoringError(f"'{name}' is a word of the farm's own, so no environment bears it; choose another name.")
    if name in _PACKAGES:
        raise AuthoringError(f"'{name}' is a package of EnvFactory's own, which it would hide; choose another name.")
    if name in sys.stdlib_module_names or keyword.iskeyword(name):
        raise AuthoringError(f"'{name}' belongs to Python, whose own module it would hide; choose another name.")


def _check_noun(noun: str, longest: int, option: str) -> None:
    if _NOUN.fullmatch(noun) is None or not 2 <= len(noun) <= longest:
        raise AuthoringError(
            f"'{noun}' can't name what is kept; give {option} 2 to {longest} lower-case letters, such as 'work_order'."
        )


def _article(noun: str) -> str:
    """Give "an" before the sound of a vowel, as in an hour and a unit."""
    if noun.startswith(_SPOKEN_AS_VOWELS):
        return "an"
    return "an" if noun[0] in "aeiou" and not noun.startswith(_SPOKEN_AS_CONSONANTS) else "a"


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))
