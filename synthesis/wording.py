"""Wording: how one goal is asked for, and how what came of it is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from synthesis.choose import PLACEHOLDER, Choice
from synthesis.draft import Clause, DraftStep, Mention, Part, Split
from synthesis.errors import Drop
from synthesis.goals import GoalKind
from synthesis.language.nouns import in_words, plural
from synthesis.language.pattern import expand
from synthesis.paths import value_of
from synthesis.phrases import Slot, ToolPhrases
from synthesis.plural import of_several
from synthesis.spoken import forms, say
from synthesis.stage import Stage

_INDEX = re.compile(r"\[\d+\]")
_IT = re.compile(r"it\b|it's\b|.*\bthat (?:one|date)\b(?! of)", re.IGNORECASE)
_THAT = re.compile(r" ?(?=\bthat\b)")
NUMBER_WORDS_SHARE = 0.5
_YOURS = {"my": "your", "I": "you", "me": "you", "I'm": "you're", "I've": "you've", "us": "you"}
_OWN = re.compile(r"\b(?:I'm|I've|my|I|me|us)\b")


@dataclass
class Reached:
    """A goal with its arguments and mentions, and the step that reaches it."""

    stage: Stage
    kind: GoalKind
    choice: Choice
    mentions: Mapping[str, Mention]
    call: int = -1

    @property
    def step(self) -> DraftStep:
        """The step that reaches the goal: the tool's own call, or a look-up that shows the answer."""
        return self.stage.draft.steps[self.call]

    def shown_in(self) -> int | None:
        """Give the look-up that already shows what is asked for, so that the tool's own call would be idle."""
        contract = self.stage.catalogue.tools[self.kind.tool].contract
        if self.kind.outcome != "answer" or contract is None:
            return None
        wanted = contract.results[self.kind.what].shows
        for mention in self.mentions.values():
            path = _beside(mention.origin.place, self.kind.what)
            if mention.origin.step is None or path is None or wanted is None:
                continue
            step = self.stage.draft.steps[mention.origin.step]
            tool = self.stage.catalogue.tools[step.tool]
            if not tool.read_only or step.local != self.stage.draft.locals[step.environment]:
                continue
            looked = tool.contract
            shown = looked.results.get(_INDEX.sub("[]", path)) if looked else None
            if shown is not None and shown.shows == wanted:
                return mention.origin.step
        return None

    def answer(self) -> Any:
        """Give the value that was asked for."""
        if self.step.tool == self.kind.tool:
            return value_of(self.step.result, self.kind.what)
        place = next(mention.origin.place for mention in self.mentions.values() if mention.origin.step == self.call)
        return value_of(self.step.result, str(_beside(place, self.kind.what)))


def _beside(place: str | None, name: str) -> str | None:
    """Give the path of another field of the record in which `place` is."""
    if place is None:
        return None
    record = place.rpartition(".")[0]
    return f"{record}.{name}" if record else name


def clause(reached: Reached) -> Clause:
    """Give the request: the template with every argument as the user says it, and the parts to say it otherwise."""
    choice = reached.choice
    parts = {name: _part(reached, name) for name in dict.fromkeys(PLACEHOLDER.findall(choice.template))}
    words = {name: part.ways[0] if part.ways else _in_turn(part.mentions) for name, part in parts.items()}
    text = expand(choice.template, reached.stage.rng, words)
    return Clause(text, imperative=choice.template.startswith("{goal}"), template=choice.template, parts=parts)


def verb(reached: Reached) -> Part:
    """Give the verb of a request, with others that say the same."""
    return _part(reached, "goal")


def value_clause(reached: Reached, name: str) -> Clause:
    """Give a value, or a row, as the whole of what the user says."""
    part = _part(reached, name)
    text = part.ways[0] if part.ways else _in_turn(part.mentions)
    return Clause(text, imperative=False, template="{" + name + "}", parts={name: part})


def _part(reached: Reached, name: str) -> Part:
    """Give what fills one place of a request."""
    choice, catalogue = reached.choice, reached.stage.catalogue
    if name == "goal":
        goals = catalogue.said(reached.kind.tool).goal
        first = str(reached.stage.pick(goals)) if goals else ""
        return Part("verb", "verb", tuple(dict.fromkeys((first, *goals))))
    if name in choice.rows:
        found = tuple(mention for part, mention in reached.mentions.items() if part.partition("[")[0] == name)
        return Part("row", choice.rows[name][0], mentions=found)
    if name in choice.facts:
        return Part("fact", choice.facts[name], (str(choice.values[name]),))
    kind = catalogue.parameter(reached.kind.tool, name).type
    said = choice.said[name]
    if name in choice.carried:
        return Part("argument", kind or name, (said,))
    ways = ways_to_say(catalogue.slot(reached.kind.tool, name), kind, choice.values[name])
    return Part("argument", kind or name, tuple(dict.fromkeys((said, *ways))) if said in ways else (said,))


def ways_to_say(slot: Slot, kind: str | None, value: Any) -> tuple[str, ...]:
    """Give every way in which a request can say a value that isn't a row."""
    if slot.text:
        return (f'"{value}"',)
    if isinstance(slot.forms, dict):
        return slot.forms.get(str(value).lower() if isinstance(value, bool) else str(value), ())
    spoken = forms(kind, value)
    return tuple(form.replace("{}", words) for form in slot.forms for words in spoken) if slot.forms else spoken


def _in_turn(mentions: Sequence[Mention]) -> str:
    return " and ".join(mention.text for mention in mentions)


def which_one(split: Split, rng: Random) -> str:
    """Give the assistant's question which of several rows is meant, with what was said of them."""
    said = split.text.removeprefix(f"my {split.noun}").strip()
    said = f"called {said}" if said.startswith('"') else said
    own, *further = _THAT.split(said) if " my " not in f" {said}" else (said,)  # what is said behind it may be of it
    several = " ".join(word for word in (plural(split.noun), of_several(own), *map(of_several, further)) if word)
    several = _OWN.sub(lambda found: _YOURS[found[0]], several)
    count = in_words(split.fitting) if rng.random() < NUMBER_WORDS_SHARE else str(split.fitting)
    forms = (
        f"You have {count} {several}. Which one do you mean?",
        f"You have {count} {several}; which one is it?",
        f"I see {count} {several}; which one do you mean?",
        f"I find {count} {several}. Which one shall I take?",
        f"Which one do you mean? You have {count} {several}.",
        f"You have {count} {several}. Could you tell me which one you mean?",
    )
    return forms[rng.randrange(len(forms))]


def reply(reached: Reached, *, joined: bool = False) -> str:
    """Give what the assistant tells: what was done, the answer, or why it can't be.

    Where it is told beside another goal, forms that begin with "it", or say "that one", are the last choice.
    """
    phrases = reached.stage.catalogue.said(reached.kind.tool)
    if reached.kind.outcome == "refuse":
        return str(reached.stage.pick(phrases.refused[reached.kind.what]))
    forms = phrases.answered.get(reached.kind.what, ()) if reached.kind.outcome == "answer" else phrases.done
    forms = _of_nothing(reached, phrases) or forms
    told = [text for form in forms if (text := _filled(reached, form)) is not None]
    if not told:
        raise Drop("no_reply", str(reached.kind))
    plain = [text for text in told if not (joined and _IT.match(text))]
    return str(reached.stage.pick(plain or told))


def _of_nothing(reached: Reached, phrases: ToolPhrases) -> tuple[str, ...]:
    """Give the forms for a result of which a field is 0, where there are any: "free all day" for no minutes."""
    if reached.kind.outcome == "answer":
        return phrases.nothing.get(reached.kind.what, ()) if reached.answer() == 0 else ()
    result = reached.step.result or {}
    return next((forms for name, forms in phrases.nothing.items() if result.get(name) == 0), ())


def _filled(reached: Reached, form: str) -> str | None:
    """Give the form with its placeholders filled, or None when a field of it is empty."""
    words = {name: _word(reached, name) for name in PLACEHOLDER.findall(form)}
    if any(word is None for word in words.values()):
        return None
    return PLACEHOLDER.sub(lambda found: str(words[found.group(1)]), form)


def _word(reached: Reached, name: str) -> str | None:
    if name in reached.mentions or (name == "row" and reached.mentions):
        return _named_back(reached, reached.mentions.get(name) or next(iter(reached.mentions.values())))
    if reached.kind.outcome == "answer" and name == reached.kind.what:
        return _told(reached, name, reached.answer())
    if "." in name and (shown := _column_told(reached, *name.rsplit(".", 1))) is not None:
        return shown
    if reached.step.tool != reached.kind.tool:
        return None
    try:
        value = value_of(reached.step.result, name)
    except (LookupError, TypeError):
        value = reached.choice.values.get(name) if name in reached.choice.said else None
    return None if value is None else _told(reached, name, value)


def _column_told(reached: Reached, parameter: str, column: str) -> str | None:
    """Give a column of a row that the request is about, as the latest look-up shows it; None where none does."""
    mention = reached.mentions.get(parameter)
    if mention is None:
        return None
    there = reached.stage.at(mention.environment)
    catalogue, table = there.catalogue, mention.table
    for origin in there.origins(f"{table}.{catalogue.key(table)}", mention.value):
        step = there.draft.steps[origin.step or 0]
        field = catalogue.field_beside(step.tool, str(origin.place), table, column)
        value = value_of(step.result, field) if field else None
        if value is not None:
            return say(catalogue.entity(table).say[column].kind, value)
    return None


def _named_back(reached: Reached, mention: Mention) -> str:
    """Give a row's mention as the assistant says it, without amounts that the call may just have changed."""
    catalogue = reached.stage.catalogues[mention.environment]
    entity = catalogue.entity(mention.table)
    kinds = {entity.say[part["column"]].kind for part in mention.properties if part.get("column") in entity.say}
    if mention.kind in ("anaphora", "relation") or (reached.kind.outcome == "done" and kinds & {"money", "count"}):
        return f"your {entity.noun[0]}" if entity.mine else f"that {entity.noun[0]}"
    return _OWN.sub(lambda found: _YOURS[found[0]], mention.text)


def _told(reached: Reached, name: str, value: Any) -> str:
    words = reached.stage.catalogue.said(reached.kind.tool).words.get(name, {})
    if str(value) in words:
        return words[str(value)]
    contract = reached.stage.catalogue.tools[reached.kind.tool].contract
    field = contract.results.get(_INDEX.sub("[]", name)) if contract else None
    return say(field.type if field and field.type in ("money", "date", "time") else None, value)
