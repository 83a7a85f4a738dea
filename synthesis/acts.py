"""Acts: what the user does themself in between, such as paying for what the assistant has just held for them.

They act on what a goal asks of them, on what an answer has told of, and on what stood in the way of a request. As soon
as that is out of the way they ask for it again, whenever they settle it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envfactory_client import Goal
from envfactory_client.card.links import any_index
from synthesis.again import ground_again
from synthesis.aiming import SAID_NO, is_near
from synthesis.choose import PLACEHOLDER
from synthesis.draft import Clause, DraftStep, DraftTurn, Origin, Part, RowName
from synthesis.errors import Drop
from synthesis.kin import STATES
from synthesis.locate import see_again
from synthesis.paths import places_at, value_of
from synthesis.reasons import with_defaults
from synthesis.spoken import say
from synthesis.stage import Stage
from synthesis.stance import give_doubt, goes_against, rows_of, take_stance

MOST_TURNS = 6
"""Turns of a task."""
NEW_CHOICE_SHARE = 0.7
"""How often the user does what is new to the data of the acts that are open to them."""
FIRST_ACT_SHARE = 0.85
"""How often the user does the first of them, such as paying rather than declining."""
TAKE_OVER_SHARE = 0.25
"""How often the user acts on a key that the assistant has shown without looking it up."""
ACT_SHARE, NEW_ACT_SHARE = 0.25, 0.8
"""How often the user acts on an open request that a look-up has come upon, and where that is new to the data."""
LEFT_OPEN_SHARE = 0.7
"""How often the user leaves it open, where they are to think otherwise for the sake of something new to the data."""
UNBLOCK_SHARE = 0.4
"""How often the user makes way for a request that was refused by saying yes to what is open."""


async def follow_up(stage: Stage) -> None:
    """Add the user's own act where the goal just reached asks for one, such as the approval of a payment."""
    step_place = stage.draft.turns[-1].steps[-1] if stage.draft.turns[-1].steps else None
    if step_place is None or await _comes_upon(stage):
        return
    step, whole = stage.draft.steps[step_place], stage
    stage = stage.at(step.environment)
    open_to_the_user = [name for name in stage.catalogue.phrases.tool if _asks_for(stage, step, name)]
    if not open_to_the_user:
        return
    name = _chosen(stage, step, open_to_the_user)
    fields = stage.catalogue.said(name).follows[step.tool]
    arguments = {parameter: value_of(step.result, path) for parameter, path in fields.items()}
    origins = {parameter: Origin("earlier", None, step_place, path) for parameter, path in fields.items()}
    if _would_end_it(stage) and stage.chance(LEFT_OPEN_SHARE):
        about = [row for _, _, mention in stage.draft.turns[-1].mentions for row in rows_of(mention)]
        rows = [*about, *_acted_on(stage, name, arguments, origins)]
        if _tells_a_price(stage, step):
            give_doubt(stage, rows, "dear")
        else:
            give_doubt(stage, [row for row in rows if not _can_be_asked_about(stage, row)], "open")
        return
    await _user_acts(stage, name, arguments, origins)
    await _take_up(whole)


def _chosen(stage: Stage, step: DraftStep, open_to_the_user: Sequence[str]) -> str:
    """Give the act that the user chooses; whoever has put a condition on their request abides by it."""
    if any(intent.when or intent.unless for intent in stage.draft.turns[-1].intents):
        return open_to_the_user[0]
    new = [name for name in open_to_the_user if _is_new_act(stage, step, name)]
    if new and stage.chance(NEW_CHOICE_SHARE):
        return str(stage.pick(new))
    return open_to_the_user[0] if stage.chance(FIRST_ACT_SHARE) else str(stage.pick(open_to_the_user))


async def _comes_upon(stage: Stage) -> bool:
    """Let the user act on the request that is open for what the message was about; say whether they did.

    What an answer has told of is acted on; what was only seen on the way where that is new to the data.
    """
    turn = stage.draft.turns[-1]
    outcome = turn.goals[-1].outcome
    if outcome not in (*SAID_NO, "answer") or turn.withheld is not None:
        return False
    if outcome == "refuse":
        return await _makes_way(stage, turn)
    for place in turn.steps:
        for request in await _open_requests(stage.at(stage.draft.steps[place].environment), turn, place):
            share = NEW_ACT_SHARE if _is_new(request, stage) else ACT_SHARE if outcome == "answer" else 0.0
            if stage.chance(share) and await _succeeds(request) and await _comes_of(stage, request):
                return True
    return False


async def _comes_of(stage: Stage, request: _Open) -> bool:
    """Let the user settle a request, and ask again for what it has stood in the way of; say whether that could be."""
    held, before = await stage.episode.hold(), stage.draft.copy()
    said = await _said_so_far(stage)
    await _user_acts(request.stage, request.tool, request.arguments, request.origins)
    unasked = stage.catalogues[request.stage.environment].said(request.tool).unasked
    turn = stage.draft.turns[-1]
    turn.unasked = True
    if unasked and said == await _said_so_far(stage):
        turn.clauses = [Clause(str(stage.pick(unasked)), imperative=False)]
    if await _take_up(stage):
        return True
    await stage.episode.undo(held)
    stage.draft = before
    return False


async def _said_so_far(stage: Stage) -> list[Any]:
    """Give what the rows show now by whose state the user has named them, such as that one waits for their approval.

    Where an act of theirs changes it, they can't tell as news that it was so.
    """
    mentions = [
        one for turn in stage.draft.turns for _, _, mention in turn.mentions for one in (mention, *mention.within)
    ]
    found = list[Any]()
    for mention in mentions:
        say = stage.catalogues[mention.environment].entity(mention.table).say
        states = {str(part["column"]) for part in mention.properties if part.get("column") in say}
        for _, table, value in rows_of(mention) if states else ():
            row = await stage.at(mention.environment).row(table, value)
            found += [row.get(column) for column in sorted(states) if say[column].kind in STATES]
    return found


async def _take_up(stage: Stage) -> bool:
    """Let the user ask again for what was refused before and is free now; false where that can't be said any more."""
    for refused in _given_up(stage):
        if await _is_free(stage, refused):
            turns = len(stage.draft.turns)
            if turns < MOST_TURNS:
                await _asks_again(stage, refused)
            return len(stage.draft.turns) > turns
    return True


def _given_up(stage: Stage) -> list[DraftTurn]:
    """Give the messages, latest first, whose request was refused and not made again since."""
    found, later = list[DraftTurn](), set[str]()
    for turn in reversed(stage.draft.turns):
        goal = turn.goals[-1]
        if goal.outcome == "refuse" and goal.tool not in later and turn.steps:
            found.append(turn)
        later |= {one.tool for one in turn.goals}
    return found


async def _is_free(stage: Stage, refused: DraftTurn) -> bool:
    """Whether a request that was refused, and still is wanted, would no longer be."""
    step = stage.draft.steps[refused.steps[-1]]
    there = stage.at(step.environment)
    declared = there.catalogue.refuses.get(step.tool, {}).get(step.refusal or "")
    if declared is None or f"{step.environment}.{step.tool}" != refused.goals[-1].tool:
        return False
    return not await there.query(declared, with_defaults(there.catalogue.tools[step.tool], step.arguments))


def _would_end_it(stage: Stage) -> bool:
    """Whether what is new to the data is, next, that the user has no more use for what was just done."""
    if stage.quest is None or len(stage.draft.turns) >= MOST_TURNS - 1 or not is_near(stage):
        return False
    environment, _, tool = stage.quest[2].partition(".")
    return stage.quest[3] in stage.catalogues[environment].said(tool).ends


def _can_be_asked_about(stage: Stage, row: RowName) -> bool:
    """Whether there is a question about such a row, whose answer had better come before another mind."""
    tools = stage.at(row[0]).catalogue.phrases.tool.values()
    return any(slot.of == row[1] for said in tools if said.answers for slot in said.slots.values())


def _tells_a_price(stage: Stage, step: DraftStep) -> bool:
    """Whether a result shows an amount that the request didn't name."""
    contract = stage.catalogue.tools[step.tool].contract
    shown = [path for path, field in contract.results.items() if field.type == "money"] if contract else []
    values = [step.result.get(path) for path in shown if "[" not in path]
    return any(value and value not in step.arguments.values() for value in values)


async def _makes_way(stage: Stage, turn: DraftTurn) -> bool:
    """Let the user settle what is open for the rows of a refused request; say whether they did.

    Then they ask again, so nothing is done where that would be in vain.
    """
    if len(stage.draft.turns) > MOST_TURNS - 2:
        return False
    there = stage.at(stage.draft.steps[turn.steps[-1]].environment)
    shown = [one for place in turn.steps for one in await _open_requests(there, turn, place)]
    for request in [*shown, *await _open_requests(there, turn)]:
        usual = 0.0 if there.catalogue.said(request.tool).ends else UNBLOCK_SHARE
        if stage.chance(NEW_ACT_SHARE if _is_new(request, stage) else usual) and await _succeeds(request):
            return await _settles(stage, request, turn)
    return False


async def _settles(stage: Stage, request: _Open, turn: DraftTurn) -> bool:
    held, before = await stage.episode.hold(), stage.draft.copy()
    try:
        await _user_acts(request.stage, request.tool, request.arguments, request.origins)
        stage.draft.turns.append(await ground_again(stage, turn))
    except Drop:
        await stage.episode.undo(held)
        stage.draft = before
        return False
    return True


async def _asks_again(stage: Stage, refused: DraftTurn) -> None:
    """Let the user ask once more for what was refused; where that would be in vain they leave it."""
    held, before = await stage.episode.hold(), stage.draft.copy()
    try:
        stage.draft.turns.append(await ground_again(stage, refused))
    except Drop:
        await stage.episode.undo(held)
        stage.draft = before


@dataclass(frozen=True)
class _Open:
    """A request that waits for the user, with their tool that settles it."""

    stage: Stage
    tool: str
    parameter: str
    value: Any
    seen: tuple[int, str] | None = None
    """The step and place that show its key; None where the user has to look it up."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What the user's tool is called with."""
        return {self.parameter: self.value}

    @property
    def origins(self) -> dict[str, Origin]:
        """Where the key comes from, as far as anything has shown it."""
        return {self.parameter: Origin("earlier", None, *self.seen)} if self.seen else {}


def _is_new(request: _Open, stage: Stage) -> bool:
    """Whether the data lacks that the user takes the key of a request from where it is shown."""
    if request.seen is None:
        return False
    step, place = stage.draft.steps[request.seen[0]], any_index(request.seen[1])
    taker = (f"{request.stage.environment}.{request.tool}", request.parameter)
    return (f"{step.environment}.{step.tool}", place, *taker) in stage.wanted


async def _succeeds(request: _Open) -> bool:
    """Whether an act of the user's isn't refused; the trial leaves the episode as it is."""
    here = request.stage
    async with here.episode.trial() as trial:
        return not (await trial.user.probe(here.environment, request.tool, **request.arguments)).is_error


async def _open_requests(stage: Stage, turn: DraftTurn, place: int | None = None) -> list[_Open]:
    """Give the only open request for the rows of a message, by each tool that settles it; as a step shows it, if any.

    None goes against what the user wanted before.
    """
    found: list[_Open] = []
    for name, phrases in stage.catalogue.phrases.tool.items():
        for parameter, slot in phrases.slots.items() if phrases.acts and phrases.follows else ():
            shown = None if place is None else _keys_shown(stage, place, (name, parameter))
            if not slot.of or shown == {}:
                continue
            pending = [value for value in await stage.keys(slot.of, slot.where) if shown is None or value in shown]
            meant = [value for value in pending if await _is_for(stage, (slot.of, value), turn)]
            rows = [(stage.environment, slot.of, value) for value in meant]
            if len(meant) == 1 and (phrases.ends or not await goes_against(stage, rows, ending=False)):
                seen = (place, shown[meant[0]]) if place is not None and shown else None
                found.append(_Open(stage, name, parameter, meant[0], seen))
    return found


def _keys_shown(stage: Stage, place: int, taker: tuple[str, str]) -> dict[Any, str]:
    """Give the keys that a step shows and that an argument of the user's tool can be, with the first place of each."""
    step, key = stage.draft.steps[place], stage.catalogue.parameter(*taker).key
    contract = stage.catalogue.tools[step.tool].contract if step.environment == stage.environment else None
    paths = [path for path, field in contract.results.items() if field.key == key] if contract and key else []
    found: dict[Any, str] = {}
    for where, value in places_at(step.result, paths[0]) if paths else ():
        found.setdefault(value, where)
    return found


async def _is_for(stage: Stage, request: tuple[str, Any], turn: DraftTurn) -> bool:
    """Whether an open request, by its table and key, is for one of the user's own rows that a message was about."""
    table, value = request
    columns = await stage.row(table, value)
    rows = [one for _, _, mention in turn.mentions for one in (mention, *mention.within)]
    here = [one for one in rows if one.environment == stage.environment and one.kind not in ("self", "set")]
    own = [one for one in here if stage.catalogue.entity(one.table).mine is not None]
    return any(columns.get(one.column) == one.value for one in own)


def _is_new_act(stage: Stage, step: DraftStep, name: str) -> bool:
    """Whether the data lacks that the user acts with a tool on what a step has given."""
    fields = stage.catalogue.said(name).follows[step.tool]
    full_name, consumer = f"{step.environment}.{step.tool}", f"{stage.environment}.{name}"
    return any((full_name, path, consumer, parameter) in stage.wanted for parameter, path in fields.items())


def _asks_for(stage: Stage, step: DraftStep, name: str) -> bool:
    """Whether a step's result has all that a tool of the user needs to answer it."""
    fields = stage.catalogue.said(name).follows.get(step.tool)
    if fields is None or step.result is None:
        return False
    return all(any(value is not None for _, value in places_at(step.result, path)) for path in fields.values())


async def _user_acts(stage: Stage, name: str, arguments: dict[str, Any], origins: dict[str, Origin]) -> None:
    """Add a turn in which the user does something themself, and the agent sees what has come of it."""
    phrases = stage.catalogue.said(name)
    first, about = len(stage.draft.steps), _acted_on(stage, name, arguments, origins)
    if not origins or not stage.chance(_taking_over(stage, name, origins)):
        origins = await _user_looks(stage, name, arguments, origins)
    if origins.keys() != arguments.keys():
        raise Drop("unseen", name)
    place = await stage.call(name, arguments, origins, actor="user")
    step = stage.draft.steps[place]
    if step.refusal:
        raise Drop("user_refused", f"{name}: {step.refusal}")
    await take_stance(stage, about, ending=bool(phrases.ends))
    full_name = stage.catalogue.tools[name].full_name
    turn = DraftTurn(goals=[Goal(tool=full_name, outcome="done")], steps=list(range(first, place + 1)))
    words = _words(stage, step)
    turn.clauses.append(_said_of(stage, phrases.acts, words))
    for parameter, value in arguments.items():
        key = stage.catalogue.parameter(name, parameter).key
        if key:
            seen = await see_again(stage, key.partition(".")[0], value)
            turn.steps += seen
            turn.evidence += seen[-1:]
    turn.answers.append(str(stage.pick(phrases.done)).format_map(words))
    stage.draft.turns.append(turn)


def _said_of(stage: Stage, acts: Sequence[str], words: Mapping[str, str]) -> Clause:
    """Give what the user says who has just acted: on what, where something else was in the way of a request before."""
    named = [one for one in acts if PLACEHOLDER.search(one)]
    among = named if named and _given_up(stage) else acts
    act = str(stage.pick(among))
    parts = {name: Part("argument", name, (words[name],)) for name in PLACEHOLDER.findall(act)}
    return Clause(act.format_map(words), imperative=False, template=act, parts=parts)


def _acted_on(stage: Stage, name: str, arguments: Mapping[str, Any], origins: Mapping[str, Origin]) -> list[RowName]:
    """Give the rows that an act of the user's is about, and those that the call made which has led to it."""
    tables = {parameter: stage.catalogue.slot(name, parameter).of for parameter in arguments}
    rows = [(stage.environment, str(table), arguments[parameter]) for parameter, table in tables.items()]
    for origin in origins.values():
        step = stage.draft.steps[origin.step or 0]
        contract = stage.catalogue.tools[step.tool].contract
        for table, change in contract.changes.items() if contract and step.result else ():
            key = stage.catalogue.schema.keys.get(table)
            if change.startswith("insert") and key and step.result.get(key) is not None:
                rows.append((stage.environment, table, step.result[key]))
    return rows


def _taking_over(stage: Stage, name: str, origins: Mapping[str, Origin]) -> float:
    """Give how often the user takes a key over from what the assistant has shown, without a look of their own."""
    for parameter, origin in origins.items():
        step = stage.draft.steps[origin.step or 0]
        path = any_index(str(origin.place))
        if (f"{step.environment}.{step.tool}", path, f"{stage.environment}.{name}", parameter) in stage.wanted:
            return NEW_ACT_SHARE
    return TAKE_OVER_SHARE


async def _user_looks(
    stage: Stage, name: str, arguments: Mapping[str, Any], origins: dict[str, Origin]
) -> dict[str, Origin]:
    """Let the user find what to act on with a look-up of their own, where there is one; gives the origins."""
    found = dict(origins)
    for parameter, value in arguments.items():
        key = stage.catalogue.parameter(name, parameter).key
        for tool, path in _looks_of_the_user(stage, key) if key else ():
            known = {p: stage.card[stage.catalogue.fact(tool, p)] for p in stage.catalogue.tools[tool].required}
            said = {p: Origin("explicit", text=str(fact)) for p, fact in known.items()}
            place = await stage.call(tool, known, said, actor="user")
            seen = [where for where, shown in places_at(stage.draft.steps[place].result, path) if shown == value]
            if seen:
                found[parameter] = Origin("earlier", step=place, place=seen[0])
            break
    return found


def _looks_of_the_user(stage: Stage, key: str) -> Iterator[tuple[str, str]]:
    """Give the user's own look-ups that show a key and need nothing but what the user has already told of themself."""
    told = {fact for turn in stage.draft.turns for fact in turn.facts}
    for tool in stage.catalogue.tools.values():
        if tool.actor == "user" and tool.read_only and tool.contract is not None:
            paths = [path for path, field in tool.contract.results.items() if field.key == key]
            if paths and all(stage.catalogue.fact(tool.name, name) in told for name in tool.required):
                yield tool.name, paths[0]


def _words(stage: Stage, step: DraftStep) -> dict[str, str]:
    """Give the fields of a result as they are told."""
    contract = stage.catalogue.tools[step.tool].contract
    results = contract.results if contract else {}
    return {
        name: say(results[name].type, value)
        for name, value in (step.result or {}).items()
        if name in results and value is not None
    }
