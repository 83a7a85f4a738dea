-- An airline's reservations: what flies, who is booked on it, what was paid.
--
-- Times ending in Z are UTC; *_on and *_local are what the airport's own calendar and clock say. Money is in US cents.
-- What depends on the clock (an expired hold, a departed flight, a closed one) is never stored: views derive it.

-- The network ---------------------------------------------------------------------------------------------------------

CREATE TABLE airports (
    airport_code TEXT PRIMARY KEY CHECK (airport_code GLOB '[A-Z][A-Z][A-Z]'),
    name         TEXT NOT NULL CHECK (name <> ''),
    city         TEXT NOT NULL CHECK (city <> ''),
    country      TEXT NOT NULL CHECK (country GLOB '[A-Z][A-Z]')
) STRICT;

CREATE TABLE flights (
    flight_id        TEXT PRIMARY KEY CHECK (flight_id GLOB 'FL[0-9][0-9][0-9][0-9][0-9]'),
    flight_number    TEXT NOT NULL
                     CHECK (flight_number GLOB 'EV[1-9][0-9][0-9]' OR flight_number GLOB 'EV[1-9][0-9][0-9][0-9]'),
    origin_code      TEXT NOT NULL REFERENCES airports,
    destination_code TEXT NOT NULL REFERENCES airports,
    departs_at       TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', departs_at, '+0 days') IS departs_at),
    departs_on       TEXT NOT NULL CHECK (departs_on IS date(departs_on, '+0 days')),
    departs_local    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M', departs_local, '+0 days') IS departs_local),
    arrives_at       TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', arrives_at, '+0 days') IS arrives_at),
    arrives_local    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M', arrives_local, '+0 days') IS arrives_local),
    stops            INTEGER NOT NULL CHECK (stops IN (0, 1)),
    status           TEXT NOT NULL CHECK (status IN ('scheduled', 'delayed', 'cancelled')),
    delay_minutes    INTEGER NOT NULL DEFAULT 0 CHECK (delay_minutes >= 0),   -- already in the times above
    UNIQUE (flight_number, departs_on),
    CHECK (origin_code <> destination_code),
    CHECK (departs_at < arrives_at),
    CHECK (departs_on = substr(departs_local, 1, 10)),
    CHECK ((status = 'delayed') = (delay_minutes > 0))
) STRICT;

CREATE INDEX flights_by_route ON flights (origin_code, destination_code, departs_on);

-- The part of an aircraft that is sold: its seats, how many tickets are paid for, and the standard fare of one.
CREATE TABLE cabins (
    flight_id  TEXT NOT NULL REFERENCES flights,
    cabin      TEXT NOT NULL CHECK (cabin IN ('economy', 'business')),
    seats      INTEGER NOT NULL CHECK (seats BETWEEN 1 AND 12),
    seats_sold INTEGER NOT NULL CHECK (seats_sold BETWEEN 0 AND seats),
    fare_cents INTEGER NOT NULL CHECK (fare_cents > 0),
    PRIMARY KEY (flight_id, cabin)
) STRICT;

-- The plan of a cabin, the same on all flights: a cabin with n seats has the first n of them.
CREATE TABLE seat_plan (
    seat     TEXT PRIMARY KEY CHECK (seat GLOB '[1-9][A-F]' OR seat GLOB '[1-9][0-9][A-F]'),
    cabin    TEXT NOT NULL CHECK (cabin IN ('economy', 'business')),
    ordinal  INTEGER NOT NULL CHECK (ordinal BETWEEN 1 AND 12),
    position TEXT NOT NULL CHECK (position IN ('window', 'middle', 'aisle')),
    UNIQUE (cabin, ordinal)
) STRICT;

-- What a fare allows; a fee that is null means that the thing is not allowed at all.
CREATE TABLE fare_rules (
    fare_type        TEXT PRIMARY KEY CHECK (fare_type IN ('basic', 'standard', 'flex')),
    percent          INTEGER NOT NULL CHECK (percent > 0),                      -- of the standard fare
    change_fee_cents INTEGER CHECK (change_fee_cents >= 0),                     -- for each passenger
    cancel_fee_cents INTEGER CHECK (cancel_fee_cents >= 0),                     -- for each passenger
    bag_fee_cents    INTEGER NOT NULL CHECK (bag_fee_cents > 0),                -- for each bag
    seat_choice      INTEGER NOT NULL CHECK (seat_choice IN (0, 1))
) STRICT;

-- Customers and their bookings ----------------------------------------------------------------------------------------

CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY CHECK (customer_id GLOB 'CU[0-9][0-9][0-9][0-9][0-9]'),
    name        TEXT NOT NULL CHECK (name <> ''),
    email       TEXT NOT NULL UNIQUE CHECK (email LIKE '_%@_%'),
    phone       TEXT NOT NULL CHECK (phone <> ''),
    points      INTEGER NOT NULL CHECK (points >= 0)
) STRICT;

CREATE TABLE bookings (
    booking_id  TEXT PRIMARY KEY CHECK (booking_id GLOB 'BK[0-9][0-9][0-9][0-9][0-9][0-9]'),
    reference   TEXT NOT NULL UNIQUE CHECK (length(reference) = 6 AND reference NOT GLOB '*[^A-HJ-NP-Z2-9]*'),
    customer_id TEXT NOT NULL REFERENCES customers,
    fare_type   TEXT NOT NULL REFERENCES fare_rules,
    status      TEXT NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled')),
    booked_at   TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', booked_at, '+0 days') IS booked_at),
    expires_at  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, '+0 days') IS expires_at), -- the hold
    paid_cents  INTEGER NOT NULL CHECK (paid_cents >= 0),
    CHECK (unixepoch(expires_at) - unixepoch(booked_at) BETWEEN 1 AND 24 * 3600),
    CHECK (status <> 'held' OR paid_cents = 0)
) STRICT;

CREATE INDEX bookings_by_customer ON bookings (customer_id);

CREATE TABLE passengers (
    passenger_id TEXT PRIMARY KEY CHECK (passenger_id GLOB 'PX[0-9][0-9][0-9][0-9][0-9][0-9]'),
    booking_id   TEXT NOT NULL REFERENCES bookings,
    name         TEXT NOT NULL CHECK (name LIKE '_% _%'),
    UNIQUE (booking_id, name)
) STRICT;

-- One flight of a booking, there or back.
CREATE TABLE segments (
    segment_id TEXT PRIMARY KEY CHECK (segment_id GLOB 'SG[0-9][0-9][0-9][0-9][0-9][0-9]'),
    booking_id TEXT NOT NULL REFERENCES bookings,
    leg        TEXT NOT NULL CHECK (leg IN ('outbound', 'return')),
    flight_id  TEXT NOT NULL,
    cabin      TEXT NOT NULL,
    fare_cents INTEGER NOT NULL CHECK (fare_cents > 0),                         -- for each passenger
    UNIQUE (booking_id, leg),
    FOREIGN KEY (flight_id, cabin) REFERENCES cabins
) STRICT;

CREATE INDEX segments_by_flight ON segments (flight_id, cabin);

-- One passenger on one segment.
CREATE TABLE tickets (
    ticket_id     TEXT PRIMARY KEY CHECK (ticket_id GLOB 'TK[0-9][0-9][0-9][0-9][0-9][0-9]'),
    segment_id    TEXT NOT NULL REFERENCES segments,
    passenger_id  TEXT NOT NULL REFERENCES passengers,
    seat          TEXT REFERENCES seat_plan,
    bags          INTEGER NOT NULL DEFAULT 0 CHECK (bags BETWEEN 0 AND 3),
    checked_in_at TEXT CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', checked_in_at, '+0 days') IS checked_in_at),
    UNIQUE (segment_id, passenger_id),
    CHECK (checked_in_at IS NULL OR seat IS NOT NULL)
) STRICT;

CREATE INDEX tickets_by_passenger ON tickets (passenger_id);

-- A charge that the customer is asked for, then approves or not; or a refund. A change names the segment and the flight
-- that it moves to, bags name the ticket and how many.
CREATE TABLE payments (
    payment_id    TEXT PRIMARY KEY CHECK (payment_id GLOB 'PY[0-9][0-9][0-9][0-9][0-9][0-9]'),
    booking_id    TEXT NOT NULL REFERENCES bookings,
    kind          TEXT NOT NULL CHECK (kind IN ('fare', 'change', 'bags', 'refund')),
    amount_cents  INTEGER NOT NULL CHECK (amount_cents > 0),
    status        TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'declined', 'withdrawn')),
    created_at    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', created_at, '+0 days') IS created_at),
    expires_at    TEXT CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, '+0 days') IS expires_at),
    segment_id    TEXT REFERENCES segments,
    new_flight_id TEXT REFERENCES flights,
    ticket_id     TEXT REFERENCES tickets,
    bags          INTEGER CHECK (bags BETWEEN 1 AND 3),
    CHECK ((kind = 'refund') = (expires_at IS NULL)),
    CHECK (unixepoch(expires_at) - unixepoch(created_at) BETWEEN 1 AND 24 * 3600),
    CHECK (kind <> 'refund' OR status = 'paid'),
    CHECK ((kind = 'change') = (segment_id IS NOT NULL) AND (kind = 'change') = (new_flight_id IS NOT NULL)),
    CHECK ((kind = 'bags') = (ticket_id IS NOT NULL) AND (kind = 'bags') = (bags IS NOT NULL))
) STRICT;

CREATE INDEX payments_by_booking ON payments (booking_id);

-- The ledger of loyalty points.
CREATE TABLE point_entries (
    entry_id    TEXT PRIMARY KEY CHECK (entry_id GLOB 'PT[0-9][0-9][0-9][0-9][0-9][0-9]'),
    customer_id TEXT NOT NULL REFERENCES customers,
    segment_id  TEXT REFERENCES segments,
    kind        TEXT NOT NULL CHECK (kind IN ('welcome', 'earned', 'upgrade')),
    points      INTEGER NOT NULL CHECK ((kind = 'upgrade') = (points < 0) AND points <> 0),
    entered_at  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', entered_at, '+0 days') IS entered_at),
    CHECK ((kind = 'welcome') = (segment_id IS NULL))
) STRICT;

CREATE INDEX point_entries_by_customer ON point_entries (customer_id);

-- Views: what the clock and the rules make of it ----------------------------------------------------------------------

-- A flight with the names of its places. It closes an hour before it leaves, and a cancelled one never does. It is
-- disrupted when cancelled, or when so late that its passengers may rebook or have their money back.
CREATE VIEW flight_times AS
SELECT f.flight_id, f.flight_number, f.origin_code, o.city AS origin_city, f.destination_code,
       d.city AS destination_city, f.departs_at, f.departs_on, f.departs_local, f.arrives_at, f.arrives_local, f.stops, f.delay_minutes,
       (unixepoch(f.arrives_at) - unixepoch(f.departs_at)) / 60 AS duration_minutes,
       CASE WHEN f.status <> 'cancelled' AND f.departs_at <= c.now THEN 'departed' ELSE f.status END AS status,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.departs_at, '-24 hours') AS checkin_opens_at,
       strftime('%Y-%m-%dT%H:%M:%SZ', f.departs_at, '-1 hour') AS closes_at,
       f.status <> 'cancelled' AND strftime('%Y-%m-%dT%H:%M:%SZ', f.departs_at, '-1 hour') <= c.now AS closed,
       f.status = 'cancelled' OR f.delay_minutes >= iif(o.country = d.country, 180, 360) AS disrupted
FROM flights f
JOIN airports o ON o.airport_code = f.origin_code
JOIN airports d ON d.airport_code = f.destination_code
JOIN ef_clock c;

-- A hold keeps its seats until it expires; nobody has to sweep.
CREATE VIEW cabin_board AS
SELECT flight_id, cabin, seats, fare_cents, seats - seats_sold - seats_held AS seats_left
FROM (
    SELECT c.*, (
        SELECT count(*)
        FROM segments s
        JOIN bookings b ON b.booking_id = s.booking_id AND b.status = 'held'
        JOIN ef_clock ON b.expires_at > now
        JOIN tickets t ON t.segment_id = s.segment_id
        WHERE s.flight_id = c.flight_id AND s.cabin = c.cabin
    ) AS seats_held
    FROM cabins c
);

CREATE VIEW fare_board AS
SELECT c.flight_id, c.cabin, r.fare_type, c.fare_cents * r.percent / 100 AS fare_cents, c.seats_left,
       r.change_fee_cents, r.cancel_fee_cents, r.bag_fee_cents, r.seat_choice
FROM cabin_board c
CROSS JOIN fare_rules r;

CREATE VIEW flight_board AS
SELECT f.*, e.fare_cents, e.seats_left, b.fare_cents AS business_fare_cents, b.seats_left AS business_seats_left
FROM flight_times f
JOIN cabin_board e ON e.flight_id = f.flight_id AND e.cabin = 'economy'
LEFT JOIN cabin_board b ON b.flight_id = f.flight_id AND b.cabin = 'business';

CREATE VIEW departures AS
SELECT * FROM flight_board WHERE departs_at > (SELECT now FROM ef_clock);

CREATE VIEW free_seats AS
SELECT c.flight_id, c.cabin, p.seat, p.ordinal, p.position
FROM cabins c
JOIN seat_plan p ON p.cabin = c.cabin AND p.ordinal <= c.seats
WHERE NOT EXISTS (
    SELECT 1 FROM segments s JOIN tickets t ON t.segment_id = s.segment_id
    WHERE s.flight_id = c.flight_id AND t.seat = p.seat
);

-- A booking with the state that the clock puts it in.
CREATE VIEW booking_states AS
SELECT b.booking_id, b.reference, b.customer_id, u.email, b.fare_type, b.booked_at, b.expires_at, b.paid_cents,
       CASE
           WHEN b.status = 'held' AND b.expires_at <= now THEN 'expired'
           WHEN b.status = 'confirmed' AND NOT EXISTS (
               SELECT 1 FROM segments s JOIN flights f ON f.flight_id = s.flight_id
               WHERE s.booking_id = b.booking_id AND (f.status = 'cancelled' OR f.departs_at > now)
           ) THEN 'flown'
           ELSE b.status
       END AS status,
       EXISTS (
           SELECT 1 FROM payments p WHERE p.booking_id = b.booking_id AND p.status = 'pending' AND p.expires_at > now
       ) AS payment_pending,
       (SELECT count(*) FROM passengers p WHERE p.booking_id = b.booking_id) AS passengers
FROM bookings b
JOIN customers u ON u.customer_id = b.customer_id
JOIN ef_clock;

-- A segment with its flight, without what its booking adds: cheap enough to be asked several times in one view.
CREATE VIEW segment_flights AS
SELECT s.segment_id, s.booking_id, s.leg, s.flight_id, s.cabin, s.fare_cents, f.flight_number, f.origin_code,
       f.origin_city, f.destination_code, f.destination_city, f.departs_at, f.departs_on, f.departs_local, f.arrives_at,
       f.status AS flight_status, f.delay_minutes, f.checkin_opens_at, f.closes_at, f.closed, f.disrupted,
       EXISTS (
           SELECT 1 FROM tickets t WHERE t.segment_id = s.segment_id AND t.checked_in_at IS NOT NULL
       ) AS checked_in
FROM segments s
JOIN flight_times f ON f.flight_id = s.flight_id;

-- A segment with its booking. It is alterable while nothing stands in the way: not its booking's state, not the clock,
-- not a check-in, not a payment that waits for an answer. It is serviceable if its flight flies, too.
CREATE VIEW segment_board AS
SELECT y.*, alterable AND flight_status <> 'cancelled' AS serviceable
FROM (
    SELECT s.*, b.reference, b.customer_id, b.email, b.status AS booking_status, b.fare_type, b.payment_pending,
           b.passengers, iif(s.disrupted, 0, r.change_fee_cents) AS change_fee_cents, r.bag_fee_cents, r.seat_choice,
           7500 * b.passengers AS upgrade_points,
           b.status = 'confirmed' AND NOT s.closed AND NOT s.checked_in AND NOT b.payment_pending AS alterable
    FROM segment_flights s
    JOIN booking_states b ON b.booking_id = s.booking_id
    JOIN fare_rules r ON r.fare_type = b.fare_type
) y;

CREATE VIEW ticket_board AS
SELECT t.ticket_id, t.passenger_id, p.name AS passenger_name, t.seat, t.bags, s.*
FROM tickets t
JOIN passengers p ON p.passenger_id = t.passenger_id
JOIN segment_board s ON s.segment_id = t.segment_id;

-- A booking as its owner would tell it from others, what was paid back, and what cancelling it would pay back. Within
-- 24 hours of booking, a week or more ahead, any fare is refunded in full; so is a disrupted one.
CREATE VIEW booking_board AS
SELECT w.*,
       iif(status = 'held', expires_at, NULL) AS held_until,
       disrupted OR regretted OR cancel_fee_cents IS NOT NULL AS refundable,
       CASE
           WHEN status = 'held' THEN 0
           WHEN status <> 'confirmed' OR closed OR checked_in THEN NULL
           WHEN disrupted OR regretted THEN paid_cents
           ELSE max(0, paid_cents - cancel_fee_cents * passengers)
       END AS refund_cents
FROM (
    SELECT b.*, s.cabin, s.origin_code, s.origin_city, s.destination_code, s.destination_city, s.departs_at,
           s.departs_on, s.departs_local, s.flight_number, s.flight_status, s.delay_minutes,
           (SELECT x.departs_on FROM segment_flights x
            WHERE x.booking_id = b.booking_id AND x.leg = 'return') AS returns_on,
           EXISTS (SELECT 1 FROM segment_flights x WHERE x.booking_id = b.booking_id AND x.closed) AS closed,
           EXISTS (SELECT 1 FROM segment_flights x WHERE x.booking_id = b.booking_id AND x.checked_in) AS checked_in,
           EXISTS (SELECT 1 FROM segment_flights x WHERE x.booking_id = b.booking_id AND x.disrupted) AS disrupted,
           unixepoch(now) < unixepoch(b.booked_at, '+24 hours')
               AND unixepoch(s.departs_at) >= unixepoch(b.booked_at, '+7 days') AS regretted,
           r.cancel_fee_cents,
           (SELECT sum(t.bags) FROM segments x JOIN tickets t ON t.segment_id = x.segment_id
            WHERE x.booking_id = b.booking_id) AS bags,
           (SELECT coalesce(sum(p.amount_cents), 0) FROM payments p
            WHERE p.booking_id = b.booking_id AND p.kind = 'refund') AS refunded_cents
    FROM booking_states b
    JOIN segment_flights s ON s.booking_id = b.booking_id AND s.leg = 'outbound'
    JOIN fare_rules r ON r.fare_type = b.fare_type
    JOIN ef_clock
) w;

-- A hold with the one payment that it waits for.
CREATE VIEW hold_board AS
SELECT b.booking_id, b.reference, b.passengers, b.expires_at AS held_until, p.payment_id, p.amount_cents
FROM booking_states b
JOIN payments p ON p.booking_id = b.booking_id
WHERE b.status = 'held';

CREATE VIEW payment_board AS
SELECT p.payment_id, p.booking_id, b.reference, u.email, p.kind, p.amount_cents, p.created_at, p.expires_at,
       iif(p.status = 'pending' AND p.expires_at <= now, 'expired', p.status) AS status,
       p.segment_id, p.new_flight_id, p.ticket_id, p.bags, s.destination_city, s.departs_on
FROM payments p
JOIN bookings b ON b.booking_id = p.booking_id
JOIN customers u ON u.customer_id = b.customer_id
JOIN segment_flights s ON s.booking_id = p.booking_id AND s.leg = 'outbound'
JOIN ef_clock;

CREATE VIEW payment_requests AS
SELECT * FROM payment_board WHERE kind <> 'refund';
