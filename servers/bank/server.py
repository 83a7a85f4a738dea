"""Bank: customers see their money, send it, stop what they no longer want, and contest what they didn't.

Every movement is a transaction whose postings balance to zero. A transfer is accepted at once, or waits for the
customer's approval; accepted, it is booked at once before the cut-off and ahead after it. What the clock makes of a row
stands in the views of schema.sql.
"""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from servers.runtime import (
    Cents,
    Environment,
    Filter,
    Free,
    IsoDate,
    IsoDateTime,
    Key,
    Record,
    Refusal,
    Sets,
    Shared,
    SignedCents,
    find,
)

env = Environment(__file__)

CUT_OFF = "14:00:00Z"
RUN_AT = "06:00:00Z"
"""When what is booked ahead leaves."""
LARGE_CENTS = 50_000
APPROVAL_HOURS = 24
MOST_DAYS_AHEAD = 60
REPLACEMENT_FEES = {"lost": 1_000, "stolen": 0, "damaged": 0}
DELIVERY_DAYS = 5
CARD_YEARS = 4

# Vocabulary ----------------------------------------------------------------------------------------------------------

CustomerId = Annotated[str, Key("customers.customer_id", pattern=r"^CS[0-9]{5}$", description="Customer id.")]
AccountId = Annotated[str, Key("accounts.account_id", pattern=r"^AC[0-9]{6}$", description="Account id.")]
CardId = Annotated[str, Key("cards.card_id", pattern=r"^CD[0-9]{8}$", description="Card id.")]
PayeeId = Annotated[str, Key("payees.payee_id", pattern=r"^PE[0-9]{6}$", description="Payee id.")]
TransactionId = Annotated[
    str, Key("transactions.transaction_id", pattern=r"^TX[0-9]{8}$", description="Ledger transaction id.")
]
PurchaseId = Annotated[str, Key("purchases.purchase_id", pattern=r"^PU[0-9]{7}$", description="Card purchase id.")]
DisputeId = Annotated[str, Key("disputes.dispute_id", pattern=r"^DP[0-9]{6}$", description="Dispute id.")]
TransferId = Annotated[str, Key("transfers.transfer_id", pattern=r"^TR[0-9]{7}$", description="Transfer id.")]
ApprovalId = Annotated[
    str, Key("approvals.approval_id", pattern=r"^AP[0-9]{6}$", description="Id of the request for approval.")
]
StandingOrderId = Annotated[
    str, Key("standing_orders.standing_order_id", pattern=r"^SO[0-9]{6}$", description="Standing order id.")
]
FeeId = Annotated[str, Key("fees.fee_id", pattern=r"^FE[0-9]{6}$", description="Fee id.")]
Email = Annotated[
    str, Shared("person.email", pattern=r"^[^@ ]+@[^@ ]+$", max_length=254, description="The customer's email address.")
]

AccountKind = Literal["checking", "savings"]
CardLabel = Literal["everyday", "travel", "online", "household", "spare"]
CardForm = Literal["plastic", "virtual"]
CardStatus = Literal["active", "frozen", "on_its_way", "expired", "closed"]
PurchaseStatus = Literal["pending", "lapsed", "settled", "refunded"]
DisputeReason = Literal["not_recognized", "not_received", "charged_twice", "wrong_amount"]
DisputeStatus = Literal["open", "won", "lost"]
TransferStatus = Literal["awaiting_approval", "expired", "scheduled", "sent", "declined", "cancelled"]
ApprovalReason = Literal["new_payee", "large_amount"]
ApprovalStatus = Literal["pending", "expired", "approved", "declined", "withdrawn"]
FeeKind = Literal["overdraft", "late_payment", "cash_withdrawal", "foreign_use", "card_replacement"]
EntryKind = Literal[
    "deposit",
    "interest",
    "purchase",
    "purchase_refund",
    "transfer",
    "move",
    "standing_order",
    "fee",
    "fee_refund",
    "dispute_credit",
    "dispute_reversal",
]

Ending = Annotated[str, Field(pattern=r"^[0-9]{4}$", description="Last four digits of the number.")]
Amount = Annotated[Cents, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]

# Results -------------------------------------------------------------------------------------------------------------


class Account(Record, table="account_board"):
    """An account and what can be spent of it."""

    account_id: AccountId
    name: str
    kind: AccountKind
    ending: Ending
    balance_cents: SignedCents
    available_cents: Annotated[Cents, Field(description="Balance and overdraft less holds and what is booked ahead.")]
    overdraft_cents: Annotated[Cents, Field(description="How far below zero it may go.")]
    locked_until: Annotated[IsoDate | None, Field(description="Nothing can be taken out before this day.")]
    withdrawals_left: Annotated[
        Annotated[int, Field(ge=0, le=3)] | None, Field(description="Of savings, in these 30 days.")
    ]


class Card(Record, table="card_board"):
    """A card."""

    card_id: CardId
    account_id: AccountId
    account_name: str
    label: CardLabel
    form: CardForm
    ending: Ending
    status: CardStatus
    expires_on: IsoDate


class Customer(Record, table="customer_board"):
    """A customer with their accounts and cards."""

    customer_id: CustomerId
    name: str
    email: Email
    phone: str
    daily_limit_cents: Annotated[Cents, Field(description="For transfers to payees.")]
    limit_left_cents: Annotated[Cents, Field(description="What is left of it today.")]
    accounts: list[Account]
    cards: list[Card]


class PurchaseLine(Record, table="purchase_board"):
    """A card purchase, told from others."""

    purchase_id: PurchaseId
    merchant: str
    category: str
    reference: Annotated[str | None, Field(description="The merchant's own, such as a booking's.")]
    amount_cents: Annotated[Amount, Field(description="In dollars, whatever the currency of the shop.")]
    refunded_cents: Annotated[Cents, Field(description="What the merchant paid back.")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="The currency that the shop asked for.")]
    made_on: IsoDate
    card_ending: Ending
    status: Annotated[PurchaseStatus, Field(description="Pending ones hold their amount; a lapsed one never came.")]


class PurchaseList(Record):
    """Card purchases."""

    purchases: list[PurchaseLine]
    spent_cents: Annotated[Cents, Field(description="All of them together, less what lapsed or was paid back.")]
    total: Count


class Dispute(Record, table="disputes"):
    """A dispute of a card purchase."""

    dispute_id: DisputeId
    reason: DisputeReason
    statement: str | None
    status: DisputeStatus
    opened_at: IsoDateTime


class Purchase(Record, table="purchase_board"):
    """A card purchase in full."""

    purchase_id: PurchaseId
    card_id: CardId
    merchant: str
    reference: str | None
    amount_cents: Amount
    original: Annotated[str | None, Field(description="What the shop asked for, when not in dollars.")]
    made_at: IsoDateTime
    status: PurchaseStatus
    booked_on: Annotated[IsoDate | None, Field(description="Null until it is settled.")]
    dispute_until: Annotated[IsoDate | None, Field(description="Last day on which it can be disputed.")]
    hold_ends_at: Annotated[IsoDateTime | None, Field(description="When a pending one lapses.")]
    dispute: Dispute | None


class StatementLine(Record, table="statement_lines"):
    """A booked movement."""

    transaction_id: TransactionId
    booked_on: IsoDate
    kind: EntryKind
    description: str
    amount_cents: Annotated[SignedCents, Field(description="Negative when it left.")]


class Statement(Record):
    """An account's calendar month."""

    account_id: AccountId
    month: str
    opening_cents: SignedCents
    paid_in_cents: Cents
    paid_out_cents: Cents
    closing_cents: Annotated[SignedCents, Field(description="So far, if the month isn't over.")]
    lines: list[StatementLine]
    total: Count


class Payee(Record, table="payee_board"):
    """Somebody whom a customer pays."""

    payee_id: PayeeId
    name: str
    ending: Annotated[Ending, Field(description="Last four digits of their account.")]
    name_check: Annotated[Literal["match", "mismatch"], Field(description="Whether the account bears that name.")]
    confirmed: Annotated[bool, Field(description="Whether the customer has approved a transfer to them before.")]
    added_on: IsoDate


class PayeeList(Record):
    """Payees."""

    payees: list[Payee]
    total: Count


class TransferLine(Record, table="transfer_board"):
    """A transfer, told from others."""

    transfer_id: TransferId
    account_name: Annotated[str, Field(description="The account that it leaves.")]
    payee_name: str
    amount_cents: Amount
    note: str | None
    created_on: IsoDate
    status: TransferStatus
    sends_on: Annotated[IsoDate | None, Field(description="The day an accepted one leaves or left.")]
    approval_id: ApprovalId | None


class TransferList(Record):
    """Transfers to payees."""

    transfers: list[TransferLine]
    total: Count


class Transfer(Record, table="transfer_board"):
    """A transfer as it stands."""

    transfer_id: TransferId
    payee_name: str
    amount_cents: Amount
    status: TransferStatus
    sends_on: IsoDate | None
    approval_id: Annotated[ApprovalId | None, Field(description="What the customer is asked, if anything.")]
    approve_by: IsoDateTime | None


class StandingOrder(Record, table="standing_order_board"):
    """A payment that is made again and again."""

    standing_order_id: StandingOrderId
    account_name: str
    payee_name: str
    amount_cents: Amount
    frequency: Literal["weekly", "monthly"]
    status: Literal["active", "ended"]
    next_on: Annotated[IsoDate | None, Field(description="The next payment.")]
    skipping: Annotated[bool, Field(description="Whether a payment was skipped that isn't over yet.")]
    ended_on: IsoDate | None


class StandingOrderList(Record):
    """Standing orders."""

    standing_orders: list[StandingOrder]
    total: Count


class Fee(Record, table="fee_board"):
    """A fee that was charged."""

    fee_id: FeeId
    kind: FeeKind
    amount_cents: Amount
    charged_on: IsoDate
    refunded: bool


class FeeList(Record):
    """Fees."""

    fees: list[Fee]
    total: Count


class Move(Record, table="ledger"):
    """Money moved between a customer's own accounts."""

    transaction_id: TransactionId
    amount_cents: Amount
    from_available_cents: Annotated[Cents, Field(description="What is left to spend where it came from.")]


class CardState(Record, table="card_board"):
    """A card as it stands."""

    card_id: CardId
    ending: Ending
    status: CardStatus


class NewCard(Record, table="card_board"):
    """A card that is on its way."""

    card_id: CardId
    ending: Ending
    arrives_on: IsoDate
    fee_cents: Cents


class OpenedDispute(Record, table="disputes"):
    """A dispute and its provisional credit."""

    dispute_id: DisputeId
    status: DisputeStatus
    credit_cents: Annotated[Amount, Field(description="Lent until it is decided.")]
    card_frozen: Annotated[bool, Field(description="Whether the card was frozen for it.")]


class FeeRefund(Record, table="fee_board"):
    """A fee that was given back."""

    fee_id: FeeId
    amount_cents: Amount
    transaction_id: TransactionId


class ApprovalRequest(Record, table="approval_board"):
    """A transfer that you were asked to approve."""

    approval_id: ApprovalId
    transfer_id: TransferId
    payee_name: str
    amount_cents: Amount
    reason: ApprovalReason
    status: ApprovalStatus
    expires_at: IsoDateTime


class ApprovalRequestList(Record):
    """Transfers that you were asked to approve."""

    approvals: list[ApprovalRequest]
    total: Count


# Rules ---------------------------------------------------------------------------------------------------------------


def in_turn(base: str, rules: dict[str, str]) -> dict[str, str]:
    """Give the query of each rule over the rows of `base`: a rule holds where those before it don't.

    What belongs to somebody else is `not_found`, like what isn't there at all.
    """
    queries: dict[str, str] = {}
    passed = ""
    for code, broken in rules.items():
        queries[code] = f"SELECT 1 {base}{passed} AND ({broken})"
        passed += f" AND NOT ({broken})"
    return queries


SEND_RULES = in_turn(
    "FROM account_board a JOIN customer_board c ON c.customer_id = a.customer_id"
    " JOIN payees p ON p.payee_id = :payee_id WHERE a.account_id = :account_id",
    {
        "not_found": "p.customer_id <> a.customer_id",
        "savings_account": "a.kind = 'savings'",
        "payee_mismatch": "p.name_check = 'mismatch'",
        "send_date_invalid": ":send_on IS NOT NULL AND (:send_on <= :today OR :send_on > date(:today, '+60 days'))",
        "limit_exceeded": "c.limit_left_cents < :amount_cents",
        "insufficient_funds": "a.available_cents < :amount_cents",
    },
)
MOVE_RULES = in_turn(
    "FROM account_board f JOIN account_board t ON t.account_id = :to_account_id WHERE f.account_id = :from_account_id",
    {
        "same_account": "t.account_id = f.account_id",
        "not_found": "t.customer_id <> f.customer_id",
        "savings_locked": "f.locked",
        "withdrawals_used": "f.kind = 'savings' AND f.withdrawals_left = 0",
        "insufficient_funds": "f.available_cents < :amount_cents",
    },
)
CANCEL_RULES = in_turn(
    "FROM transfer_board WHERE transfer_id = :transfer_id",
    {"transfer_settled": "status = 'sent'", "transfer_over": "status NOT IN ('awaiting_approval', 'scheduled')"},
)
STOP_RULES = in_turn(
    "FROM standing_order_board WHERE standing_order_id = :standing_order_id",
    {
        "order_ended": "status = 'ended'",
        "too_late": "in_the_run",
        "already_skipped": "skipping AND :scope = 'next'",
    },
)
CARD = "FROM card_board WHERE card_id = :card_id"
CARD_RULES = {"card_closed": "status IN ('closed', 'expired')", "card_not_arrived": "status = 'on_its_way'"}
"""What keeps a card from being replaced, frozen or unfrozen, in the order in which it is said."""
DISPUTE_RULES = in_turn(
    "FROM purchase_board WHERE purchase_id = :purchase_id",
    {
        "not_settled": "status IN ('pending', 'lapsed')",
        "already_refunded": "status = 'refunded'",
        "already_disputed": "disputed",
        "dispute_window_closed": "dispute_closed",
    },
)
FEE_RULES = in_turn(
    "FROM fee_board WHERE fee_id = :fee_id",
    {
        "fee_refunded": "refunded",
        "fee_not_refundable": "NOT refundable",
        "fee_too_old": "too_old",
        "goodwill_used": "goodwill_used",
    },
)
APPROVAL_RULES = in_turn(
    "FROM approval_board q WHERE q.approval_id = :approval_id",
    {"approval_expired": "q.status = 'expired'", "not_pending": "q.status <> 'pending'"},
)


def money(cents: int) -> str:
    """Write an amount as a refusal says it."""
    return f"${cents / 100:,.2f}"


# The ledger ----------------------------------------------------------------------------------------------------------


def book(kind: str, description: str, postings: dict[str, int], at: str | None = None) -> str:
    """Book a transaction of these amounts by account or house account, now or ahead, and give its id."""
    transaction_id = env.new_id("transactions.transaction_id")
    env.db.execute(
        "INSERT INTO transactions VALUES (?, ?, ?, ?, 0)", (transaction_id, kind, description, at or env.now)
    )
    for line, (account, amount) in enumerate(postings.items(), start=1):
        end = (account, None) if account.startswith("AC") else (None, account)
        env.db.execute("INSERT INTO postings VALUES (?, ?, ?, ?, ?)", (transaction_id, line, *end, amount))
    return transaction_id


def require_funds(account_id: str, amount_cents: int) -> None:
    """Refuse to take more from an account than can be spent of it."""
    account = find(env.db, "account_board", account_id=account_id)
    if account["available_cents"] < amount_cents:
        raise Refusal(
            "insufficient_funds",
            f"{account['name']} has {money(account['available_cents'])} to spend; take less or use another account.",
        )


def days_later(day: str, days: int) -> str:
    """Give the day so many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def hours_later(moment: str, hours: int) -> str:
    """Give the moment so many hours later."""
    return (datetime.fromisoformat(moment) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Looking things up ---------------------------------------------------------------------------------------------------


@env.reads(refuses={"not_found": "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM customers WHERE email = :email)"})
def find_customer(email: Email) -> Customer:
    """Find a customer by email address, with their accounts and cards."""
    db = env.db
    customer = find(db, "customer_board", email=email)
    where = (customer["customer_id"],)
    accounts = db.execute("SELECT * FROM account_board WHERE customer_id = ? ORDER BY kind, account_id", where)
    cards = db.execute("SELECT * FROM card_board WHERE customer_id = ? ORDER BY expires_on DESC, card_id", where)
    return Customer.of(customer, accounts=[Account.of(row) for row in accounts], cards=[Card.of(row) for row in cards])


@env.reads
def find_purchases(
    customer_id: Annotated[CustomerId, Filter("purchase_board.customer_id", "=", description="Customer id.")],
    merchant: Annotated[
        str,
        Filter(
            "purchase_board.merchant",
            "like",
            description="Name of the shop, or part of it.",
            min_length=2,
            max_length=60,
            pattern=r"^[^%_]+$",
        ),
    ],
    since: Annotated[
        IsoDate | None, Filter("purchase_board.made_on", ">=", description="Only purchases from this day on.")
    ] = None,
) -> PurchaseList:
    """Find what a customer bought by card at a shop, the latest first."""
    find(env.db, "customers", customer_id=customer_id)
    rows = env.db.execute(
        "SELECT * FROM purchase_board WHERE customer_id = ? AND merchant LIKE '%' || ? || '%'"
        " AND made_on >= coalesce(?, made_on) ORDER BY made_at DESC, purchase_id",
        (customer_id, merchant, since),
    ).fetchall()
    spent = sum(row["amount_cents"] - row["refunded_cents"] for row in rows if row["status"] != "lapsed")
    return PurchaseList(purchases=[PurchaseLine.of(row) for row in rows], spent_cents=spent, total=len(rows))


@env.reads
def get_purchase(purchase_id: PurchaseId) -> Purchase:
    """Get a card purchase with its hold, its currency and its dispute."""
    db = env.db
    row = find(db, "purchase_board", purchase_id=purchase_id)
    dispute = db.execute("SELECT * FROM disputes WHERE purchase_id = ?", (purchase_id,)).fetchone()
    return Purchase.of(
        row,
        original=None if row["currency"] == "USD" else foreign(row["original_amount"], row["currency"]),
        dispute=dispute and Dispute.of(dispute),
    )


def foreign(amount: int, currency: str) -> str:
    """Write an amount of a foreign currency, such as "1,250 JPY"."""
    return f"{amount:,} {currency}" if currency in ("JPY", "KRW") else f"{amount / 100:,.2f} {currency}"


@env.reads(
    refuses={
        "no_statement": "SELECT 1 FROM accounts WHERE account_id = :account_id"
        " AND (:month < substr(opened_on, 1, 7) OR :month > substr(:today, 1, 7))"
    }
)
def get_statement(
    account_id: Annotated[AccountId, Filter("statement_lines.account_id", "=", description="Account id.")],
    month: Annotated[
        str,
        Filter(
            "statement_lines.month",
            "=",
            description="Calendar month, such as 2026-03.",
            pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$",
            max_length=7,
        ),
    ],
) -> Statement:
    """Get an account's statement for a calendar month, from its opening to its closing balance."""
    db = env.db
    account = find(db, "accounts", account_id=account_id)
    if not account["opened_on"][:7] <= month <= env.today[:7]:
        raise Refusal("no_statement", f"There are statements from {account['opened_on'][:7]} to {env.today[:7]}.")
    lines = db.execute(
        "SELECT * FROM statement_lines WHERE account_id = ? AND month = ? ORDER BY booked_at, transaction_id, line",
        (account_id, month),
    ).fetchall()
    opening = db.execute(
        "SELECT coalesce(sum(amount_cents), 0) FROM statement_lines WHERE account_id = ? AND month < ?",
        (account_id, month),
    ).fetchone()[0]
    paid_in = sum(line["amount_cents"] for line in lines if line["amount_cents"] > 0)
    paid_out = -sum(line["amount_cents"] for line in lines if line["amount_cents"] < 0)
    return Statement(
        account_id=account_id,
        month=month,
        opening_cents=opening,
        paid_in_cents=paid_in,
        paid_out_cents=paid_out,
        closing_cents=opening + paid_in - paid_out,
        lines=[StatementLine.of(line) for line in lines],
        total=len(lines),
    )


@env.reads
def list_payees(
    customer_id: Annotated[CustomerId, Filter("payee_board.customer_id", "=", description="Customer id.")],
) -> PayeeList:
    """List whom a customer can pay, in the order of their names."""
    find(env.db, "customers", customer_id=customer_id)
    rows = env.db.execute(
        "SELECT * FROM payee_board WHERE customer_id = ? ORDER BY name, payee_id", (customer_id,)
    ).fetchall()
    return PayeeList(payees=[Payee.of(row) for row in rows], total=len(rows))


@env.reads
def list_transfers(
    customer_id: Annotated[CustomerId, Filter("transfer_board.customer_id", "=", description="Customer id.")],
    status: Annotated[
        TransferStatus | None, Filter("transfer_board.status", "=", description="Only transfers in this state.")
    ] = None,
) -> TransferList:
    """List a customer's transfers to payees, the latest first."""
    find(env.db, "customers", customer_id=customer_id)
    rows = env.db.execute(
        "SELECT * FROM transfer_board WHERE customer_id = ? AND status = coalesce(?, status)"
        " ORDER BY created_at DESC, transfer_id",
        (customer_id, status),
    ).fetchall()
    return TransferList(transfers=[TransferLine.of(row) for row in rows], total=len(rows))


@env.reads
def list_standing_orders(
    customer_id: Annotated[CustomerId, Filter("standing_order_board.customer_id", "=", description="Customer id.")],
) -> StandingOrderList:
    """List a customer's standing orders, the next payment first."""
    find(env.db, "customers", customer_id=customer_id)
    rows = env.db.execute(
        "SELECT * FROM standing_order_board WHERE customer_id = ? ORDER BY status, next_on, standing_order_id",
        (customer_id,),
    ).fetchall()
    return StandingOrderList(standing_orders=[StandingOrder.of(row) for row in rows], total=len(rows))


@env.reads
def list_fees(
    account_id: Annotated[AccountId, Filter("fee_board.account_id", "=", description="Account id.")],
) -> FeeList:
    """List the fees that an account was charged, the latest first."""
    find(env.db, "accounts", account_id=account_id)
    rows = env.db.execute(
        "SELECT * FROM fee_board WHERE account_id = ? ORDER BY charged_on DESC, fee_id", (account_id,)
    ).fetchall()
    return FeeList(fees=[Fee.of(row) for row in rows], total=len(rows))


# Moving money --------------------------------------------------------------------------------------------------------


@env.writes(changes={"transactions": "insert", "postings": "insert"}, refuses=MOVE_RULES)
def move_money(
    from_account_id: AccountId,
    to_account_id: AccountId,
    amount_cents: Annotated[Cents, Sets("postings.amount_cents", ge=1, description="How much to move.")],
) -> Move:
    """Move money at once from one account of a customer to another of theirs."""
    db = env.db
    source = find(db, "account_board", account_id=from_account_id)
    target = find(db, "account_board", account_id=to_account_id)
    if target["account_id"] == source["account_id"]:
        raise Refusal("same_account", "That is one and the same account; name another one to move the money to.")
    if target["customer_id"] != source["customer_id"]:
        raise Refusal("not_found", f"The owner of {source['name']} has no account {to_account_id}; look at theirs.")
    if source["locked"]:
        raise Refusal("savings_locked", f"{source['name']} is locked until {source['locked_until']}; use another one.")
    if source["withdrawals_left"] == 0:
        raise Refusal("withdrawals_used", f"The three withdrawals of these 30 days from {source['name']} are used up.")
    require_funds(from_account_id, amount_cents)
    moved = book(
        "move",
        f"{source['name']} to {target['name']}",
        {to_account_id: amount_cents, from_account_id: -amount_cents},
    )
    left = source["available_cents"] - amount_cents
    return Move(transaction_id=moved, amount_cents=amount_cents, from_available_cents=left)


@env.writes(
    changes={"transfers": "insert", "approvals": "insert", "transactions": "insert", "postings": "insert"},
    refuses=SEND_RULES,
)
def send_transfer(
    account_id: AccountId,
    payee_id: PayeeId,
    amount_cents: Annotated[Cents, Sets("transfers.amount_cents", ge=1, description="How much to send.")],
    send_on: Annotated[
        IsoDate | None, Sets("transfers.send_on", description="A later day to send it on, at most 60 days ahead.")
    ] = None,
    note: Annotated[
        str | None, Free("transfers.note", description="What the payee reads with it.", max_length=80)
    ] = None,
) -> Transfer:
    """Send money from a checking account to a payee, once the customer approves it if it is large or the payee new."""
    db = env.db
    account = find(db, "account_board", account_id=account_id)
    payee = find(db, "payees", payee_id=payee_id)
    require_payable(account, payee)
    require_send_date(send_on)
    require_within_limit(account["customer_id"], amount_cents)
    require_funds(account_id, amount_cents)
    transfer_id = env.new_id("transfers.transfer_id")
    db.execute(
        "INSERT INTO transfers VALUES (?, ?, ?, ?, ?, 'awaiting_approval', ?, ?, NULL)",
        (transfer_id, account_id, payee_id, amount_cents, note, env.now, send_on),
    )
    if payee["confirmed"] and amount_cents <= LARGE_CENTS:
        accept(find(db, "transfer_board", transfer_id=transfer_id), send_on)
    else:
        ask_approval(transfer_id, "large_amount" if payee["confirmed"] else "new_payee")
    return Transfer.of(find(db, "transfer_board", transfer_id=transfer_id))


def require_payable(account: sqlite3.Row, payee: sqlite3.Row) -> None:
    """Refuse an account that can't pay a payee."""
    if payee["customer_id"] != account["customer_id"]:
        raise Refusal("not_found", f"The owner of {account['name']} has no payee {payee['payee_id']}; list theirs.")
    if account["kind"] == "savings":
        raise Refusal("savings_account", f"{account['name']} is savings; move the money to a checking account first.")
    if payee["name_check"] == "mismatch":
        raise Refusal("payee_mismatch", f"The account isn't in the name of {payee['name']}; have it corrected first.")


def require_send_date(send_on: str | None) -> None:
    """Refuse a day that is not ahead, or too far ahead."""
    last = days_later(env.today, MOST_DAYS_AHEAD)
    if send_on is not None and not env.today < send_on <= last:
        raise Refusal("send_date_invalid", f"Transfers can be sent on days after {env.today} and up to {last}.")


def require_within_limit(customer_id: str, amount_cents: int) -> None:
    """Refuse more than is left of the customer's limit for the day."""
    left = find(env.db, "customer_board", customer_id=customer_id)["limit_left_cents"]
    if left < amount_cents:
        raise Refusal("limit_exceeded", f"{money(left)} is left of today's limit; send less or send it tomorrow.")


def ask_approval(transfer_id: str, reason: str) -> None:
    """Ask the customer to approve a transfer within a day."""
    env.db.execute(
        "INSERT INTO approvals VALUES (?, ?, ?, 'pending', ?, ?)",
        (
            env.new_id("approvals.approval_id"),
            transfer_id,
            reason,
            env.now,
            hours_later(env.now, APPROVAL_HOURS),
        ),
    )


def accept(transfer: sqlite3.Row, send_on: str | None) -> None:
    """Book a transfer: at once, on the day asked for, or on the next one when today's cut-off has passed."""
    now, today = env.now, env.today
    at = now if now < f"{today}T{CUT_OFF}" else f"{days_later(today, 1)}T{RUN_AT}"
    if send_on is not None and send_on > today:
        at = f"{send_on}T{RUN_AT}"
    amount = transfer["amount_cents"]
    postings = {transfer["account_id"]: -amount, "payments": amount}
    transaction_id = book("transfer", f"To {transfer['payee_name']}", postings, at)
    env.db.execute(
        "UPDATE transfers SET status = 'accepted', transaction_id = ? WHERE transfer_id = ?",
        (transaction_id, transfer["transfer_id"]),
    )


@env.writes(
    changes={"transfers": "update status", "transactions": "update archived", "approvals": "update status"},
    refuses=CANCEL_RULES,
)
def cancel_transfer(transfer_id: TransferId) -> Transfer:
    """Call off a transfer that has not left yet, so that its money is free again."""
    db = env.db
    transfer = find(db, "transfer_board", transfer_id=transfer_id)
    if transfer["status"] == "sent":
        raise Refusal("transfer_settled", f"It left on {transfer['sends_on']}; ask {transfer['payee_name']} for it.")
    if transfer["status"] not in ("awaiting_approval", "scheduled"):
        raise Refusal("transfer_over", f"This transfer is {transfer['status']}; there is nothing to call off.")
    db.execute(
        "UPDATE transactions SET archived = 1"
        " WHERE transaction_id = (SELECT transaction_id FROM transfers WHERE transfer_id = ?)",
        (transfer_id,),
    )
    db.execute("UPDATE approvals SET status = 'withdrawn' WHERE transfer_id = ? AND status = 'pending'", (transfer_id,))
    db.execute("UPDATE transfers SET status = 'cancelled' WHERE transfer_id = ?", (transfer_id,))
    return Transfer.of(find(db, "transfer_board", transfer_id=transfer_id))


@env.writes(changes={"standing_orders": "update next_on skipped_on status ended_on"}, refuses=STOP_RULES)
def stop_standing_order(
    standing_order_id: StandingOrderId,
    scope: Annotated[
        Literal["next", "all"], Field(description="Skip the next payment only, or end the order for good.")
    ],
) -> StandingOrder:
    """Skip the next payment of a standing order, or end it."""
    db = env.db
    order = find(db, "standing_order_board", standing_order_id=standing_order_id)
    if order["status"] == "ended":
        raise Refusal("order_ended", f"It ended on {order['ended_on']}; nothing more goes out.")
    if order["in_the_run"]:
        raise Refusal("too_late", f"The payment of {order['next_on']} is being made; come back the day after.")
    if scope == "all":
        db.execute(
            "UPDATE standing_orders SET status = 'ended', ended_on = ? WHERE standing_order_id = ?",
            (env.today, standing_order_id),
        )
    else:
        skip_next(order)
    return StandingOrder.of(find(db, "standing_order_board", standing_order_id=standing_order_id))


def skip_next(order: sqlite3.Row) -> None:
    """Put a standing order's next payment off to the one after."""
    if order["skipping"]:
        raise Refusal("already_skipped", f"One payment is skipped already; the next goes out on {order['next_on']}.")
    env.db.execute(
        "UPDATE standing_orders SET skipped_on = next_on,"
        " next_on = date(next_on, iif(frequency = 'weekly', '+7 days', '+1 month')) WHERE standing_order_id = ?",
        (order["standing_order_id"],),
    )


# Cards ---------------------------------------------------------------------------------------------------------------


def require_in_hand(card: sqlite3.Row) -> None:
    """Refuse a card that is over, or that has not arrived."""
    if card["status"] in ("closed", "expired"):
        raise Refusal("card_closed", f"The card ending in {card['ending']} is {card['status']}; look at another one.")
    if card["status"] == "on_its_way":
        raise Refusal("card_not_arrived", f"The card ending in {card['ending']} arrives on {card['arrives_on']}.")


@env.writes(
    changes={"cards": "update status"}, refuses=in_turn(CARD, {**CARD_RULES, "card_frozen": "status = 'frozen'"})
)
def freeze_card(card_id: CardId) -> CardState:
    """Freeze a card, so that nothing can be bought with it until it is unfrozen."""
    card = find(env.db, "card_board", card_id=card_id)
    require_in_hand(card)
    if card["status"] == "frozen":
        raise Refusal("card_frozen", f"The card ending in {card['ending']} is frozen already.")
    env.db.execute("UPDATE cards SET status = 'frozen' WHERE card_id = ?", (card_id,))
    return CardState.of(find(env.db, "card_board", card_id=card_id))


@env.writes(
    changes={"cards": "update status"},
    refuses=in_turn(CARD, {**CARD_RULES, "card_not_frozen": "status = 'active'", "card_misused": "misused"}),
)
def unfreeze_card(card_id: CardId) -> CardState:
    """Make a frozen card usable again."""
    card = find(env.db, "card_board", card_id=card_id)
    require_in_hand(card)
    if card["status"] == "active":
        raise Refusal("card_not_frozen", f"The card ending in {card['ending']} isn't frozen.")
    if card["misused"]:
        raise Refusal("card_misused", "A purchase with it that nobody recognizes is in dispute; replace the card.")
    env.db.execute("UPDATE cards SET status = 'active' WHERE card_id = ?", (card_id,))
    return CardState.of(find(env.db, "card_board", card_id=card_id))


@env.writes(
    changes={"cards": "insert, update status", "fees": "insert", "transactions": "insert", "postings": "insert"},
    refuses=in_turn(
        "FROM card_board JOIN account_board a USING (account_id) WHERE card_id = :card_id",
        {**CARD_RULES, "insufficient_funds": ":reason = 'lost' AND a.available_cents < 1000"},
    ),
)
def replace_card(
    card_id: CardId,
    reason: Annotated[
        Literal["lost", "stolen", "damaged"],
        Field(description="A lost card costs $10; a damaged one keeps its number."),
    ],
) -> NewCard:
    """Close a card and send a new one, which arrives in five days."""
    db = env.db
    card = find(db, "card_board", card_id=card_id)
    require_in_hand(card)
    fee = REPLACEMENT_FEES[reason]
    if fee:
        require_funds(card["account_id"], fee)
        charge_fee(card["account_id"], "card_replacement", fee, f"New card for the one ending in {card['ending']}")
    new_id = env.new_id("cards.card_id")
    arrives_on = days_later(env.today, DELIVERY_DAYS)
    db.execute("UPDATE cards SET status = 'closed' WHERE card_id = ?", (card_id,))
    db.execute(
        "INSERT INTO cards VALUES (?, ?, ?, ?, ?, 'active', ?, date(?, ?), ?)",
        (
            new_id,
            card["account_id"],
            card["label"],
            card["form"],
            card["ending"] if reason == "damaged" else new_id[-4:],
            arrives_on,
            arrives_on,
            f"+{CARD_YEARS} years",
            card_id,
        ),
    )
    return NewCard.of(find(db, "card_board", card_id=new_id), fee_cents=fee)


def charge_fee(account_id: str, kind: str, amount_cents: int, description: str) -> None:
    """Charge an account a fee."""
    transaction_id = book("fee", description, {account_id: -amount_cents, "fees": amount_cents})
    env.db.execute(
        "INSERT INTO fees VALUES (?, ?, ?, ?, ?, NULL)",
        (env.new_id("fees.fee_id"), account_id, kind, amount_cents, transaction_id),
    )


# Disputes and fees ---------------------------------------------------------------------------------------------------


@env.writes(
    changes={
        "disputes": "insert",
        "transactions": "insert",
        "postings": "insert",
        "cards": "update status",
    },
    refuses=DISPUTE_RULES,
)
def open_dispute(
    purchase_id: PurchaseId,
    reason: Annotated[
        DisputeReason,
        Sets("disputes.reason", description="What is wrong with it; one that isn't recognized freezes the card."),
    ],
    statement: Annotated[
        str | None, Free("disputes.statement", description="What the customer says of it.", max_length=300)
    ] = None,
) -> OpenedDispute:
    """Dispute a settled card purchase, and lend the customer its amount until that is decided."""
    db = env.db
    purchase = find(db, "purchase_board", purchase_id=purchase_id)
    require_disputable(purchase)
    amount = purchase["amount_cents"]
    credit = book(
        "dispute_credit",
        f"Provisional credit for {purchase['merchant']}",
        {purchase["account_id"]: amount, "disputes": -amount},
    )
    dispute_id = env.new_id("disputes.dispute_id")
    db.execute(
        "INSERT INTO disputes VALUES (?, ?, ?, ?, 'open', ?, ?, NULL)",
        (dispute_id, purchase_id, reason, statement, env.now, credit),
    )
    frozen = reason == "not_recognized" and freeze_if_active(purchase["card_id"])
    return OpenedDispute.of(find(db, "disputes", dispute_id=dispute_id), credit_cents=amount, card_frozen=frozen)


def freeze_if_active(card_id: str) -> bool:
    """Freeze a card that is in use, and say whether it was."""
    frozen = env.db.execute("UPDATE cards SET status = 'frozen' WHERE card_id = ? AND status = 'active'", (card_id,))
    return frozen.rowcount == 1


def require_disputable(purchase: sqlite3.Row) -> None:
    """Refuse a purchase that isn't booked, that was dealt with, or that is too long ago."""
    shop = purchase["merchant"]
    if purchase["status"] in ("pending", "lapsed"):
        raise Refusal("not_settled", f"{shop} hasn't taken the money; a purchase can be disputed once it is booked.")
    if purchase["status"] == "refunded":
        raise Refusal("already_refunded", f"{shop} has paid this back; there is nothing to dispute.")
    if purchase["disputed"]:
        raise Refusal("already_disputed", "This purchase has been disputed; look at the dispute it has.")
    if purchase["dispute_closed"]:
        raise Refusal("dispute_window_closed", f"It could be disputed until {purchase['dispute_until']}; ask {shop}.")


@env.writes(
    changes={"fees": "update refund_transaction_id", "transactions": "insert", "postings": "insert"},
    refuses=FEE_RULES,
)
def refund_fee(fee_id: FeeId) -> FeeRefund:
    """Give back a fee as goodwill: once a year for each account, within 90 days."""
    fee = find(env.db, "fee_board", fee_id=fee_id)
    require_refundable(fee)
    amount = fee["amount_cents"]
    transaction_id = book("fee_refund", "Fee given back", {fee["account_id"]: amount, "fees": -amount})
    env.db.execute("UPDATE fees SET refund_transaction_id = ? WHERE fee_id = ?", (transaction_id, fee_id))
    return FeeRefund.of(fee, transaction_id=transaction_id)


def require_refundable(fee: sqlite3.Row) -> None:
    """Refuse a fee that can't be given back, or not any more."""
    if fee["refunded"]:
        raise Refusal("fee_refunded", "This fee has been given back already.")
    if not fee["refundable"]:
        raise Refusal("fee_not_refundable", "This fee is the price of a service that was used; it stays.")
    if fee["too_old"]:
        raise Refusal("fee_too_old", f"It was charged on {fee['charged_on']}, more than 90 days ago.")
    if fee["goodwill_used"]:
        raise Refusal("goodwill_used", f"{fee['account_name']} had a fee given back within the year; this one stays.")


# What only the customer can do ---------------------------------------------------------------------------------------


@env.reads(actor="user")
def list_approval_requests(
    email: Annotated[Email, Filter("approval_board.email", "=", description="Your email address.")],
    status: Annotated[
        ApprovalStatus | None, Filter("approval_board.status", "=", description="Only requests in this state.")
    ] = None,
) -> ApprovalRequestList:
    """List the transfers that you were asked to approve, the latest first."""
    rows = env.db.execute(
        "SELECT * FROM approval_board WHERE email = ? AND status = coalesce(?, status)"
        " ORDER BY asked_at DESC, approval_id",
        (email, status),
    ).fetchall()
    return ApprovalRequestList(approvals=[ApprovalRequest.of(row) for row in rows], total=len(rows))


def pending_approval(approval_id: str) -> sqlite3.Row:
    """Give a request that still waits for the customer's answer."""
    request = find(env.db, "approval_board", approval_id=approval_id)
    if request["status"] == "expired":
        raise Refusal("approval_expired", f"The time to answer ended at {request['expires_at']}; send it anew.")
    if request["status"] != "pending":
        raise Refusal("not_pending", f"This request is {request['status']}; there is nothing to decide.")
    return request


@env.writes(
    actor="user",
    changes={
        "approvals": "update status",
        "transfers": "update status transaction_id",
        "payees": "update confirmed",
        "transactions": "insert",
        "postings": "insert",
    },
    refuses={
        **APPROVAL_RULES,
        "insufficient_funds": "SELECT 1 FROM approval_board q JOIN account_board a USING (account_id)"
        " WHERE q.approval_id = :approval_id AND q.status = 'pending' AND a.available_cents < q.amount_cents",
    },
)
def approve_transfer(approval_id: ApprovalId) -> ApprovalRequest:
    """Approve a transfer, which then leaves; its payee needs no approval for small ones from now on."""
    db = env.db
    request = pending_approval(approval_id)
    require_funds(request["account_id"], request["amount_cents"])
    db.execute("UPDATE approvals SET status = 'approved' WHERE approval_id = ?", (approval_id,))
    transfer = find(db, "transfers", transfer_id=request["transfer_id"])
    db.execute("UPDATE payees SET confirmed = 1 WHERE payee_id = ?", (transfer["payee_id"],))
    accept(find(db, "transfer_board", transfer_id=transfer["transfer_id"]), transfer["send_on"])
    return ApprovalRequest.of(find(db, "approval_board", approval_id=approval_id))


@env.writes(actor="user", changes={"approvals": "update status", "transfers": "update status"}, refuses=APPROVAL_RULES)
def decline_transfer(approval_id: ApprovalId) -> ApprovalRequest:
    """Decline a transfer that you were asked to approve; no money leaves."""
    db = env.db
    request = pending_approval(approval_id)
    db.execute("UPDATE approvals SET status = 'declined' WHERE approval_id = ?", (approval_id,))
    db.execute("UPDATE transfers SET status = 'declined' WHERE transfer_id = ?", (request["transfer_id"],))
    return ApprovalRequest.of(find(db, "approval_board", approval_id=approval_id))


# What always holds ---------------------------------------------------------------------------------------------------

env.invariant(
    "every_transaction_balances_to_zero_over_lines_in_order",
    """SELECT transaction_id FROM transactions LEFT JOIN postings USING (transaction_id) GROUP BY transaction_id
    HAVING sum(amount_cents) IS NOT 0 OR max(line) <> count(line)""",
)
env.invariant(
    "every_kind_of_movement_has_its_counterpart",
    """SELECT transaction_id, kind FROM transactions JOIN postings USING (transaction_id) GROUP BY transaction_id
    HAVING group_concat(house_account) IS NOT CASE
        WHEN kind IN ('deposit', 'transfer', 'standing_order') THEN 'payments'
        WHEN kind IN ('purchase', 'purchase_refund') THEN 'card_network'
        WHEN kind IN ('fee', 'fee_refund') THEN 'fees'
        WHEN kind IN ('dispute_credit', 'dispute_reversal') THEN 'disputes'
        WHEN kind = 'interest' THEN 'interest'
    END OR count(account_id) <> iif(kind = 'move', 2, 1)""",
)
env.invariant(
    "every_movement_belongs_to_what_it_was_made_for",
    """SELECT kind, transaction_id FROM transactions
    WHERE kind IN ('purchase', 'transfer', 'fee', 'fee_refund', 'dispute_credit', 'dispute_reversal')
    EXCEPT SELECT 'purchase', transaction_id FROM purchases EXCEPT SELECT 'transfer', transaction_id FROM transfers
    EXCEPT SELECT 'fee', transaction_id FROM fees EXCEPT SELECT 'fee_refund', refund_transaction_id FROM fees
    EXCEPT SELECT 'dispute_credit', credit_transaction_id FROM disputes
    EXCEPT SELECT 'dispute_reversal', reversal_transaction_id FROM disputes""",
)
env.invariant(
    "only_transfers_are_booked_ahead_or_archived",
    """SELECT transaction_id FROM transactions LEFT JOIN transfers f USING (transaction_id)
    WHERE (booked_at > :now AND kind <> 'transfer') OR archived <> coalesce(f.status = 'cancelled', 0)""",
)
env.invariant(
    "nothing_was_made_in_the_future",
    """SELECT created_at AS at FROM transfers WHERE created_at > :now
    UNION ALL SELECT asked_at FROM approvals WHERE asked_at > :now
    UNION ALL SELECT made_at FROM purchases WHERE made_at > :now
    UNION ALL SELECT opened_at FROM disputes WHERE opened_at > :now
    UNION ALL SELECT ended_on FROM standing_orders WHERE ended_on > :today""",
)

# Accounts

env.invariant(
    "no_account_is_overdrawn_beyond_its_limit",
    """SELECT account_id, balance_cents, available_cents FROM account_board
    WHERE balance_cents < -overdraft_cents OR available_cents < 0""",
)
env.invariant(
    "what_can_be_spent_is_what_was_or_will_be_booked_less_what_is_held",
    """SELECT b.account_id FROM account_board b LEFT JOIN (
        SELECT account_id, sum(amount_cents) AS booked, sum(amount_cents) FILTER (WHERE booked_at <= :now) AS by_now
        FROM postings JOIN transactions USING (transaction_id) WHERE NOT archived GROUP BY account_id
    ) p USING (account_id) LEFT JOIN (
        SELECT account_id, sum(amount_cents) AS held FROM holds WHERE expires_at > :now GROUP BY account_id
    ) h USING (account_id)
    WHERE b.balance_cents <> coalesce(p.by_now, 0) OR b.held_cents <> coalesce(h.held, 0)
        OR b.planned_cents <> b.balance_cents - p.booked
        OR b.available_cents - b.overdraft_cents <> p.booked - b.held_cents""",
)
env.invariant(
    "statements_carry_every_booked_cent_in_its_month",
    """SELECT b.account_id FROM account_board b LEFT JOIN (
        SELECT account_id, sum(amount_cents) AS stated,
               min(booked_at BETWEEN booked_on AND booked_on || 'T24' AND booked_on LIKE month || '-__') AS dated
        FROM statement_lines GROUP BY account_id
    ) s USING (account_id) WHERE b.balance_cents <> coalesce(s.stated, 0) OR NOT s.dated""",
)
env.invariant(
    "money_leaves_savings_three_times_in_thirty_days_and_not_while_they_are_locked",
    """SELECT account_id, booked_at FROM (
        SELECT a.account_id, a.locked_until, t.booked_at,
               lag(t.booked_at, 3) OVER (PARTITION BY a.account_id ORDER BY t.booked_at) AS third_before
        FROM accounts a JOIN postings p USING (account_id) JOIN transactions t USING (transaction_id)
        WHERE a.kind = 'savings' AND p.amount_cents < 0
    ) WHERE booked_at < locked_until OR unixepoch(booked_at) - unixepoch(third_before) < 30 * 86400""",
)
env.invariant(
    "savings_count_their_withdrawals_and_their_term",
    """SELECT b.account_id FROM account_board b LEFT JOIN (
        SELECT account_id, count(*) AS made FROM postings JOIN transactions USING (transaction_id)
        WHERE kind = 'move' AND amount_cents < 0 AND unixepoch(:now) - unixepoch(booked_at) < 30 * 86400
        GROUP BY account_id
    ) w USING (account_id)
    WHERE b.withdrawals_left + coalesce(w.made, 0) IS NOT iif(b.kind = 'savings', 3, NULL)
        OR b.locked IS NOT iif(b.locked_until IS NULL, 0, :now < b.locked_until)""",
)
env.invariant(
    "moves_stay_with_one_customer",
    """SELECT transaction_id FROM transactions JOIN postings USING (transaction_id) JOIN accounts USING (account_id)
    WHERE transactions.kind = 'move' GROUP BY transaction_id
    HAVING count(DISTINCT customer_id) <> 1 OR count(DISTINCT account_id) <> 2""",
)

# Cards and purchases

env.invariant(
    "a_card_shows_what_became_of_it",
    """SELECT c.card_id FROM cards c LEFT JOIN card_board b USING (card_id)
    WHERE (b.status IS 'closed') <> (c.status = 'closed')
        OR (b.status IS 'expired') <> (c.status <> 'closed' AND :today > c.expires_on)
        OR (b.status IS 'on_its_way') <> (c.status <> 'closed' AND :today < c.arrives_on)
        OR (b.status IN ('active', 'frozen') AND b.status <> c.status)""",
)
env.invariant(
    "a_misused_card_is_not_in_use",
    """SELECT c.card_id FROM card_board b JOIN cards c USING (card_id) LEFT JOIN (
        SELECT DISTINCT card_id FROM purchases JOIN disputes USING (purchase_id)
        WHERE reason = 'not_recognized' AND disputes.status = 'open'
    ) m USING (card_id) WHERE b.misused <> (m.card_id IS NOT NULL) OR (b.misused AND c.status = 'active')""",
)
env.invariant(
    "a_card_is_closed_by_the_one_that_replaces_it_and_lasts_four_years",
    """SELECT c.card_id FROM cards c LEFT JOIN cards n ON n.replaces = c.card_id
    WHERE (c.status = 'closed') <> (n.card_id IS NOT NULL) OR c.expires_on <> date(c.arrives_on, '+4 years')
        OR (n.account_id, n.label, n.form) <> (c.account_id, c.label, c.form)""",
)
env.invariant(
    "holds_are_the_open_authorizations_for_a_week",
    """SELECT p.purchase_id FROM purchases p JOIN cards c USING (card_id) LEFT JOIN holds h USING (purchase_id)
    WHERE (p.status = 'authorized') <> (h.purchase_id IS NOT NULL) OR h.amount_cents <> p.amount_cents
        OR h.account_id <> c.account_id OR unixepoch(h.expires_at) - unixepoch(p.made_at) <> 7 * 86400""",
)
env.invariant(
    "settled_purchases_are_booked",
    """SELECT p.purchase_id FROM purchases p JOIN cards c USING (card_id) WHERE p.status = 'settled'
    AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.transaction_id = p.transaction_id
        AND l.account_id = c.account_id AND l.kind = 'purchase' AND l.amount_cents = -p.amount_cents)""",
)
env.invariant(
    "a_purchase_shows_what_became_of_it",
    """SELECT p.purchase_id FROM purchases p LEFT JOIN purchase_board b USING (purchase_id)
    LEFT JOIN holds h USING (purchase_id) WHERE b.status IS NOT CASE
        WHEN h.expires_at <= :now THEN 'lapsed'
        WHEN h.expires_at > :now THEN 'pending'
        WHEN p.refund_transaction_id IS NULL THEN 'settled'
        ELSE 'refunded'
    END OR b.hold_ends_at IS NOT h.expires_at OR b.made_on <> substr(p.made_at, 1, 10)
        OR b.disputed <> (p.purchase_id IN (SELECT purchase_id FROM disputes))""",
)
env.invariant(
    "a_purchase_can_be_disputed_for_sixty_days_after_it_was_booked",
    """SELECT b.purchase_id FROM purchase_board b JOIN purchases p USING (purchase_id)
    LEFT JOIN transactions t USING (transaction_id) LEFT JOIN disputes d USING (purchase_id)
    WHERE b.booked_on IS NOT substr(t.booked_at, 1, 10)
        OR julianday(b.dispute_until) - julianday(b.booked_on) IS NOT iif(p.status = 'settled', 60, NULL)
        OR b.dispute_closed IS NOT :today > b.dispute_until
        OR substr(d.opened_at, 1, 10) > b.dispute_until OR d.opened_at < t.booked_at""",
)
env.invariant(
    "a_shop_pays_back_what_a_purchase_cost_or_a_part",
    """SELECT b.purchase_id FROM purchase_board b JOIN purchases p USING (purchase_id)
    LEFT JOIN postings r ON r.transaction_id = p.refund_transaction_id AND r.account_id = b.account_id
    WHERE b.refunded_cents <> coalesce(r.amount_cents, 0) OR b.refunded_cents NOT BETWEEN 0 AND b.amount_cents""",
)
env.invariant(
    "a_dispute_lends_what_the_purchase_cost",
    """SELECT d.dispute_id FROM disputes d JOIN purchases p USING (purchase_id)
    JOIN ledger l ON l.transaction_id = d.credit_transaction_id
    LEFT JOIN ledger r ON r.transaction_id = d.reversal_transaction_id
    WHERE p.status <> 'settled' OR l.amount_cents <> p.amount_cents OR l.booked_at <> d.opened_at
        OR (d.status = 'lost') <> (r.amount_cents IS NOT NULL) OR r.amount_cents <> -p.amount_cents""",
)

# Transfers and standing orders

env.invariant(
    "accepted_transfers_and_no_others_are_booked",
    """SELECT f.transfer_id FROM transfers f LEFT JOIN ledger l USING (transaction_id)
    WHERE (f.status = 'accepted') <> (l.transaction_id IS NOT NULL)
        OR l.account_id <> f.account_id OR l.amount_cents <> -f.amount_cents""",
)
env.invariant(
    "transfers_stand_with_their_approvals",
    """SELECT f.transfer_id FROM transfers f LEFT JOIN approvals q USING (transfer_id)
    WHERE coalesce(q.status, 'approved') <> CASE
        WHEN f.transaction_id IS NOT NULL THEN 'approved'
        WHEN f.status = 'awaiting_approval' THEN 'pending'
        WHEN f.status = 'declined' THEN 'declined'
        ELSE 'withdrawn'
    END""",
)
env.invariant(
    "large_transfers_and_first_ones_were_asked_for_at_once_and_for_a_day",
    """SELECT f.transfer_id FROM transfers f JOIN payees p USING (payee_id) LEFT JOIN approvals q USING (transfer_id)
    WHERE (q.approval_id IS NULL AND (f.amount_cents > 50000 OR NOT p.confirmed))
        OR (q.reason = 'large_amount' AND f.amount_cents <= 50000) OR (q.status = 'approved' AND NOT p.confirmed)
        OR q.asked_at <> f.created_at OR unixepoch(q.expires_at) - unixepoch(q.asked_at) <> 86400""",
)
env.invariant(
    "a_transfer_leaves_before_the_cut_off_on_the_day_asked_for_or_the_first_that_is_left",
    """SELECT f.transfer_id FROM transfers f JOIN transactions t USING (transaction_id)
    LEFT JOIN approvals q USING (transfer_id)
    WHERE substr(t.booked_at, 12) >= '14:00' OR t.booked_at < max(f.created_at, coalesce(f.send_on, ''))
        OR (q.approval_id IS NULL AND t.booked_at <> CASE
            WHEN f.send_on IS NOT NULL THEN f.send_on || 'T06:00:00Z'
            WHEN substr(f.created_at, 12) < '14:00' THEN f.created_at
            ELSE date(f.created_at, '+1 day') || 'T06:00:00Z'
        END)""",
)
env.invariant(
    "a_transfer_shows_what_the_ledger_and_its_approval_say",
    """SELECT transfer_id FROM transfers f LEFT JOIN transfer_board b USING (transfer_id) LEFT JOIN (
        SELECT transaction_id, booked_at, iif(booked_at > :now, 'scheduled', 'sent') AS status
        FROM transactions WHERE NOT archived
    ) t USING (transaction_id) LEFT JOIN (
        SELECT transfer_id, approval_id, iif(expires_at > :now AND status = 'pending', expires_at, NULL) AS until,
               iif(expires_at > :now, 'awaiting_approval', 'expired') AS status
        FROM approvals
    ) q USING (transfer_id)
    WHERE b.status IS NOT coalesce(t.status, iif(f.status = 'awaiting_approval', q.status, f.status))
        OR b.sends_on IS NOT substr(t.booked_at, 1, 10) OR b.created_on <> substr(f.created_at, 1, 10)
        OR b.approval_id IS NOT q.approval_id OR b.approve_by IS NOT q.until""",
)
env.invariant(
    "a_request_runs_out_unless_it_is_answered",
    """SELECT q.approval_id FROM approvals q LEFT JOIN approval_board b USING (approval_id)
    WHERE b.status IS NOT replace(q.status, 'pending', iif(:now < q.expires_at, 'pending', 'expired'))""",
)
env.invariant(
    "nobody_sends_more_in_a_day_than_their_limit",
    """SELECT u.customer_id, date(f.created_at) FROM transfers f JOIN accounts a USING (account_id)
    JOIN customers u USING (customer_id) WHERE f.status IN ('awaiting_approval', 'accepted')
    GROUP BY u.customer_id, date(f.created_at) HAVING sum(f.amount_cents) > u.daily_limit_cents""",
)
env.invariant(
    "the_limit_counts_what_was_sent_today_or_waits",
    """SELECT c.customer_id FROM customer_board c LEFT JOIN (
        SELECT customer_id, sum(amount_cents) AS sent FROM transfers JOIN accounts USING (account_id)
        WHERE created_at >= :today AND status NOT IN ('declined', 'cancelled') GROUP BY customer_id
    ) f USING (customer_id) WHERE c.limit_left_cents + coalesce(f.sent, 0) <> c.daily_limit_cents""",
)
env.invariant(
    "only_payees_of_the_owner_are_paid_and_out_of_checking_accounts",
    """SELECT account_id, payee_id FROM (
        SELECT account_id, payee_id, date(created_at) AS paid_on FROM transfers
        UNION ALL SELECT account_id, payee_id, next_on FROM standing_orders
    ) JOIN accounts a USING (account_id) JOIN payees p USING (payee_id)
    WHERE a.customer_id <> p.customer_id OR a.kind <> 'checking' OR p.added_on > paid_on""",
)
env.invariant(
    "nothing_is_sent_to_a_payee_of_another_name",
    "SELECT transfer_id FROM transfers JOIN payees USING (payee_id) WHERE name_check = 'mismatch'",
)
env.invariant(
    "a_standing_order_shows_its_next_payment_until_it_ended",
    """SELECT s.standing_order_id FROM standing_orders s LEFT JOIN standing_order_board b USING (standing_order_id)
    WHERE b.next_on IS NOT iif(s.ended_on IS NULL, s.next_on, NULL)
        OR b.skipping IS NOT iif(s.skipped_on IS NULL, 0, s.skipped_on >= :today)
        OR b.in_the_run IS NOT (:now >= date(s.next_on, '-1 day') || 'T14:00:00Z')""",
)
env.invariant(
    "a_skipped_payment_is_one_before_the_next",
    """SELECT standing_order_id FROM standing_orders
    WHERE next_on <> date(skipped_on, iif(frequency = 'weekly', '+7 days', '+1 month'))""",
)

# Fees

env.invariant(
    "fees_and_their_refunds_are_booked",
    """SELECT f.fee_id FROM fees f LEFT JOIN ledger l USING (transaction_id)
    LEFT JOIN ledger r ON r.transaction_id = f.refund_transaction_id
    WHERE l.amount_cents IS NOT -f.amount_cents OR l.account_id <> f.account_id
        OR coalesce(r.amount_cents, f.amount_cents) <> f.amount_cents OR r.account_id <> f.account_id""",
)
env.invariant(
    "a_fee_shows_whether_it_can_be_given_back",
    """SELECT f.fee_id FROM fees f JOIN transactions t USING (transaction_id) LEFT JOIN fee_board b USING (fee_id)
    LEFT JOIN (
        SELECT account_id, max(booked_at) AS last_at FROM transactions JOIN postings USING (transaction_id)
        WHERE kind = 'fee_refund' GROUP BY account_id
    ) g USING (account_id)
    WHERE b.charged_on IS NOT substr(t.booked_at, 1, 10)
        OR b.refunded <> (f.refund_transaction_id IS NOT NULL)
        OR b.refundable <> (f.kind IN ('overdraft', 'late_payment', 'cash_withdrawal'))
        OR b.too_old <> (unixepoch(:now) - unixepoch(t.booked_at) > 90 * 86400)
        OR b.goodwill_used <> coalesce(g.last_at > strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-1 year'), 0)""",
)
env.invariant(
    "goodwill_is_shown_once_a_year_within_ninety_days_and_not_for_services",
    """SELECT fee_id FROM (
        SELECT f.fee_id, f.kind, t.booked_at AS charged_at, r.booked_at AS refunded_at,
               lag(r.booked_at) OVER (PARTITION BY f.account_id ORDER BY r.booked_at) AS before_at
        FROM fees f JOIN transactions t USING (transaction_id)
        JOIN transactions r ON r.transaction_id = f.refund_transaction_id
    ) WHERE kind IN ('foreign_use', 'card_replacement')
        OR unixepoch(refunded_at) - unixepoch(charged_at) NOT BETWEEN 0 AND 90 * 86400
        OR before_at > strftime('%Y-%m-%dT%H:%M:%SZ', refunded_at, '-1 year')""",
)

mcp = env.mcp
