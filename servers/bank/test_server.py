"""The bank's tools, called as an agent and a user call them, on the persona's own scenario."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from servers.bank.server import env, foreign
from servers.runtime import Episode, World
from servers.runtime.desk import Desk


class Branch(Desk):
    """A desk of the bank with the persona's accounts at hand, at eleven on a day."""

    def __init__(self) -> None:
        super().__init__(env)
        self.customer_id = self.one("SELECT customer_id FROM customers WHERE email = :email")
        self.at("11:00")

    def own(self, board: str, condition: str = "1", **parameters: Any) -> dict[str, Any]:
        """Give the first row of the persona's in a board that fulfils a condition."""
        return self.row(f"SELECT * FROM {board} WHERE email = :email AND ({condition}) ORDER BY 1", **parameters)

    def account(self, name: str) -> dict[str, Any]:
        return self.own("account_board", "name = :name", name=name)

    def payee(self, *, confirmed: bool = True) -> str:
        return str(self.own("payee_board", f"confirmed = {int(confirmed)} AND name_check = 'match'")["payee_id"])

    def transfer(self, transfer_id: str) -> dict[str, Any]:
        return self.own("transfer_board", "transfer_id = :transfer_id", transfer_id=transfer_id)

    def send(self, amount_cents: int, **more: Any) -> dict[str, Any]:
        return self.call("send_transfer", **self.sending(amount_cents, **more))

    def refused_send(self, amount_cents: int, **more: Any) -> str | None:
        return self.refused("send_transfer", **self.sending(amount_cents, **more))

    def sending(self, amount_cents: int, **more: Any) -> dict[str, Any]:
        account_id, payee_id = self.account("Everyday")["account_id"], self.payee()
        return {"account_id": account_id, "payee_id": payee_id, "amount_cents": amount_cents, **more}

    def at(self, hour: str) -> None:
        """Move the clock to the next time that it shows this hour."""
        now = datetime.fromisoformat(self.episode.now)
        hours, minutes = (int(part) for part in hour.split(":"))
        then = now.replace(hour=hours, minute=minutes)
        self.episode.advance(int(((then if then > now else then + timedelta(days=1)) - now).total_seconds()))

    def day(self, ahead: int) -> str:
        return str(self.one(f"SELECT date(:today, '{ahead:+d} days')"))


@pytest.fixture
def desk() -> Iterator[Branch]:
    with Branch() as desk:
        yield desk


# Looking things up ---------------------------------------------------------------------------------------------------


def test_a_customer_is_found_with_accounts_and_cards(desk: Branch) -> None:
    found = desk.call("find_customer", email=desk.email)
    assert found["customer_id"] == desk.customer_id
    assert len(found["accounts"]) == 6
    kinds = [account["kind"] for account in found["accounts"]]
    assert kinds == sorted(kinds)
    assert {card["status"] for card in found["cards"]} == {"active", "frozen", "on_its_way", "expired", "closed"}
    assert desk.refused("find_customer", email="nobody@example.com") == "not_found"


def test_what_can_be_spent_is_the_balance_and_overdraft_less_what_is_held_or_booked_ahead(desk: Branch) -> None:
    for account in desk.call("find_customer", email=desk.email)["accounts"]:
        held = desk.one(
            "SELECT coalesce(sum(amount_cents), 0) FROM holds WHERE account_id = :id AND expires_at > :now",
            id=account["account_id"],
        )
        ahead = desk.one(
            "SELECT -coalesce(sum(amount_cents), 0) FROM ledger WHERE account_id = :id AND booked_at > :now",
            id=account["account_id"],
        )
        assert account["available_cents"] == account["balance_cents"] + account["overdraft_cents"] - held - ahead


def test_the_personas_journeys_stand_under_the_airlines_name_with_reference_and_price(desk: Branch) -> None:
    world = World(desk.episode.seed)
    journeys = [journey for journey in world.journeys if journey.person_id == world.persona.person_id]
    found = desk.call("find_purchases", customer_id=desk.customer_id, merchant=world.airline_name)
    booked = {line["reference"]: line["amount_cents"] for line in found["purchases"]}
    assert booked == {journey.reference: journey.price_cents for journey in journeys if journey.state != "held"}
    back = {line["reference"]: line["refunded_cents"] for line in found["purchases"] if line["refunded_cents"]}
    assert back == {journey.reference: journey.refunded_cents for journey in journeys if journey.refunded_cents}


def test_purchases_are_found_by_a_part_of_the_shops_name_and_summed(desk: Branch) -> None:
    shop = desk.own("purchase_board", "status = 'settled' AND category = 'groceries'")["merchant"]
    found = desk.call("find_purchases", customer_id=desk.customer_id, merchant=shop[1:6].lower())
    assert found["total"] == len(found["purchases"]) > 1
    assert found["spent_cents"] == sum(line["amount_cents"] for line in found["purchases"])
    latest = found["purchases"][0]["made_on"]
    recent = desk.call("find_purchases", customer_id=desk.customer_id, merchant=shop, since=latest)
    assert {line["made_on"] for line in recent["purchases"]} == {latest}


def test_what_lapsed_or_came_back_does_not_count_as_spent(desk: Branch) -> None:
    for condition in ("status = 'lapsed'", "refunded_cents = amount_cents"):
        purchase = desk.own("purchase_board", condition)
        found = desk.call("find_purchases", customer_id=desk.customer_id, merchant=purchase["merchant"])
        others = sum(line["amount_cents"] for line in found["purchases"] if line["status"] == "settled")
        assert found["spent_cents"] == others


def test_a_purchase_abroad_keeps_what_the_shop_asked_for(desk: Branch) -> None:
    abroad = desk.own("purchase_board", "currency <> 'USD'")
    found = desk.call("get_purchase", purchase_id=abroad["purchase_id"])
    assert found["original"].endswith(abroad["currency"])
    assert foreign(125_000, "JPY") == "125,000 JPY"
    assert foreign(125_000, "EUR") == "1,250.00 EUR"
    at_home = desk.own("purchase_board", "currency = 'USD'")
    assert desk.call("get_purchase", purchase_id=at_home["purchase_id"])["original"] is None


@pytest.mark.parametrize("name", ["Everyday", "Household", "Rainy Day"])
def test_statements_carry_a_balance_from_month_to_month(desk: Branch, name: str) -> None:
    account = desk.account(name)
    months = [
        desk.one(f"SELECT strftime('%Y-%m', date(:today, 'start of month', '-{ago} months'))") for ago in (2, 1, 0)
    ]
    statements = [desk.call("get_statement", account_id=account["account_id"], month=month) for month in months]
    for earlier, later in pairwise(statements):
        assert earlier["closing_cents"] == later["opening_cents"]
    assert statements[-1]["closing_cents"] == account["balance_cents"]
    for statement in statements:
        assert sum(line["amount_cents"] for line in statement["lines"]) == (
            statement["paid_in_cents"] - statement["paid_out_cents"]
        )


def test_there_is_no_statement_before_an_account_was_opened_or_ahead(desk: Branch) -> None:
    account = desk.account("Everyday")
    opened = account["opened_on"][:7]
    desk.call("get_statement", account_id=account["account_id"], month=opened)
    before = desk.one("SELECT strftime('%Y-%m', date(:day, 'start of month', '-1 month'))", day=account["opened_on"])
    ahead = desk.one("SELECT strftime('%Y-%m', date(:today, 'start of month', '+1 month'))")
    for month in (before, ahead):
        assert desk.refused("get_statement", account_id=account["account_id"], month=month) == "no_statement"


def test_transfers_are_listed_by_their_state(desk: Branch) -> None:
    everything = desk.call("list_transfers", customer_id=desk.customer_id)
    states = ("awaiting_approval", "expired", "scheduled", "sent", "declined", "cancelled")
    by_state = {
        state: desk.call("list_transfers", customer_id=desk.customer_id, status=state)["total"] for state in states
    }
    assert sum(by_state.values()) == everything["total"]


def test_payees_standing_orders_and_fees_are_listed(desk: Branch) -> None:
    payees = desk.call("list_payees", customer_id=desk.customer_id)
    assert payees["total"] == len(payees["payees"]) >= 8
    orders = desk.call("list_standing_orders", customer_id=desk.customer_id)
    assert {order["status"] for order in orders["standing_orders"]} == {"active", "ended"}
    for order in desk.rows("SELECT * FROM standing_order_board WHERE customer_id = :id", id=desk.customer_id):
        account = desk.row("SELECT * FROM accounts WHERE account_id = :id", id=order["account_id"])
        assert (account["name"], account["customer_id"]) == (order["account_name"], desk.customer_id)
    fees = desk.call("list_fees", account_id=desk.account("Everyday")["account_id"])
    assert fees["total"] == len(fees["fees"]) >= 5
    days = [fee["charged_on"] for fee in fees["fees"]]
    assert days == sorted(days, reverse=True)
    assert days[0] > days[-1]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_customer", {"email": "ada@example.com and more"}),
        ("find_customer", {"email": "to ada@example.com"}),
        ("get_statement", {"account_id": "AC00000", "month": "2026-011"}),
        ("get_statement", {"account_id": "AC00000", "month": "2026-13"}),
        ("get_purchase", {"purchase_id": "a purchase"}),
    ],
)
def test_what_only_looks_like_a_value_is_no_argument(desk: Branch, tool: str, arguments: dict[str, str]) -> None:
    assert desk.refused(tool, **arguments) is None


# Moving money --------------------------------------------------------------------------------------------------------


def test_money_moves_between_own_accounts_at_once(desk: Branch) -> None:
    source, target = desk.account("Everyday"), desk.account("Rainy Day")
    done = desk.call(
        "move_money",
        from_account_id=source["account_id"],
        to_account_id=target["account_id"],
        amount_cents=source["available_cents"],
    )
    assert done["from_available_cents"] == 0 == desk.account("Everyday")["available_cents"]
    assert desk.account("Rainy Day")["balance_cents"] == target["balance_cents"] + source["available_cents"]
    again = {"from_account_id": source["account_id"], "to_account_id": target["account_id"], "amount_cents": 1}
    assert desk.refused("move_money", **again) == "insufficient_funds"


def test_money_is_moved_to_another_account_of_the_same_customer_only(desk: Branch) -> None:
    own = desk.account("Everyday")["account_id"]
    other = desk.one("SELECT account_id FROM account_board WHERE email <> :email ORDER BY account_id")
    assert desk.refused("move_money", from_account_id=own, to_account_id=own, amount_cents=1) == "same_account"
    assert desk.refused("move_money", from_account_id=own, to_account_id=other, amount_cents=1) == "not_found"


def test_money_is_taken_out_of_savings_three_times_in_thirty_days(desk: Branch) -> None:
    savings, target = desk.account("Rainy Day")["account_id"], desk.account("Everyday")["account_id"]
    move = {"from_account_id": savings, "to_account_id": target, "amount_cents": 100}
    for _ in range(3):
        desk.call("move_money", **move)
    assert desk.refused("move_money", **move) == "withdrawals_used"
    desk.episode.advance(30 * 86_400 - 1)
    assert desk.refused("move_money", **move) == "withdrawals_used"
    desk.episode.advance(1)
    desk.call("move_money", **move)


def test_nothing_is_taken_out_of_savings_while_their_term_runs(desk: Branch) -> None:
    saver, target = desk.account("Fixed Saver"), desk.account("Everyday")["account_id"]
    move = {"from_account_id": saver["account_id"], "to_account_id": target, "amount_cents": 100}
    assert desk.refused("move_money", **move) == "savings_locked"
    desk.wait_until(f"{saver['locked_until']}T00:00:00Z", seconds_before=1)
    assert desk.refused("move_money", **move) == "savings_locked"
    desk.wait_until(f"{saver['locked_until']}T00:00:00Z")
    desk.call("move_money", **move)


# Transfers -----------------------------------------------------------------------------------------------------------


def test_a_small_transfer_to_a_known_payee_leaves_at_once_before_the_cut_off(desk: Branch) -> None:
    before = desk.account("Everyday")
    sent = desk.send(50_000, note="As agreed")
    assert (sent["status"], sent["sends_on"], sent["approval_id"]) == ("sent", desk.day(0), None)
    after = desk.account("Everyday")
    assert after["balance_cents"] == before["balance_cents"] - 50_000
    assert desk.call("list_transfers", customer_id=desk.customer_id)["transfers"][0]["note"] == "As agreed"


def test_after_the_cut_off_a_transfer_leaves_on_the_next_day(desk: Branch) -> None:
    desk.at("13:59")
    assert desk.send(1_000)["status"] == "sent"
    desk.at("14:00")
    before = desk.account("Everyday")
    late = desk.send(1_000)
    assert (late["status"], late["sends_on"]) == ("scheduled", desk.day(1))
    after = desk.account("Everyday")
    assert (after["balance_cents"], after["available_cents"]) == (
        before["balance_cents"],
        before["available_cents"] - 1_000,
    )
    desk.at("06:00")
    assert desk.transfer(late["transfer_id"])["status"] == "sent"
    assert desk.account("Everyday")["balance_cents"] == before["balance_cents"] - 1_000


def test_a_transfer_can_be_dated_ahead_within_sixty_days(desk: Branch) -> None:
    assert desk.refused_send(1_000, send_on=desk.day(0)) == "send_date_invalid"
    assert desk.refused_send(1_000, send_on=desk.day(61)) == "send_date_invalid"
    assert desk.send(1_000, send_on=desk.day(1))["sends_on"] == desk.day(1)
    assert desk.send(1_000, send_on=desk.day(60))["status"] == "scheduled"


def test_a_large_transfer_waits_for_the_customer(desk: Branch) -> None:
    before = desk.account("Everyday")
    asked = desk.send(50_001)
    assert (asked["status"], asked["sends_on"]) == ("awaiting_approval", None)
    assert desk.account("Everyday")["available_cents"] == before["available_cents"]
    waiting = desk.call("list_approval_requests", email=desk.email, status="pending")["approvals"]
    assert asked["approval_id"] in [request["approval_id"] for request in waiting]
    assert desk.call("approve_transfer", approval_id=asked["approval_id"])["status"] == "approved"
    assert desk.transfer(asked["transfer_id"])["status"] == "sent"
    assert desk.account("Everyday")["balance_cents"] == before["balance_cents"] - 50_001
    assert desk.refused("approve_transfer", approval_id=asked["approval_id"]) == "not_pending"
    assert desk.refused("decline_transfer", approval_id=asked["approval_id"]) == "not_pending"


def test_the_first_transfer_to_a_payee_confirms_them(desk: Branch) -> None:
    payee_id = desk.payee(confirmed=False)
    first = desk.send(500, payee_id=payee_id)
    assert first["status"] == "awaiting_approval"
    assert desk.send(500, payee_id=payee_id)["status"] == "awaiting_approval"
    desk.call("approve_transfer", approval_id=first["approval_id"])
    assert desk.send(500, payee_id=payee_id)["status"] == "sent"


def test_a_declined_transfer_never_leaves(desk: Branch) -> None:
    asked = desk.send(60_000)
    desk.call("decline_transfer", approval_id=asked["approval_id"])
    assert desk.transfer(asked["transfer_id"])["status"] == "declined"
    assert desk.refused("cancel_transfer", transfer_id=asked["transfer_id"]) == "transfer_over"


def test_an_approval_runs_out_after_a_day(desk: Branch) -> None:
    asked = desk.send(60_000)
    desk.wait_until(asked["approve_by"], seconds_before=1)
    assert desk.transfer(asked["transfer_id"])["status"] == "awaiting_approval"
    desk.wait_until(asked["approve_by"])
    assert desk.transfer(asked["transfer_id"])["status"] == "expired"
    assert desk.refused("approve_transfer", approval_id=asked["approval_id"]) == "approval_expired"
    assert desk.refused("decline_transfer", approval_id=asked["approval_id"]) == "approval_expired"
    assert desk.refused("cancel_transfer", transfer_id=asked["transfer_id"]) == "transfer_over"


def test_an_approved_transfer_keeps_the_day_asked_for(desk: Branch) -> None:
    asked = desk.send(60_000, send_on=desk.day(5))
    desk.call("approve_transfer", approval_id=asked["approval_id"])
    assert desk.transfer(asked["transfer_id"])["sends_on"] == desk.day(5)


def test_an_approval_comes_too_late_when_the_money_is_gone(desk: Branch) -> None:
    account = desk.account("Household")
    asked = desk.send(60_000, account_id=account["account_id"])
    target = desk.account("Everyday")["account_id"]
    move = {"from_account_id": account["account_id"], "to_account_id": target}
    desk.call("move_money", **move, amount_cents=account["available_cents"] - 59_999)
    assert desk.refused("approve_transfer", approval_id=asked["approval_id"]) == "insufficient_funds"


def test_the_daily_limit_counts_what_waits_and_not_what_was_called_off(desk: Branch) -> None:
    desk.call("move_money", **into_everyday(desk))
    left = desk.own("customer_board")["limit_left_cents"]
    assert desk.refused_send(left + 1) == "limit_exceeded"
    waiting = desk.send(left)
    assert desk.refused_send(1) == "limit_exceeded"
    desk.call("cancel_transfer", transfer_id=waiting["transfer_id"])
    assert desk.send(1)["status"] == "sent"
    desk.at("00:00")
    assert desk.own("customer_board")["limit_left_cents"] == desk.own("customer_board")["daily_limit_cents"]


def into_everyday(desk: Branch) -> dict[str, Any]:
    """Give a move by which the everyday account can afford the whole limit."""
    source = desk.account("Rainy Day")
    return {
        "from_account_id": source["account_id"],
        "to_account_id": desk.account("Everyday")["account_id"],
        "amount_cents": source["available_cents"],
    }


def test_nobody_sends_more_than_they_can_spend(desk: Branch) -> None:
    account = desk.account("Household")
    assert account["available_cents"] < desk.own("customer_board")["limit_left_cents"]
    short = {"account_id": account["account_id"], "payee_id": desk.payee()}
    assert desk.refused_send(account["available_cents"] + 1, **short) == "insufficient_funds"
    desk.send(account["available_cents"], **short)


def test_transfers_go_from_checking_accounts_to_own_payees_of_the_right_name(desk: Branch) -> None:
    assert desk.refused_send(100, account_id=desk.account("Rainy Day")["account_id"]) == "savings_account"
    stranger = desk.one("SELECT payee_id FROM payee_board WHERE email <> :email ORDER BY payee_id")
    assert desk.refused_send(100, payee_id=stranger) == "not_found"
    wrong = desk.own("payee_board", "name_check = 'mismatch'")["payee_id"]
    assert desk.refused_send(100, payee_id=wrong) == "payee_mismatch"


def test_a_scheduled_transfer_can_be_called_off_until_it_leaves(desk: Branch) -> None:
    one, two = desk.send(2_000, send_on=desk.day(3)), desk.send(2_000, send_on=desk.day(3))
    desk.wait_until(f"{desk.day(3)}T06:00:00Z", seconds_before=1)
    assert desk.call("cancel_transfer", transfer_id=one["transfer_id"])["status"] == "cancelled"
    desk.wait_until(f"{desk.day(0)}T06:00:00Z")
    assert desk.refused("cancel_transfer", transfer_id=two["transfer_id"]) == "transfer_settled"
    assert desk.refused("cancel_transfer", transfer_id=one["transfer_id"]) == "transfer_over"
    assert desk.transfer(one["transfer_id"])["sends_on"] is None
    booked = desk.one(
        "SELECT count(*) FROM ledger l JOIN transfers f USING (transaction_id) WHERE f.transfer_id = :id",
        id=one["transfer_id"],
    )
    assert booked == 0


def test_calling_off_a_transfer_that_waits_withdraws_the_request(desk: Branch) -> None:
    asked = desk.send(60_000)
    desk.call("cancel_transfer", transfer_id=asked["transfer_id"])
    assert desk.refused("approve_transfer", approval_id=asked["approval_id"]) == "not_pending"


# Standing orders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frequency", "step"), [("weekly", "+7 days"), ("monthly", "+1 month")])
def test_skipping_puts_off_the_next_payment(desk: Branch, frequency: str, step: str) -> None:
    order = desk.own(
        "standing_order_board", f"frequency = '{frequency}' AND status = 'active' AND NOT in_the_run AND NOT skipping"
    )
    stop = {"standing_order_id": order["standing_order_id"], "scope": "next"}
    after = desk.one(f"SELECT date(:day, '{step}')", day=order["next_on"])
    assert desk.call("stop_standing_order", **stop)["next_on"] == after
    assert desk.refused("stop_standing_order", **stop) == "already_skipped"
    desk.wait_until(f"{order['next_on']}T11:00:00Z")
    assert desk.refused("stop_standing_order", **stop) == "already_skipped"
    desk.at("11:00")
    desk.call("stop_standing_order", **stop)


def test_an_ended_order_stays_ended(desk: Branch) -> None:
    order = desk.own("standing_order_board", "status = 'active' AND skipping")
    stop = {"standing_order_id": order["standing_order_id"], "scope": "all"}
    ended = desk.call("stop_standing_order", **stop)
    assert (ended["status"], ended["next_on"], ended["ended_on"]) == ("ended", None, desk.day(0))
    assert desk.refused("stop_standing_order", **stop) == "order_ended"


def test_a_payment_is_in_the_works_from_the_afternoon_before(desk: Branch) -> None:
    order = desk.own("standing_order_board", "status = 'active' AND next_on > date(:today, '+3 days') AND NOT skipping")
    stop = {"standing_order_id": order["standing_order_id"], "scope": "all"}
    cut_off = desk.one("SELECT date(:day, '-1 day') || 'T14:00:00Z'", day=order["next_on"])
    desk.wait_until(cut_off, seconds_before=1)
    snapshot = desk.episode.snapshot()
    desk.call("stop_standing_order", **stop)
    desk.episode.restore(snapshot)
    desk.wait_until(cut_off)
    assert desk.refused("stop_standing_order", **stop) == "too_late"


# Cards ---------------------------------------------------------------------------------------------------------------


def test_a_card_is_frozen_and_unfrozen(desk: Branch) -> None:
    card_id = desk.own("card_board", "status = 'active'")["card_id"]
    assert desk.refused("unfreeze_card", card_id=card_id) == "card_not_frozen"
    assert desk.call("freeze_card", card_id=card_id)["status"] == "frozen"
    assert desk.refused("freeze_card", card_id=card_id) == "card_frozen"
    assert desk.call("unfreeze_card", card_id=card_id)["status"] == "active"


def test_a_misused_card_stays_frozen_until_it_is_replaced(desk: Branch) -> None:
    card_id = desk.own("card_board", "misused")["card_id"]
    assert desk.refused("unfreeze_card", card_id=card_id) == "card_misused"
    assert desk.call("replace_card", card_id=card_id, reason="stolen")["fee_cents"] == 0
    assert desk.refused("unfreeze_card", card_id=card_id) == "card_closed"


@pytest.mark.parametrize(
    ("status", "code"), [("closed", "card_closed"), ("expired", "card_closed"), ("on_its_way", "card_not_arrived")]
)
def test_a_card_that_is_over_or_on_its_way_is_left_alone(desk: Branch, status: str, code: str) -> None:
    card_id = desk.own("card_board", f"status = '{status}'")["card_id"]
    assert desk.refused("freeze_card", card_id=card_id) == code
    assert desk.refused("unfreeze_card", card_id=card_id) == code
    assert desk.refused("replace_card", card_id=card_id, reason="damaged") == code


@pytest.mark.parametrize(
    ("reason", "fee", "keeps"), [("lost", 1_000, False), ("stolen", 0, False), ("damaged", 0, True)]
)
def test_a_replaced_card_is_closed_and_a_new_one_arrives(desk: Branch, reason: str, fee: int, keeps: bool) -> None:
    card = desk.own("card_board", "status = 'active' AND label = 'travel'")
    before = desk.account("Everyday")["balance_cents"]
    new = desk.call("replace_card", card_id=card["card_id"], reason=reason)
    assert (new["fee_cents"], new["arrives_on"], new["ending"] == card["ending"]) == (fee, desk.day(5), keeps)
    assert desk.account("Everyday")["balance_cents"] == before - fee
    assert desk.own("card_board", "card_id = :id", id=card["card_id"])["status"] == "closed"
    assert desk.refused("freeze_card", card_id=new["card_id"]) == "card_not_arrived"
    desk.wait_until(f"{new['arrives_on']}T00:00:00Z")
    desk.call("freeze_card", card_id=new["card_id"])


def test_the_fee_for_a_lost_card_must_be_there(desk: Branch) -> None:
    card = desk.own("card_board", "status = 'active' AND label = 'household'")
    account, target = desk.account("Household"), desk.account("Everyday")["account_id"]
    move = {"from_account_id": account["account_id"], "to_account_id": target}
    desk.call("move_money", **move, amount_cents=account["available_cents"] - 999)
    assert desk.refused("replace_card", card_id=card["card_id"], reason="lost") == "insufficient_funds"
    desk.call("replace_card", card_id=card["card_id"], reason="damaged")


def test_a_card_expires_after_its_last_day(desk: Branch) -> None:
    card = desk.own("card_board", "status = 'active'")
    desk.wait_until(f"{card['expires_on']}T23:59:59Z")
    desk.call("freeze_card", card_id=card["card_id"])
    desk.episode.advance(1)
    assert desk.refused("unfreeze_card", card_id=card["card_id"]) == "card_closed"


def test_a_hold_lapses_after_a_week_and_frees_its_money(desk: Branch) -> None:
    purchase = desk.own("purchase_board", "status = 'pending'")
    ends = desk.call("get_purchase", purchase_id=purchase["purchase_id"])["hold_ends_at"]
    held = "SELECT held_cents FROM account_board WHERE account_id = :account_id"
    desk.wait_until(ends, seconds_before=1)
    before = desk.one(held, **purchase)
    desk.wait_until(ends)
    assert desk.one(held, **purchase) == before - purchase["amount_cents"]
    assert desk.call("get_purchase", purchase_id=purchase["purchase_id"])["status"] == "lapsed"


# Disputes and fees ---------------------------------------------------------------------------------------------------

DISPUTABLE = "status = 'settled' AND NOT disputed AND NOT dispute_closed"


def test_a_dispute_lends_the_amount_and_can_be_read_back(desk: Branch) -> None:
    purchase = desk.own("purchase_board", DISPUTABLE)
    balance = "SELECT balance_cents FROM account_board WHERE account_id = :account_id"
    before = desk.one(balance, **purchase)
    asked = {"purchase_id": purchase["purchase_id"], "reason": "not_received", "statement": "It never came."}
    opened = desk.call("open_dispute", **asked)
    assert (opened["credit_cents"], opened["card_frozen"]) == (purchase["amount_cents"], False)
    assert desk.one(balance, **purchase) == before + purchase["amount_cents"]
    dispute = desk.call("get_purchase", purchase_id=purchase["purchase_id"])["dispute"]
    assert (dispute["dispute_id"], dispute["statement"]) == (opened["dispute_id"], "It never came.")
    assert desk.refused("open_dispute", **asked) == "already_disputed"


def test_a_purchase_that_nobody_recognizes_freezes_its_card(desk: Branch) -> None:
    purchase = desk.own(
        "purchase_board", f"{DISPUTABLE} AND card_id IN (SELECT card_id FROM card_board WHERE status = 'active')"
    )
    opened = desk.call("open_dispute", purchase_id=purchase["purchase_id"], reason="not_recognized")
    assert opened["card_frozen"]
    assert desk.refused("unfreeze_card", card_id=purchase["card_id"]) == "card_misused"


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("status = 'pending'", "not_settled"),
        ("status = 'lapsed'", "not_settled"),
        ("status = 'refunded'", "already_refunded"),
        ("status = 'settled' AND disputed", "already_disputed"),
        ("status = 'settled' AND NOT disputed AND dispute_closed", "dispute_window_closed"),
    ],
)
def test_what_cannot_be_disputed_says_why(desk: Branch, condition: str, code: str) -> None:
    purchase = desk.own("purchase_board", condition)
    assert desk.refused("open_dispute", purchase_id=purchase["purchase_id"], reason="wrong_amount") == code


def test_a_purchase_can_be_disputed_on_the_sixtieth_day(desk: Branch) -> None:
    purchase = desk.own("purchase_board", DISPUTABLE)
    asked = {"purchase_id": purchase["purchase_id"], "reason": "charged_twice"}
    last = desk.call("get_purchase", purchase_id=purchase["purchase_id"])["dispute_until"]
    desk.wait_until(f"{last}T23:59:59Z")
    snapshot = desk.episode.snapshot()
    desk.call("open_dispute", **asked)
    desk.episode.restore(snapshot)
    desk.episode.advance(1)
    assert desk.refused("open_dispute", **asked) == "dispute_window_closed"


def test_one_fee_a_year_is_given_back_on_an_account(desk: Branch) -> None:
    fee = desk.own("fee_board", "refundable AND NOT refunded AND NOT too_old AND NOT goodwill_used")
    before = desk.account(fee["account_name"])["balance_cents"]
    desk.call("refund_fee", fee_id=fee["fee_id"])
    assert desk.account(fee["account_name"])["balance_cents"] == before + fee["amount_cents"]
    assert desk.refused("refund_fee", fee_id=fee["fee_id"]) == "fee_refunded"
    other = desk.own("fee_board", "account_id = :account_id AND refundable AND NOT refunded AND NOT too_old", **fee)
    assert desk.refused("refund_fee", fee_id=other["fee_id"]) == "goodwill_used"


def test_prices_of_services_and_old_fees_stay(desk: Branch) -> None:
    price = desk.own("fee_board", "kind = 'card_replacement'")
    assert desk.refused("refund_fee", fee_id=price["fee_id"]) == "fee_not_refundable"
    fee = desk.own("fee_board", "refundable AND NOT refunded AND NOT too_old AND NOT goodwill_used")
    charged = "SELECT booked_at FROM fees JOIN transactions USING (transaction_id) WHERE fee_id = :fee_id"
    limit = (datetime.fromisoformat(desk.one(charged, **fee)) + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    desk.wait_until(limit)
    snapshot = desk.episode.snapshot()
    desk.call("refund_fee", fee_id=fee["fee_id"])
    desk.episode.restore(snapshot)
    desk.episode.advance(1)
    assert desk.refused("refund_fee", fee_id=fee["fee_id"]) == "fee_too_old"


# The environment as a whole ------------------------------------------------------------------------------------------

STATES = {
    "transfer_board": {"awaiting_approval", "expired", "scheduled", "sent", "declined", "cancelled"},
    "purchase_board": {"pending", "lapsed", "settled", "refunded"},
    "card_board": {"active", "frozen", "on_its_way", "expired", "closed"},
    "standing_order_board": {"active", "ended"},
}


@pytest.mark.parametrize("seed", range(8))
def test_the_persona_has_something_in_every_state_and_enough_of_it(seed: int) -> None:
    episode = Episode.open([env], seed=seed)
    email = {"email": World(seed).persona.email}
    for board, states in STATES.items():
        sql = f"SELECT DISTINCT status FROM {board} WHERE email = :email"
        assert {state for (state,) in episode.query("bank", sql, email)[1]} == states
    for board in (*STATES, "payee_board", "fee_board"):
        assert episode.query("bank", f"SELECT count(*) FROM {board} WHERE email = :email", email)[1][0][0] >= 8
    episode.close()


@pytest.mark.parametrize("seed", range(8))
def test_no_account_ever_lacked_what_it_paid(seed: int) -> None:
    episode = Episode.open([env], seed=seed)
    sql = """SELECT account_id FROM (SELECT l.account_id, overdraft_cents,
        sum(amount_cents) OVER (PARTITION BY l.account_id ORDER BY booked_at, transaction_id) AS balance
        FROM ledger l JOIN accounts USING (account_id)) WHERE balance < -overdraft_cents"""
    assert episode.query("bank", sql, {})[1] == []
    episode.close()


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_a_scenario_has_its_size(size: Any) -> None:
    episode = Episode.open([env], seed=3, size=size)
    low, high = {"small": (400, 600), "medium": (1_500, 2_500), "large": (13_000, 20_000)}[size]
    assert low <= sum(len(table) for table in episode.rows("bank").values()) <= high
    episode.close()


@pytest.mark.parametrize("seed", range(4))
def test_equal_seeds_give_equal_rows(seed: int) -> None:
    assert env.populate(World(seed)) == env.populate(World(seed))


def test_money_is_neither_made_nor_lost(desk: Branch) -> None:
    desk.send(4_000)
    desk.call("replace_card", card_id=desk.own("card_board", "status = 'active'")["card_id"], reason="lost")
    assert desk.one("SELECT sum(amount_cents) FROM postings") == 0
