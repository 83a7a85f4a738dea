"""The bank's starting state: the persona's money in every stage of its way, and other customers' around it.

What the persona paid by card or by transfer are the world's purchases, so that a journey stands here with the airline's
name, its reference and its price. What only the bank knows is laid out below: which card is frozen, which transfer
waits, which fee was given back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from servers.runtime import Rows, World
from servers.runtime.world import Person, zipf
from servers.runtime.world.purchases import Purchase
from servers.runtime.world.relations import RelationKind, related

Row = dict[str, Any]
Day = timedelta(days=1)

ID_PATTERNS = {
    "customers.customer_id": r"^CS[0-9]{5}$",
    "accounts.account_id": r"^AC[0-9]{6}$",
    "cards.card_id": r"^CD[0-9]{8}$",
    "payees.payee_id": r"^PE[0-9]{6}$",
    "transactions.transaction_id": r"^TX[0-9]{8}$",
    "purchases.purchase_id": r"^PU[0-9]{7}$",
    "disputes.dispute_id": r"^DP[0-9]{6}$",
    "transfers.transfer_id": r"^TR[0-9]{7}$",
    "approvals.approval_id": r"^AP[0-9]{6}$",
    "standing_orders.standing_order_id": r"^SO[0-9]{6}$",
    "fees.fee_id": r"^FE[0-9]{6}$",
}
HOUSE = {
    "payments": "What goes to and comes from other banks.",
    "card_network": "What merchants are owed for card purchases.",
    "fees": "What customers pay for services.",
    "disputes": "What is lent while a purchase is in dispute.",
    "interest": "What savings earn.",
}
LIMIT_CENTS = 300_000
HOLD_DAYS = 7
CARD_YEARS = 4
REPLACEMENT_CENTS = 1_000


@dataclass(frozen=True)
class AccountPlan:
    """An account to be opened: what kind, and about how much is on it."""

    name: str
    kind: str
    dollars: int
    overdraft_cents: int = 0
    locked_days: int = 0


ACCOUNTS = (
    AccountPlan("Everyday", "checking", 4_200, overdraft_cents=50_000),
    AccountPlan("Household", "checking", 1_350),
    AccountPlan("Pocket", "checking", 6),
    AccountPlan("Rainy Day", "savings", 6_300),
    AccountPlan("Holiday Fund", "savings", 1_850),
    AccountPlan("Fixed Saver", "savings", 9_000, locked_days=150),
)


@dataclass(frozen=True)
class CardPlan:
    """A card to be issued: on which account, in which state; days count from today."""

    account: str
    label: str
    form: str = "plastic"
    status: str = "active"
    arrived: int = -400
    replaces: int | None = None


CARDS = (
    CardPlan("Everyday", "everyday", status="closed", arrived=-900),
    CardPlan("Everyday", "everyday", arrived=-70, replaces=0),
    CardPlan("Everyday", "travel", arrived=-500),
    CardPlan("Everyday", "online", form="virtual", status="frozen", arrived=-860),
    CardPlan("Everyday", "spare", status="frozen", arrived=-960),
    CardPlan("Household", "household", arrived=-760),
    CardPlan("Everyday", "travel", arrived=-1_500),
    CardPlan("Household", "spare", arrived=3),
    CardPlan("Pocket", "online", form="virtual", arrived=-260),
)
FIRST_EVERYDAY, EVERYDAY, TRAVEL, ONLINE, SPARE, HOUSEHOLD = range(6)
CARD_OF = {
    "travel": TRAVEL,
    "groceries": HOUSEHOLD,
    "utilities": HOUSEHOLD,
    "subscription": ONLINE,
    "restaurant": EVERYDAY,
    "electronics": EVERYDAY,
    "health": EVERYDAY,
}
PREAUTHORIZED = (("Parkway Car Rental", 25_000, 12), ("Lakeside Motor Hire", 18_000, 20))
"""What held money and was never taken: by whom, how much, how many days ago."""

RELATIVES: tuple[RelationKind, ...] = (
    "landlord",
    "partner",
    "dentist",
    "friend",
    "friend",
    "friend",
    "parent",
    "child",
    "doctor",
)
COMPANIES = (
    "Harbor Insurance",
    "Riverside Music School",
    "Save the Reefs",
    "City Tax Office",
    "Quickfix Plumbing",
    "Atelier Kitchens",
)
UNCHECKED = ("Quickfix Plumbing",)
"""Payees whose account bears another name."""
UNCONFIRMED = ("Atelier Kitchens", "City Tax Office")
"""Payees to whom the persona has not approved a transfer yet."""


@dataclass(frozen=True)
class TransferPlan:
    """A transfer to be made: to the payee at this place, in which state; days count from today."""

    payee: int
    cents: int
    state: str = "sent"
    days_ago: int = 0
    days_ahead: int = 0
    note: str | None = None
    account: str = "Everyday"
    asked: bool = False


TRANSFERS = (
    TransferPlan(2, 18_500, days_ago=38),
    TransferPlan(3, 4_250, days_ago=23, note="Dinner on Friday"),
    TransferPlan(4, 6_000, days_ago=12),
    TransferPlan(-6, 61_800, days_ago=9, asked=True),
    TransferPlan(1, 9_500, days_ago=1, account="Household"),
    TransferPlan(3, 3_800, note="Taxi"),
    TransferPlan(-6, 31_200, "scheduled", days_ago=4, days_ahead=3),
    TransferPlan(1, 15_000, "scheduled", days_ago=2, days_ahead=9, account="Household"),
    TransferPlan(-5, 12_000, "scheduled", days_ago=6, days_ahead=24, note="Spring term"),
    TransferPlan(-1, 45_000, "awaiting_approval", note="First instalment"),
    TransferPlan(2, 72_000, "awaiting_approval"),
    TransferPlan(-3, 2_400, "awaiting_approval", account="Pocket"),
    TransferPlan(-3, 28_400, "expired", days_ago=8),
    TransferPlan(4, 90_000, "declined", days_ago=16),
    TransferPlan(3, 56_000, "cancelled", days_ago=19, asked=True),
    TransferPlan(-4, 2_500, "cancelled", days_ago=30, days_ahead=5),
)
"""The persona's transfers. Payees count from the first relative, or back from the last company."""


@dataclass(frozen=True)
class OrderPlan:
    """A standing order: to the payee at this place, next paid so many days ahead."""

    payee: int
    cents: int
    frequency: str = "monthly"
    ahead: int = 0
    state: str = "active"
    account: str = "Everyday"


ORDERS = (
    OrderPlan(1, 40_000, ahead=11, account="Household"),
    OrderPlan(-6, 8_450, ahead=6),
    OrderPlan(-5, 5_500, "weekly", ahead=2),
    OrderPlan(-4, 1_500, ahead=19),
    OrderPlan(3, 2_000, "weekly", ahead=4),
    OrderPlan(2, 6_500, ahead=25),
    OrderPlan(-5, 3_000, "weekly", account="Household"),
    OrderPlan(1, 7_500, "weekly", ahead=8, state="skipping"),
    OrderPlan(4, 3_500, ahead=14, state="ended"),
    OrderPlan(-4, 1_000, "weekly", ahead=5, state="ended"),
)


@dataclass(frozen=True)
class FeePlan:
    """A fee that was charged, and perhaps given back two days later."""

    account: str
    kind: str
    cents: int
    days_ago: int
    given_back: bool = False


FEES = (
    FeePlan("Everyday", "overdraft", 2_500, 20),
    FeePlan("Everyday", "cash_withdrawal", 300, 34),
    FeePlan("Everyday", "cash_withdrawal", 350, 9),
    FeePlan("Everyday", "late_payment", 1_500, 61),
    FeePlan("Everyday", "card_replacement", REPLACEMENT_CENTS, 75),
    FeePlan("Household", "late_payment", 1_500, 52, given_back=True),
    FeePlan("Household", "overdraft", 2_000, 26),
    FeePlan("Household", "late_payment", 1_500, 140),
)
FEE_WORDS = {
    "overdraft": "Overdraft fee",
    "late_payment": "Late payment fee",
    "cash_withdrawal": "Cash machine fee",
    "foreign_use": "Fee for paying abroad",
    "card_replacement": "Replacement card",
}
DISPUTES = (("not_recognized", "open"), ("not_received", "open"), ("charged_twice", "won"), ("wrong_amount", "lost"))
MOVES = (
    ("Rainy Day", "Everyday", 12_500, 44),
    ("Everyday", "Holiday Fund", 25_000, 40),
    ("Holiday Fund", "Everyday", 10_000, 21),
    ("Holiday Fund", "Everyday", 6_000, 13),
    ("Holiday Fund", "Household", 4_500, 5),
)
SPENT = ("Pocket", "Everyday", 2_500)
"""What the persona moved at the end of this morning, so that the pocket money can't pay any more for what waits."""


def populate(world: World) -> Rows:
    """Give the rows of the bank in a world."""
    branch = Branch(world)
    Persona(branch).settle()
    neighbours = world.people[1 : 1 + world.scale(1, 32, 399)]
    serve_others(branch, neighbours, world.scale(0, 60, 2_000))
    branch.fund()
    return branch.rows


def spelled(moment: datetime) -> str:
    """Write a moment as the schema does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The branch ----------------------------------------------------------------------------------------------------------


class Branch:
    """The rows so far, grown so that postings balance and accounts can afford them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng: Random = world.stream("bank/branch")
        self.rows: Rows = defaultdict(list)
        self.ids = {column: world.ids(f"bank/{column}", pattern) for column, pattern in ID_PATTERNS.items()}
        self.targets: dict[str, int] = {}
        self.moves: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for house_account, purpose in HOUSE.items():
            self.add("house_accounts", house_account=house_account, purpose=purpose)

    def add(self, table: str, **row: Any) -> Row:
        """Add a row to a table."""
        self.rows[table].append(row)
        return row

    def new_id(self, column: str) -> str:
        """Give the next id of a column."""
        return next(self.ids[column])

    def day(self, offset: int) -> date:
        """Give the day so many days from today."""
        return self.world.today + offset * Day

    def moment(self, days_ago: int) -> datetime:
        """Draw a moment of a past day during office hours, or of this morning."""
        return datetime.combine(self.day(-days_ago), time(7), UTC) + timedelta(minutes=self.rng.randrange(290))

    def open_customer(self, person: Person, limit_cents: int) -> Row:
        """Add a customer."""
        return self.add(
            "customers",
            customer_id=self.new_id("customers.customer_id"),
            name=person.name,
            email=person.email,
            phone=person.phone,
            daily_limit_cents=limit_cents,
        )

    def open_account(self, customer: Row, plan: AccountPlan) -> Row:
        """Add an account, to be funded once it is known what it pays for."""
        account_id = self.new_id("accounts.account_id")
        self.targets[account_id] = 100 * plan.dollars + self.rng.randrange(8 * plan.dollars)
        return self.add(
            "accounts",
            account_id=account_id,
            customer_id=customer["customer_id"],
            kind=plan.kind,
            name=plan.name,
            ending=account_id[-4:],
            opened_on=self.day(-1_600 - self.rng.randrange(900)).isoformat(),
            overdraft_cents=plan.overdraft_cents,
            locked_until=self.day(plan.locked_days).isoformat() if plan.locked_days else None,
        )

    def issue_card(self, account: Row, plan: CardPlan, replaces: str | None = None) -> Row:
        """Add a card."""
        card_id, arrives_on = self.new_id("cards.card_id"), self.day(plan.arrived)
        return self.add(
            "cards",
            card_id=card_id,
            account_id=account["account_id"],
            label=plan.label,
            form=plan.form,
            ending=card_id[-4:],
            status=plan.status,
            arrives_on=arrives_on.isoformat(),
            expires_on=arrives_on.replace(year=arrives_on.year + CARD_YEARS).isoformat(),
            replaces=replaces,
        )

    def add_payee(self, customer: Row, name: str, *, confirmed: bool, matches: bool = True) -> Row:
        """Add a payee."""
        payee_id = self.new_id("payees.payee_id")
        return self.add(
            "payees",
            payee_id=payee_id,
            customer_id=customer["customer_id"],
            name=name,
            ending=payee_id[-4:],
            name_check="match" if matches else "mismatch",
            confirmed=int(confirmed),
            added_on=self.day(-9 - self.rng.randrange(12)).isoformat()
            if not confirmed
            else self.day(-90 - self.rng.randrange(500)).isoformat(),
        )

    # The ledger

    def book(self, kind: str, words: str, postings: dict[str, int], at: datetime) -> str:
        """Book amounts by account or house account in one transaction, and give its id."""
        transaction_id = self.new_id("transactions.transaction_id")
        self.add(
            "transactions",
            transaction_id=transaction_id,
            kind=kind,
            description=words,
            booked_at=spelled(at),
            archived=0,
        )
        for line, (account, amount) in enumerate(postings.items(), start=1):
            self.add(
                "postings",
                transaction_id=transaction_id,
                line=line,
                account_id=None if account in HOUSE else account,
                house_account=account if account in HOUSE else None,
                amount_cents=amount,
            )
            self.moves[account].append((spelled(at), amount))
        return transaction_id

    def archive_last(self, account_id: str) -> None:
        """Archive what was booked last, to this account, so that it counts no more."""
        self.rows["transactions"][-1]["archived"] = 1
        self.moves[account_id].pop()

    def fund(self) -> None:
        """Give every account an opening deposit, such that it ends near its target and never lacked anything."""
        held: dict[str, int] = defaultdict(int)
        for hold in self.rows["holds"]:
            held[hold["account_id"]] += hold["amount_cents"]
        for account in list(self.rows["accounts"]):
            sums, lowest = 0, 0
            for _, cents in sorted(self.moves[account["account_id"]]):
                sums += cents
                lowest = min(lowest, sums)
            target = self.targets[account["account_id"]]
            needed = max(target - sums, min(target, 20_000) - lowest) + held[account["account_id"]]
            opened = datetime.combine(date.fromisoformat(account["opened_on"]), time(10), UTC)
            postings = {account["account_id"]: needed, "payments": -needed}
            self.book("deposit", "Opening deposit", postings, opened)

    # Cards

    def buy(self, purchase: Purchase, card: Row, *, pending: bool) -> Row:
        """Add a purchase with its hold while it is pending, or booked a day later."""
        row = self.add(
            "purchases",
            purchase_id=self.new_id("purchases.purchase_id"),
            card_id=card["card_id"],
            merchant=purchase.merchant.name,
            category=purchase.merchant.category,
            reference=purchase.reference,
            amount_cents=purchase.usd_cents,
            currency=purchase.currency,
            original_amount=purchase.usd_cents if purchase.currency == "USD" else minor(purchase),
            made_at=spelled(purchase.made_at),
            status="authorized" if pending else "settled",
            transaction_id=None,
            refund_transaction_id=None,
        )
        if pending:
            self.hold(row, card)
        else:
            words = purchase.merchant.name + (f", booking {purchase.reference}" if purchase.reference else "")
            settled = min(purchase.made_at + timedelta(hours=26), self.world.now - timedelta(minutes=30))
            postings = {card["account_id"]: -purchase.usd_cents, "card_network": purchase.usd_cents}
            row["transaction_id"] = self.book("purchase", words, postings, settled)
        return row

    def hold(self, purchase: Row, card: Row) -> None:
        """Set money aside for a purchase, for a week."""
        made_at = datetime.fromisoformat(purchase["made_at"])
        self.add(
            "holds",
            purchase_id=purchase["purchase_id"],
            account_id=card["account_id"],
            amount_cents=purchase["amount_cents"],
            expires_at=spelled(made_at + HOLD_DAYS * Day),
        )

    # Payments

    def transfer(self, account: Row, payee: Row, plan: TransferPlan) -> Row:
        """Add a transfer in the state that its plan says, with its approval and its booking."""
        created = self.moment(plan.days_ago)
        send_on = self.day(plan.days_ahead) if plan.days_ahead else None
        row = self.add(
            "transfers",
            transfer_id=self.new_id("transfers.transfer_id"),
            account_id=account["account_id"],
            payee_id=payee["payee_id"],
            amount_cents=plan.cents,
            note=plan.note,
            status={"sent": "accepted", "scheduled": "accepted", "expired": "awaiting_approval"}.get(
                plan.state, plan.state
            ),
            created_at=spelled(created),
            send_on=send_on and send_on.isoformat(),
            transaction_id=None,
        )
        if plan.state in ("sent", "scheduled") or (plan.state == "cancelled" and send_on):
            at = datetime.combine(send_on, time(6), UTC) if send_on else created
            postings = {account["account_id"]: -plan.cents, "payments": plan.cents}
            row["transaction_id"] = self.book("transfer", f"To {payee['name']}", postings, at)
            if plan.state == "cancelled":
                self.archive_last(account["account_id"])
        if plan.asked or plan.state in ("awaiting_approval", "expired", "declined"):
            self.ask(row, plan, created, new=not payee["confirmed"])
        return row

    def ask(self, transfer: Row, plan: TransferPlan, created: datetime, *, new: bool) -> None:
        """Add the approval that a transfer needs or needed."""
        self.add(
            "approvals",
            approval_id=self.new_id("approvals.approval_id"),
            transfer_id=transfer["transfer_id"],
            reason="new_payee" if new else "large_amount",
            status={"sent": "approved", "declined": "declined", "cancelled": "withdrawn"}.get(plan.state, "pending"),
            asked_at=spelled(created),
            expires_at=spelled(created + Day),
        )

    def order(self, account: Row, payee: Row, plan: OrderPlan) -> None:
        """Add a standing order."""
        next_on = self.day(plan.ahead)
        if plan.frequency == "monthly" and next_on.day > 28:
            next_on = next_on.replace(day=28)
        self.add(
            "standing_orders",
            standing_order_id=self.new_id("standing_orders.standing_order_id"),
            account_id=account["account_id"],
            payee_id=payee["payee_id"],
            amount_cents=plan.cents,
            frequency=plan.frequency,
            next_on=next_on.isoformat(),
            skipped_on=(next_on - 7 * Day).isoformat() if plan.state == "skipping" else None,
            status="ended" if plan.state == "ended" else "active",
            ended_on=self.day(-20 - self.rng.randrange(60)).isoformat() if plan.state == "ended" else None,
        )

    def charge(self, account: Row, plan: FeePlan) -> None:
        """Add a fee, and what was given back of it."""
        charged, account_id = self.moment(plan.days_ago), account["account_id"]
        postings = {account_id: -plan.cents, "fees": plan.cents}
        fee = self.add(
            "fees",
            fee_id=self.new_id("fees.fee_id"),
            account_id=account_id,
            kind=plan.kind,
            amount_cents=plan.cents,
            transaction_id=self.book("fee", FEE_WORDS[plan.kind], postings, charged),
            refund_transaction_id=None,
        )
        if plan.given_back:
            postings = {account_id: plan.cents, "fees": -plan.cents}
            fee["refund_transaction_id"] = self.book("fee_refund", "Fee given back", postings, charged + 2 * Day)


def minor(purchase: Purchase) -> int:
    """Give a foreign amount in the smallest unit of its currency: yen and won have no hundredths."""
    return purchase.amount_cents // 100 if purchase.currency in ("JPY", "KRW") else purchase.amount_cents


# The persona ---------------------------------------------------------------------------------------------------------


class Persona:
    """What the persona has at the bank, put together from the world's purchases and the plans above."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch
        world = branch.world
        self.customer = branch.open_customer(world.persona, LIMIT_CENTS)
        self.accounts = {plan.name: branch.open_account(self.customer, plan) for plan in ACCOUNTS}
        self.cards: list[Row] = []
        for plan in CARDS:
            replaces = None if plan.replaces is None else self.cards[plan.replaces]["card_id"]
            self.cards.append(branch.issue_card(self.accounts[plan.account], plan, replaces))
        self.payees = self.add_payees()
        self.bought = [purchase for purchase in world.purchases if purchase.person_id == world.persona.person_id]

    def settle(self) -> None:
        """Add all that the persona did."""
        branch = self.branch
        self.earn()
        self.pay_rent()
        self.go_shopping()
        self.preauthorize()
        for plan in TRANSFERS:
            branch.transfer(self.accounts[plan.account], self.payees[plan.payee], plan)
        for order in ORDERS:
            branch.order(self.accounts[order.account], self.payees[order.payee], order)
        for fee in FEES:
            branch.charge(self.accounts[fee.account], fee)
        for source, target, cents, days_ago in MOVES:
            self.move(source, target, cents, branch.moment(days_ago))
        self.move(*SPENT, datetime.combine(branch.world.today, time(11, 55), UTC))
        self.dispute()

    def move(self, source: str, target: str, cents: int, at: datetime) -> None:
        """Move money between two of the persona's accounts."""
        postings = {self.id_of(target): cents, self.id_of(source): -cents}
        self.branch.book("move", f"{source} to {target}", postings, at)

    def id_of(self, name: str) -> str:
        """Give the id of an account of the persona's."""
        return str(self.accounts[name]["account_id"])

    def add_payees(self) -> list[Row]:
        """Add the people and companies that the persona pays."""
        world = self.branch.world
        names = {person.person_id: person.name for person in world.people}
        people: list[str] = []
        for kind in RELATIVES:
            known = [names[other] for other in related(world.relations, world.persona.person_id, kind)]
            people += [name for name in known if name not in people][:1]
        return [
            self.branch.add_payee(self.customer, name, confirmed=name not in UNCONFIRMED, matches=name not in UNCHECKED)
            for name in (*people, *COMPANIES)
        ]

    def earn(self) -> None:
        """Add the salary and the interest of the last months."""
        salary = 100 * (3_100 + 50 * self.branch.rng.randrange(30))
        months = [datetime.combine(month, time(5), UTC) for month in self.months(4)]
        for paid in months:
            self.branch.book("deposit", "Salary", {self.id_of("Everyday"): salary, "payments": -salary}, paid)
        for name, cents in (("Rainy Day", 1_260), ("Fixed Saver", 2_310)):
            self.branch.book("interest", "Interest", {self.id_of(name): cents, "interest": -cents}, months[-1])

    def months(self, count: int) -> list[date]:
        """Give the first days of the last months, the latest first."""
        days = [self.branch.world.today.replace(day=1)]
        while len(days) < count:
            days.append((days[-1] - Day).replace(day=1))
        return days

    def pay_rent(self) -> None:
        """Add what was paid by transfer, and the standing order that it comes from."""
        rent = [purchase for purchase in self.bought if purchase.method == "transfer"]
        landlord = next(payee for payee in self.payees if payee["name"] == rent[-1].merchant.name)
        household = self.accounts["Household"]
        for purchase in rent:
            postings = {household["account_id"]: -purchase.usd_cents, "payments": purchase.usd_cents}
            self.branch.book("standing_order", f"To {purchase.merchant.name}", postings, purchase.made_at)
        first = (self.branch.world.today.replace(day=28) + 4 * Day).replace(day=1)
        ahead = (first - self.branch.world.today).days
        self.branch.order(household, landlord, OrderPlan(0, rent[-1].usd_cents, ahead=ahead))

    def go_shopping(self) -> None:
        """Add what was bought by card, and what shops paid back of it."""
        cards = [purchase for purchase in self.bought if purchase.method == "card"]
        bought = [purchase for purchase in cards if purchase.merchant.category != "refund"]
        pending = {purchase.purchase_id for purchase in self.just_made(bought)}
        rows = {
            purchase.purchase_id: self.branch.buy(
                purchase, self.card_for(purchase), pending=purchase.purchase_id in pending
            )
            for purchase in bought
        }
        for refund in (purchase for purchase in cards if purchase.merchant.category == "refund"):
            original = next((purchase for purchase in bought[::-1] if pays_back(refund, purchase)), None)
            self.pay_back(refund, rows[original.purchase_id] if original else None)
        self.charge_abroad(purchase for purchase in bought if purchase.purchase_id not in pending)

    def charge_abroad(self, bought: Iterable[Purchase]) -> None:
        """Charge the fees for paying abroad, on the day of the first three purchases in other currencies."""
        for purchase in [purchase for purchase in bought if purchase.currency != "USD"][:3]:
            days_ago = (self.branch.world.now - purchase.made_at).days
            cents = max(100, purchase.usd_cents // 50)
            self.branch.charge(self.accounts["Everyday"], FeePlan("Everyday", "foreign_use", cents, days_ago))

    def just_made(self, bought: Sequence[Purchase]) -> list[Purchase]:
        """Give the purchases that merchants haven't settled yet: the last four, if they are of these days."""
        now = self.branch.world.now
        return [
            purchase
            for place, purchase in enumerate(reversed(bought))
            if purchase.made_at > now - timedelta(hours=30) or (place < 4 and purchase.made_at > now - 6 * Day)
        ]

    def card_for(self, purchase: Purchase) -> Row:
        """Give the card that a purchase was made with; what was everyday long ago went over the card before."""
        place = CARD_OF[purchase.merchant.category]
        if place == EVERYDAY and (self.branch.world.now - purchase.made_at).days > -CARDS[EVERYDAY].arrived:
            place = FIRST_EVERYDAY
        return self.cards[place]

    def pay_back(self, refund: Purchase, original: Row | None) -> None:
        """Add what a shop paid back, to the purchase that it is for."""
        account_id = self.id_of("Everyday")
        if original is not None:
            account_id = next(card["account_id"] for card in self.cards if card["card_id"] == original["card_id"])
        postings = {account_id: refund.usd_cents, "card_network": -refund.usd_cents}
        words = f"Refund from {refund.merchant.name}"
        transaction_id = self.branch.book("purchase_refund", words, postings, refund.made_at)
        if original is not None and original["transaction_id"] is not None:
            original["refund_transaction_id"] = transaction_id

    def preauthorize(self) -> None:
        """Add what was held on the travel card and never taken."""
        for merchant, cents, days_ago in PREAUTHORIZED:
            made_at = self.branch.moment(days_ago)
            row = self.branch.add(
                "purchases",
                purchase_id=self.branch.new_id("purchases.purchase_id"),
                card_id=self.cards[TRAVEL]["card_id"],
                merchant=merchant,
                category="travel",
                reference=None,
                amount_cents=cents,
                currency="USD",
                original_amount=cents,
                made_at=spelled(made_at),
                status="authorized",
                transaction_id=None,
                refund_transaction_id=None,
            )
            self.branch.hold(row, self.cards[TRAVEL])

    def dispute(self) -> None:
        """Dispute some purchases of the last two months; the first was made with the spare card by somebody else."""
        branch = self.branch
        earliest, latest = spelled(branch.world.now - 55 * Day), spelled(branch.world.now - 12 * Day)
        candidates = [
            row
            for row in branch.rows["purchases"]
            if earliest < row["made_at"] < latest and row["status"] == "settled" and not row["refund_transaction_id"]
            if row["category"] in ("restaurant", "electronics", "health")
        ]
        chosen = branch.rng.sample(candidates, min(len(DISPUTES), len(candidates)))
        for purchase, (reason, status) in zip(chosen, DISPUTES, strict=False):
            if reason == "not_recognized":
                purchase["card_id"] = self.cards[SPARE]["card_id"]
            opened = datetime.fromisoformat(purchase["made_at"]) + timedelta(days=4)
            account_id = self.id_of("Everyday")
            cents, words = purchase["amount_cents"], f"Provisional credit for {purchase['merchant']}"
            lent = branch.book("dispute_credit", words, {account_id: cents, "disputes": -cents}, opened)
            taken = None
            if status == "lost":
                postings = {account_id: -cents, "disputes": cents}
                taken = branch.book("dispute_reversal", f"{words} taken back", postings, opened + 7 * Day)
            branch.add(
                "disputes",
                dispute_id=branch.new_id("disputes.dispute_id"),
                purchase_id=purchase["purchase_id"],
                reason=reason,
                statement=None,
                status=status,
                opened_at=spelled(opened),
                credit_transaction_id=lent,
                reversal_transaction_id=taken,
            )


def pays_back(refund: Purchase, purchase: Purchase) -> bool:
    """Say whether a refund can be for a purchase."""
    same_shop = refund.merchant.name == purchase.merchant.name and refund.made_at > purchase.made_at
    return same_shop and refund.usd_cents <= purchase.usd_cents and refund.reference == purchase.reference


# Everybody else ------------------------------------------------------------------------------------------------------


def serve_others(branch: Branch, people: Sequence[Person], more_purchases: int) -> None:
    """Add other customers, what the world knows that they bought, and more from the same shops by the busiest."""
    by_person: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in branch.world.purchases:
        by_person[purchase.person_id].append(purchase)
    bought = [purchase for purchase in branch.world.purchases if purchase.method == "card"]
    shops = [purchase for purchase in bought if purchase.reference is None]
    extra = [person.person_id for person in zipf(branch.rng, people, more_purchases)]
    for person in people:
        again = [again_later(branch, branch.rng.choice(shops)) for _ in range(extra.count(person.person_id))]
        serve(branch, person, [*by_person[person.person_id], *again])


def again_later(branch: Branch, purchase: Purchase) -> Purchase:
    """Give a purchase at the same shop for another amount in dollars, some time in the last three months."""
    cents = max(300, purchase.usd_cents * (50 + branch.rng.randrange(100)) // 100)
    made_at = branch.world.now - timedelta(minutes=3 * 1_440 + branch.rng.randrange(90 * 1_440))
    return Purchase(
        purchase_id=purchase.purchase_id,
        person_id=purchase.person_id,
        merchant=purchase.merchant,
        amount_cents=cents,
        currency="USD",
        usd_cents=cents,
        made_at=made_at,
        method="card",
        reference=None,
    )


def serve(branch: Branch, person: Person, bought: Iterable[Purchase]) -> None:
    """Add one customer with a checking account, perhaps savings, a card, payees, a transfer and a standing order."""
    rng = branch.rng
    customer = branch.open_customer(person, 100_000 * (1 + rng.randrange(5)))
    overdraft = 25_000 * rng.randrange(3)
    checking = branch.open_account(
        customer, AccountPlan("Everyday", "checking", 300 + rng.randrange(5_000), overdraft_cents=overdraft)
    )
    if rng.randrange(2):
        branch.open_account(customer, AccountPlan("Rainy Day", "savings", 500 + rng.randrange(9_000)))
    status = "frozen" if rng.randrange(8) == 0 else "active"
    card = branch.issue_card(checking, CardPlan("", "everyday", status=status, arrived=-200 - rng.randrange(1_200)))
    pay_somebody(branch, customer, checking, person)
    for purchase in bought:
        if purchase.merchant.category not in ("refund", "rent"):
            branch.buy(purchase, card, pending=purchase.made_at > branch.world.now - timedelta(hours=30))
    if rng.randrange(3) == 0:
        kind = rng.choice(("overdraft", "late_payment", "cash_withdrawal"))
        branch.charge(checking, FeePlan("", kind, 1_500, 3 + rng.randrange(150)))


def pay_somebody(branch: Branch, customer: Row, checking: Row, person: Person) -> None:
    """Add two payees of a customer, a transfer to one and perhaps a standing order to the other."""
    rng = branch.rng
    others = [other for other in rng.sample(branch.world.people[:60], 3) if other is not person]
    one, two = (
        branch.add_payee(customer, name, confirmed=confirmed)
        for name, confirmed in ((others[0].name, True), (rng.choice(COMPANIES), rng.randrange(3) > 0))
    )
    cents = 100 * (5 + rng.randrange(400))
    branch.transfer(checking, one, TransferPlan(0, cents, days_ago=1 + rng.randrange(80)))
    if rng.randrange(3) == 0 and two["confirmed"]:
        frequency = rng.choice(("weekly", "monthly"))
        branch.order(checking, two, OrderPlan(0, cents, frequency, ahead=1 + rng.randrange(27)))
