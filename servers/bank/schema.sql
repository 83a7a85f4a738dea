-- A retail bank: who has which accounts and cards, what moved between them, and what is still to move.
--
-- Times end in Z and are UTC; a day is a day of UTC. Money is in US cents. Every movement is a transaction whose
-- postings add up to zero, and a balance is nothing but the sum of an account's postings. What depends on the clock (a
-- hold that lapsed, a transfer that has left, a card that expired) is never stored: views derive it.

-- Customers and what they have ----------------------------------------------------------------------------------------

CREATE TABLE customers (
    customer_id       TEXT PRIMARY KEY CHECK (customer_id GLOB 'CS[0-9][0-9][0-9][0-9][0-9]'),
    name              TEXT NOT NULL CHECK (name <> ''),
    email             TEXT NOT NULL UNIQUE CHECK (email LIKE '_%@_%'),
    phone             TEXT NOT NULL CHECK (phone <> ''),
    daily_limit_cents INTEGER NOT NULL CHECK (daily_limit_cents > 0)            -- for transfers to payees
) STRICT;

CREATE TABLE accounts (
    account_id      TEXT PRIMARY KEY CHECK (account_id GLOB 'AC[0-9][0-9][0-9][0-9][0-9][0-9]'),
    customer_id     TEXT NOT NULL REFERENCES customers,
    kind            TEXT NOT NULL CHECK (kind IN ('checking', 'savings')),
    name            TEXT NOT NULL CHECK (name <> ''),
    ending          TEXT NOT NULL CHECK (ending GLOB '[0-9][0-9][0-9][0-9]'),   -- the last digits of its number
    opened_on       TEXT NOT NULL CHECK (opened_on IS date(opened_on, '+0 days')),
    overdraft_cents INTEGER NOT NULL CHECK (overdraft_cents >= 0),    -- how far below zero it may go
    locked_until    TEXT CHECK (locked_until IS date(locked_until, '+0 days')), -- nothing is taken out before
    UNIQUE (customer_id, name),
    CHECK (kind = 'savings' OR locked_until IS NULL),
    CHECK (kind = 'checking' OR overdraft_cents = 0)
) STRICT;

CREATE TABLE cards (
    card_id    TEXT PRIMARY KEY CHECK (card_id GLOB 'CD[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    account_id TEXT NOT NULL REFERENCES accounts,
    label      TEXT NOT NULL CHECK (label IN ('everyday', 'travel', 'online', 'household', 'spare')),
    form       TEXT NOT NULL CHECK (form IN ('plastic', 'virtual')),
    ending     TEXT NOT NULL CHECK (ending GLOB '[0-9][0-9][0-9][0-9]'),
    status     TEXT NOT NULL CHECK (status IN ('active', 'frozen', 'closed')),
    arrives_on TEXT NOT NULL CHECK (arrives_on IS date(arrives_on, '+0 days')),
    expires_on TEXT NOT NULL CHECK (expires_on IS date(expires_on, '+0 days')),
    replaces   TEXT UNIQUE REFERENCES cards,
    CHECK (arrives_on < expires_on)
) STRICT;

CREATE INDEX cards_by_account ON cards (account_id);

-- Somebody whom a customer pays. The name on the account is checked when the customer adds them; they are confirmed
-- once the customer has approved a first transfer.
CREATE TABLE payees (
    payee_id    TEXT PRIMARY KEY CHECK (payee_id GLOB 'PE[0-9][0-9][0-9][0-9][0-9][0-9]'),
    customer_id TEXT NOT NULL REFERENCES customers,
    name        TEXT NOT NULL CHECK (name <> ''),
    ending      TEXT NOT NULL CHECK (ending GLOB '[0-9][0-9][0-9][0-9]'),
    name_check  TEXT NOT NULL CHECK (name_check IN ('match', 'mismatch')),
    confirmed   INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    added_on    TEXT NOT NULL CHECK (added_on IS date(added_on, '+0 days')),
    UNIQUE (customer_id, name)
) STRICT;

-- The ledger ----------------------------------------------------------------------------------------------------------

-- The bank's own side of each movement.
CREATE TABLE house_accounts (
    house_account TEXT PRIMARY KEY
                  CHECK (house_account IN ('payments', 'card_network', 'fees', 'disputes', 'interest')),
    purpose       TEXT NOT NULL CHECK (purpose <> '')
) STRICT;

-- One that is booked ahead takes effect by itself when its time comes, unless it is archived before.
CREATE TABLE transactions (
    transaction_id TEXT PRIMARY KEY CHECK (transaction_id GLOB 'TX[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    kind           TEXT NOT NULL CHECK (kind IN ('deposit', 'interest', 'purchase', 'purchase_refund', 'transfer',
                                                 'move', 'standing_order', 'fee', 'fee_refund', 'dispute_credit',
                                                 'dispute_reversal')),
    description    TEXT NOT NULL CHECK (description <> ''),
    booked_at      TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', booked_at, '+0 days') IS booked_at),
    archived       INTEGER NOT NULL CHECK (archived IN (0, 1))
) STRICT;

CREATE TABLE postings (
    transaction_id TEXT NOT NULL REFERENCES transactions,
    line           INTEGER NOT NULL CHECK (line > 0),
    account_id     TEXT REFERENCES accounts,
    house_account  TEXT REFERENCES house_accounts,
    amount_cents   INTEGER NOT NULL CHECK (amount_cents <> 0),                  -- negative when it leaves
    PRIMARY KEY (transaction_id, line),
    CHECK ((account_id IS NULL) <> (house_account IS NULL))
) STRICT;

CREATE INDEX postings_by_account ON postings (account_id);

-- Card purchases and their disputes -----------------------------------------------------------------------------------

-- A purchase holds its amount while it is authorized, and is booked when the merchant settles it. One in a foreign
-- currency keeps what the shop asked for, in the smallest unit of that currency, beside what was booked.
CREATE TABLE purchases (
    purchase_id           TEXT PRIMARY KEY CHECK (purchase_id GLOB 'PU[0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    card_id               TEXT NOT NULL REFERENCES cards,
    merchant              TEXT NOT NULL CHECK (merchant <> ''),
    category              TEXT NOT NULL CHECK (category <> ''),
    reference             TEXT CHECK (reference <> ''),                         -- the merchant's own, if it gave one
    amount_cents          INTEGER NOT NULL CHECK (amount_cents > 0),
    currency              TEXT NOT NULL CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    original_amount       INTEGER NOT NULL CHECK (original_amount > 0),
    made_at               TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', made_at, '+0 days') IS made_at),
    status                TEXT NOT NULL CHECK (status IN ('authorized', 'settled')),
    transaction_id        TEXT UNIQUE REFERENCES transactions,
    refund_transaction_id TEXT UNIQUE REFERENCES transactions,
    CHECK (currency <> 'USD' OR original_amount = amount_cents),
    CHECK ((status = 'settled') = (transaction_id IS NOT NULL)),
    CHECK (status = 'settled' OR refund_transaction_id IS NULL)
) STRICT;

CREATE INDEX purchases_by_card ON purchases (card_id);

-- Money set aside for an authorized purchase; it is free again when the hold lapses.
CREATE TABLE holds (
    purchase_id  TEXT PRIMARY KEY REFERENCES purchases,
    account_id   TEXT NOT NULL REFERENCES accounts,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    expires_at   TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, '+0 days') IS expires_at)
) STRICT;

CREATE INDEX holds_by_account ON holds (account_id);

-- While a dispute is open the customer has a provisional credit, which is taken back if the dispute is lost.
CREATE TABLE disputes (
    dispute_id              TEXT PRIMARY KEY CHECK (dispute_id GLOB 'DP[0-9][0-9][0-9][0-9][0-9][0-9]'),
    purchase_id             TEXT NOT NULL UNIQUE REFERENCES purchases,
    reason                  TEXT NOT NULL
                            CHECK (reason IN ('not_recognized', 'not_received', 'charged_twice', 'wrong_amount')),
    statement               TEXT,
    status                  TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost')),
    opened_at               TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', opened_at, '+0 days') IS opened_at),
    credit_transaction_id   TEXT NOT NULL UNIQUE REFERENCES transactions,
    reversal_transaction_id TEXT UNIQUE REFERENCES transactions,
    CHECK ((status = 'lost') = (reversal_transaction_id IS NOT NULL))
) STRICT;

-- Transfers, standing orders and fees ---------------------------------------------------------------------------------

-- A transfer to a payee. Once it is accepted it has a transaction, booked now or ahead; a cancelled one may keep an
-- archived transaction.
CREATE TABLE transfers (
    transfer_id    TEXT PRIMARY KEY CHECK (transfer_id GLOB 'TR[0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    account_id     TEXT NOT NULL REFERENCES accounts,
    payee_id       TEXT NOT NULL REFERENCES payees,
    amount_cents   INTEGER NOT NULL CHECK (amount_cents > 0),
    note           TEXT,
    status         TEXT NOT NULL CHECK (status IN ('awaiting_approval', 'accepted', 'declined', 'cancelled')),
    created_at     TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', created_at, '+0 days') IS created_at),
    send_on        TEXT CHECK (send_on IS date(send_on, '+0 days')),            -- the day asked for, null for at once
    transaction_id TEXT UNIQUE REFERENCES transactions,
    CHECK (CASE status WHEN 'accepted' THEN transaction_id IS NOT NULL
                       WHEN 'cancelled' THEN 1 ELSE transaction_id IS NULL END)
) STRICT;

CREATE INDEX transfers_by_account ON transfers (account_id);

-- What the customer is asked before a transfer is accepted.
CREATE TABLE approvals (
    approval_id TEXT PRIMARY KEY CHECK (approval_id GLOB 'AP[0-9][0-9][0-9][0-9][0-9][0-9]'),
    transfer_id TEXT NOT NULL UNIQUE REFERENCES transfers,
    reason      TEXT NOT NULL CHECK (reason IN ('new_payee', 'large_amount')),
    status      TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'declined', 'withdrawn')),
    asked_at    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', asked_at, '+0 days') IS asked_at),
    expires_at  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, '+0 days') IS expires_at),
    CHECK (asked_at < expires_at)
) STRICT;

CREATE TABLE standing_orders (
    standing_order_id TEXT PRIMARY KEY CHECK (standing_order_id GLOB 'SO[0-9][0-9][0-9][0-9][0-9][0-9]'),
    account_id        TEXT NOT NULL REFERENCES accounts,
    payee_id          TEXT NOT NULL REFERENCES payees,
    amount_cents      INTEGER NOT NULL CHECK (amount_cents > 0),
    frequency         TEXT NOT NULL CHECK (frequency IN ('weekly', 'monthly')),
    next_on           TEXT NOT NULL CHECK (next_on IS date(next_on, '+0 days')),
    skipped_on        TEXT CHECK (skipped_on IS date(skipped_on, '+0 days')),   -- the payment that was skipped last
    status            TEXT NOT NULL CHECK (status IN ('active', 'ended')),
    ended_on          TEXT CHECK (ended_on IS date(ended_on, '+0 days')),
    CHECK ((status = 'ended') = (ended_on IS NOT NULL)),
    CHECK (skipped_on < next_on)
) STRICT;

CREATE INDEX standing_orders_by_account ON standing_orders (account_id);

CREATE TABLE fees (
    fee_id                TEXT PRIMARY KEY CHECK (fee_id GLOB 'FE[0-9][0-9][0-9][0-9][0-9][0-9]'),
    account_id            TEXT NOT NULL REFERENCES accounts,
    kind                  TEXT NOT NULL CHECK (kind IN ('overdraft', 'late_payment', 'cash_withdrawal', 'foreign_use',
                                                        'card_replacement')),
    amount_cents          INTEGER NOT NULL CHECK (amount_cents > 0),
    transaction_id        TEXT NOT NULL UNIQUE REFERENCES transactions,
    refund_transaction_id TEXT UNIQUE REFERENCES transactions
) STRICT;

CREATE INDEX fees_by_account ON fees (account_id);

-- Views: what the clock and the rules make of it ----------------------------------------------------------------------

-- The postings of customers' accounts, without what was archived.
CREATE VIEW ledger AS
SELECT p.account_id, p.transaction_id, p.line, t.kind, t.description, t.booked_at, p.amount_cents
FROM postings p
JOIN transactions t ON t.transaction_id = p.transaction_id AND NOT t.archived
WHERE p.account_id IS NOT NULL;

-- What has been booked, by calendar month, as a statement lists it.
CREATE VIEW statement_lines AS
SELECT l.*, substr(l.booked_at, 1, 10) AS booked_on, substr(l.booked_at, 1, 7) AS month
FROM ledger l
JOIN ef_clock ON l.booked_at <= now;

-- An account with what can be spent of it: its balance and overdraft, less what is held or booked ahead. Money can be
-- moved out of savings three times in 30 days.
CREATE VIEW account_board AS
SELECT x.*, balance_cents + overdraft_cents - planned_cents - held_cents AS available_cents
FROM (
    SELECT a.*, u.email,
           coalesce((SELECT sum(l.amount_cents) FROM ledger l
                     WHERE l.account_id = a.account_id AND l.booked_at <= now), 0) AS balance_cents,
           coalesce((SELECT -sum(l.amount_cents) FROM ledger l
                     WHERE l.account_id = a.account_id AND l.booked_at > now), 0) AS planned_cents,
           coalesce((SELECT sum(h.amount_cents) FROM holds h
                     WHERE h.account_id = a.account_id AND h.expires_at > now), 0) AS held_cents,
           coalesce(a.locked_until > date(now), 0) AS locked,
           iif(a.kind = 'savings', 3 - (
               SELECT count(*) FROM ledger l
               WHERE l.account_id = a.account_id AND l.kind = 'move' AND l.amount_cents < 0
                   AND l.booked_at > strftime('%Y-%m-%dT%H:%M:%SZ', now, '-30 days')
           ), NULL) AS withdrawals_left
    FROM accounts a
    JOIN customers u ON u.customer_id = a.customer_id
    JOIN ef_clock
) x;

CREATE VIEW card_board AS
SELECT c.card_id, c.account_id, a.name AS account_name, a.customer_id, u.email, c.label, c.form, c.ending, c.arrives_on,
       c.expires_on,
       CASE
           WHEN c.status = 'closed' THEN 'closed'
           WHEN c.expires_on < date(now) THEN 'expired'
           WHEN c.arrives_on > date(now) THEN 'on_its_way'
           ELSE c.status
       END AS status,
       EXISTS (
           SELECT 1 FROM purchases p JOIN disputes d ON d.purchase_id = p.purchase_id
           WHERE p.card_id = c.card_id AND d.status = 'open' AND d.reason = 'not_recognized'
       ) AS misused
FROM cards c
JOIN accounts a ON a.account_id = c.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN ef_clock;

-- A purchase can be disputed until 60 days after it was booked.
CREATE VIEW purchase_board AS
SELECT p.purchase_id, p.card_id, c.ending AS card_ending, c.account_id, a.customer_id, u.email, p.merchant, p.category,
       p.reference, p.amount_cents, p.currency, p.original_amount, p.made_at, date(p.made_at) AS made_on,
       h.expires_at AS hold_ends_at, date(t.booked_at) AS booked_on, date(t.booked_at, '+60 days') AS dispute_until,
       date(t.booked_at, '+60 days') < date(now) AS dispute_closed,
       CASE
           WHEN p.refund_transaction_id IS NOT NULL THEN 'refunded'
           WHEN p.status = 'settled' THEN 'settled'
           WHEN h.expires_at > now THEN 'pending'
           ELSE 'lapsed'
       END AS status,
       coalesce(r.amount_cents, 0) AS refunded_cents,
       EXISTS (SELECT 1 FROM disputes d WHERE d.purchase_id = p.purchase_id) AS disputed
FROM purchases p
JOIN cards c ON c.card_id = p.card_id
JOIN accounts a ON a.account_id = c.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN ef_clock
LEFT JOIN holds h ON h.purchase_id = p.purchase_id
LEFT JOIN transactions t ON t.transaction_id = p.transaction_id
LEFT JOIN ledger r ON r.transaction_id = p.refund_transaction_id;

CREATE VIEW payee_board AS
SELECT p.payee_id, p.customer_id, u.email, p.name, p.ending, p.name_check, p.confirmed, p.added_on
FROM payees p
JOIN customers u ON u.customer_id = p.customer_id;

CREATE VIEW approval_board AS
SELECT q.approval_id, q.transfer_id, f.account_id, a.customer_id, u.email, p.name AS payee_name, f.amount_cents,
       q.reason, q.asked_at, q.expires_at,
       iif(q.status = 'pending' AND q.expires_at <= now, 'expired', q.status) AS status
FROM approvals q
JOIN transfers f ON f.transfer_id = q.transfer_id
JOIN payees p ON p.payee_id = f.payee_id
JOIN accounts a ON a.account_id = f.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN ef_clock;

-- A transfer with the state that the clock puts it in; `sends_on` is the day on which an accepted one leaves.
CREATE VIEW transfer_board AS
SELECT f.transfer_id, f.account_id, a.name AS account_name, a.customer_id, u.email, f.payee_id, p.name AS payee_name,
       f.amount_cents, f.note, f.created_at, date(f.created_at) AS created_on,
       iif(f.status = 'accepted', date(t.booked_at), NULL) AS sends_on,
       CASE
           WHEN f.status = 'awaiting_approval' AND q.status = 'expired' THEN 'expired'
           WHEN f.status = 'accepted' THEN iif(t.booked_at <= now, 'sent', 'scheduled')
           ELSE f.status
       END AS status,
       q.approval_id, iif(q.status = 'pending', q.expires_at, NULL) AS approve_by
FROM transfers f
JOIN accounts a ON a.account_id = f.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN payees p ON p.payee_id = f.payee_id
JOIN ef_clock
LEFT JOIN transactions t ON t.transaction_id = f.transaction_id
LEFT JOIN approval_board q ON q.transfer_id = f.transfer_id;

-- A customer with what is left of today's limit; what was declined, cancelled or left unanswered doesn't count.
CREATE VIEW customer_board AS
SELECT u.*, u.daily_limit_cents - coalesce((
    SELECT sum(f.amount_cents) FROM transfer_board f
    WHERE f.customer_id = u.customer_id AND f.created_on = date(now)
        AND f.status IN ('awaiting_approval', 'scheduled', 'sent')
), 0) AS limit_left_cents
FROM customers u
JOIN ef_clock;

-- A standing order can be stopped until two in the afternoon of the day before its next payment.
CREATE VIEW standing_order_board AS
SELECT s.standing_order_id, s.account_id, a.name AS account_name, a.customer_id, u.email, s.payee_id,
       p.name AS payee_name, s.amount_cents, s.frequency, s.status, s.ended_on,
       iif(s.status = 'active', s.next_on, NULL) AS next_on,
       coalesce(s.skipped_on >= date(now), 0) AS skipping,
       s.next_on <= date(now, '+10 hours') AS in_the_run
FROM standing_orders s
JOIN accounts a ON a.account_id = s.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN payees p ON p.payee_id = s.payee_id
JOIN ef_clock;

-- A fee can be given back once a year for each account, within 90 days, unless it was the price of a service.
CREATE VIEW fee_board AS
SELECT f.fee_id, f.account_id, a.name AS account_name, a.customer_id, u.email, f.kind, f.amount_cents,
       date(t.booked_at) AS charged_on, f.refund_transaction_id IS NOT NULL AS refunded,
       f.kind NOT IN ('foreign_use', 'card_replacement') AS refundable,
       t.booked_at < strftime('%Y-%m-%dT%H:%M:%SZ', now, '-90 days') AS too_old,
       EXISTS (
           SELECT 1 FROM fees o JOIN transactions r ON r.transaction_id = o.refund_transaction_id
           WHERE o.account_id = f.account_id AND r.booked_at > strftime('%Y-%m-%dT%H:%M:%SZ', now, '-1 year')
       ) AS goodwill_used
FROM fees f
JOIN accounts a ON a.account_id = f.account_id
JOIN customers u ON u.customer_id = a.customer_id
JOIN transactions t ON t.transaction_id = f.transaction_id
JOIN ef_clock;
