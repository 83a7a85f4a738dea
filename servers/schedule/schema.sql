-- A company's calendars: who meets whom, when, how often, in which room, and who may see or change it.
--
-- Times ending in Z are UTC and decide. *_on and *_local are what the clock on the wall of the event's own time zone
-- says at that moment. What depends on the clock (an event that is past, a proposal that lapsed) is never stored: views
-- derive it. A series is written out: each of its dates is a row of occurrences.

-- Time ----------------------------------------------------------------------------------------------------------------

-- From when on a time zone is so many minutes ahead of UTC: one row before everything else, then one at each change of
-- its clocks. since_local is what the changed clock shows at that moment.
CREATE TABLE utc_offsets (
    timezone       TEXT NOT NULL CHECK (timezone LIKE '_%/_%'),
    since_at       TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', since_at, '+0 days') IS since_at),
    since_local    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M', since_local, '+0 days') IS since_local),
    offset_minutes INTEGER NOT NULL CHECK (offset_minutes BETWEEN -720 AND 840),
    PRIMARY KEY (timezone, since_at),
    CHECK (strftime('%Y-%m-%dT%H:%M', since_at, offset_minutes || ' minutes') = since_local)
) STRICT;

-- People, their calendars and rooms -----------------------------------------------------------------------------------

CREATE TABLE people (
    person_id  TEXT PRIMARY KEY CHECK (person_id GLOB 'PN[0-9][0-9][0-9][0-9]'),
    name       TEXT NOT NULL CHECK (name LIKE '_% _%'),
    email      TEXT NOT NULL UNIQUE CHECK (email LIKE '_%@_%'),
    department TEXT NOT NULL CHECK (department <> ''),
    city       TEXT NOT NULL CHECK (city <> ''),
    timezone   TEXT NOT NULL
) STRICT;

-- Everybody has one primary calendar; a team's calendar belongs to whoever leads the team.
CREATE TABLE calendars (
    calendar_id TEXT PRIMARY KEY CHECK (calendar_id GLOB 'CL[0-9][0-9][0-9][0-9]'),
    owner_id    TEXT NOT NULL REFERENCES people,
    name        TEXT NOT NULL CHECK (name <> ''),
    kind        TEXT NOT NULL CHECK (kind IN ('primary', 'team', 'private')),
    timezone    TEXT NOT NULL
) STRICT;

CREATE INDEX calendars_by_owner ON calendars (owner_id);
CREATE UNIQUE INDEX one_primary_calendar ON calendars (owner_id) WHERE kind = 'primary';

-- Whom an owner lets into a calendar. A delegate manages the owner's primary calendar in the owner's name.
CREATE TABLE shares (
    calendar_id TEXT NOT NULL REFERENCES calendars,
    person_id   TEXT NOT NULL REFERENCES people,
    role        TEXT NOT NULL CHECK (role IN ('reader', 'writer', 'delegate')),
    since_at    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', since_at, '+0 days') IS since_at),
    PRIMARY KEY (calendar_id, person_id)
) STRICT;

CREATE INDEX shares_by_person ON shares (person_id);

CREATE TABLE rooms (
    room_id    TEXT PRIMARY KEY CHECK (room_id GLOB 'RM[0-9][0-9][0-9]'),
    name       TEXT NOT NULL UNIQUE CHECK (name <> ''),
    city       TEXT NOT NULL CHECK (city <> ''),
    floor      INTEGER NOT NULL CHECK (floor BETWEEN 0 AND 60),
    capacity   INTEGER NOT NULL CHECK (capacity BETWEEN 1 AND 200),
    has_screen INTEGER NOT NULL CHECK (has_screen IN (0, 1))
) STRICT;

-- Events --------------------------------------------------------------------------------------------------------------

-- A single event or a series. A proposed one is nothing yet: it is confirmed when the person asked says yes, dropped
-- when they say no.
CREATE TABLE events (
    event_id     TEXT PRIMARY KEY CHECK (event_id GLOB 'EV[0-9][0-9][0-9][0-9][0-9][0-9]'),
    calendar_id  TEXT NOT NULL REFERENCES calendars,
    organizer_id TEXT NOT NULL REFERENCES people,
    title        TEXT NOT NULL CHECK (title <> ''),
    kind         TEXT NOT NULL CHECK (kind IN ('meeting', 'appointment', 'travel', 'focus')),
    frequency    TEXT NOT NULL CHECK (frequency IN ('once', 'daily', 'weekly', 'monthly')),
    until_on     TEXT CHECK (until_on IS date(until_on, '+0 days')),
    timezone     TEXT NOT NULL,
    place        TEXT CHECK (place <> ''),                                      -- when it isn't in one of our rooms
    note         TEXT CHECK (note <> ''),
    status       TEXT NOT NULL CHECK (status IN ('proposed', 'dropped', 'confirmed', 'cancelled')),
    created_at   TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', created_at, '+0 days') IS created_at),
    CHECK ((frequency = 'once') = (until_on IS NULL))
) STRICT;

CREATE INDEX events_by_calendar ON events (calendar_id);
CREATE INDEX events_by_organizer ON events (organizer_id);

-- One date of an event. original_on is the day that the series gives it; it has moved when it was put elsewhere.
CREATE TABLE occurrences (
    occurrence_id TEXT PRIMARY KEY CHECK (occurrence_id GLOB 'OC[0-9][0-9][0-9][0-9][0-9][0-9]'),
    event_id      TEXT NOT NULL REFERENCES events,
    original_on   TEXT NOT NULL CHECK (original_on IS date(original_on, '+0 days')),
    starts_at     TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', starts_at, '+0 days') IS starts_at),
    ends_at       TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', ends_at, '+0 days') IS ends_at),
    starts_on     TEXT NOT NULL CHECK (starts_on IS date(starts_on, '+0 days')),
    starts_local  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M', starts_local, '+0 days') IS starts_local),
    ends_local    TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M', ends_local, '+0 days') IS ends_local),
    status        TEXT NOT NULL CHECK (status IN ('scheduled', 'moved', 'cancelled')),
    UNIQUE (event_id, original_on),
    CHECK (starts_at < ends_at),
    CHECK (starts_on = substr(starts_local, 1, 10))
) STRICT;

CREATE INDEX occurrences_by_day ON occurrences (starts_on);

-- Who is asked to an event, the organizer among them, and what they answered for all its dates.
CREATE TABLE invitations (
    invitation_id TEXT PRIMARY KEY CHECK (invitation_id GLOB 'IN[0-9][0-9][0-9][0-9][0-9][0-9]'),
    event_id      TEXT NOT NULL REFERENCES events,
    person_id     TEXT NOT NULL REFERENCES people,
    answer        TEXT NOT NULL CHECK (answer IN ('needs_action', 'accepted', 'tentative', 'declined')),
    sent_at       TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', sent_at, '+0 days') IS sent_at),
    answered_at   TEXT CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', answered_at, '+0 days') IS answered_at),
    UNIQUE (event_id, person_id),
    CHECK ((answer = 'needs_action') = (answered_at IS NULL))
) STRICT;

CREATE INDEX invitations_by_person ON invitations (person_id);

CREATE TABLE room_bookings (
    occurrence_id TEXT PRIMARY KEY REFERENCES occurrences,
    room_id       TEXT NOT NULL REFERENCES rooms,
    booked_at     TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', booked_at, '+0 days') IS booked_at)
) STRICT;

CREATE INDEX room_bookings_by_room ON room_bookings (room_id);

CREATE TABLE reminders (
    event_id       TEXT NOT NULL REFERENCES events,
    person_id      TEXT NOT NULL REFERENCES people,
    minutes_before INTEGER NOT NULL CHECK (minutes_before BETWEEN 0 AND 10080),
    PRIMARY KEY (event_id, person_id)
) STRICT;

-- What waits for a person's yes: a meeting with somebody, or letting somebody into a calendar.
CREATE TABLE proposals (
    proposal_id TEXT PRIMARY KEY CHECK (proposal_id GLOB 'PR[0-9][0-9][0-9][0-9][0-9][0-9]'),
    person_id   TEXT NOT NULL REFERENCES people,                                -- who is asked
    kind        TEXT NOT NULL CHECK (kind IN ('meeting', 'sharing')),
    event_id    TEXT UNIQUE REFERENCES events,
    calendar_id TEXT REFERENCES calendars,
    other_id    TEXT NOT NULL REFERENCES people,                                -- who would be invited, or let in
    role        TEXT CHECK (role IN ('reader', 'writer', 'delegate')),
    status      TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'declined', 'withdrawn')),
    created_at  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', created_at, '+0 days') IS created_at),
    expires_at  TEXT NOT NULL CHECK (strftime('%Y-%m-%dT%H:%M:%SZ', expires_at, '+0 days') IS expires_at),
    CHECK (created_at < expires_at),
    CHECK ((kind = 'meeting') = (event_id IS NOT NULL)),
    CHECK ((kind = 'sharing') = (calendar_id IS NOT NULL) AND (kind = 'sharing') = (role IS NOT NULL))
) STRICT;

CREATE INDEX proposals_by_person ON proposals (person_id);

-- Views: who may what -------------------------------------------------------------------------------------------------

CREATE VIEW calendar_access AS
SELECT c.calendar_id, c.owner_id AS person_id, p.email, 'owner' AS role
FROM calendars c
JOIN people p ON p.person_id = c.owner_id
UNION ALL
SELECT s.calendar_id, s.person_id, p.email, s.role
FROM shares s
JOIN people p ON p.person_id = s.person_id;

-- Who sees an event: whoever is invited, and whoever sees its calendar. A pair may come twice.
CREATE VIEW event_viewers AS
SELECT i.event_id, p.email
FROM invitations i
JOIN people p ON p.person_id = i.person_id
UNION ALL
SELECT e.event_id, p.email
FROM events e
JOIN calendars c ON c.calendar_id = e.calendar_id
JOIN people p ON p.person_id = c.owner_id
UNION ALL
SELECT e.event_id, p.email
FROM events e
JOIN shares s ON s.calendar_id = e.calendar_id
JOIN people p ON p.person_id = s.person_id;

-- Who may change an event: its organizer, and whoever may write in its calendar. A pair may come twice.
CREATE VIEW event_editors AS
SELECT e.event_id, p.email
FROM events e
JOIN people p ON p.person_id = e.organizer_id
UNION ALL
SELECT e.event_id, p.email
FROM events e
JOIN calendars c ON c.calendar_id = e.calendar_id
JOIN people p ON p.person_id = c.owner_id
UNION ALL
SELECT e.event_id, p.email
FROM events e
JOIN shares s ON s.calendar_id = e.calendar_id AND s.role <> 'reader'
JOIN people p ON p.person_id = s.person_id;

-- Views: what the clock makes of it -----------------------------------------------------------------------------------

CREATE VIEW calendar_board AS
SELECT c.calendar_id, c.name, c.kind, c.owner_id, p.name AS owner_name, c.timezone,
       (SELECT count(*) FROM shares s WHERE s.calendar_id = c.calendar_id) AS shared_with
FROM calendars c
JOIN people p ON p.person_id = c.owner_id;

-- An event, told by its next date, or by the last one when none is to come. It is past when nothing of it is to come.
CREATE VIEW event_board AS
SELECT e.event_id, e.title, e.kind, e.calendar_id, c.name AS calendar_name, e.organizer_id, p.name AS organizer_name,
       p.email AS organizer_email, e.frequency, e.until_on, e.timezone, e.place, e.note, e.created_at,
       o.starts_at, o.starts_on, o.starts_local, o.ends_local,
       CASE
           WHEN e.status = 'proposed' AND NOT EXISTS (
               SELECT 1 FROM proposals q WHERE q.event_id = e.event_id AND q.status = 'pending' AND q.expires_at > now
           ) THEN 'lapsed'
           WHEN e.status = 'confirmed' AND NOT EXISTS (
               SELECT 1 FROM occurrences x
               WHERE x.event_id = e.event_id AND x.status <> 'cancelled' AND x.starts_at > now
           ) THEN 'past'
           ELSE e.status
       END AS status,
       (SELECT count(*) FROM invitations i WHERE i.event_id = e.event_id) AS attendees
FROM events e
JOIN calendars c ON c.calendar_id = e.calendar_id
JOIN people p ON p.person_id = e.organizer_id
JOIN ef_clock
JOIN occurrences o ON o.occurrence_id = (
    SELECT x.occurrence_id FROM occurrences x
    JOIN ef_clock c
    WHERE x.event_id = e.event_id
    ORDER BY x.status = 'cancelled', x.starts_at <= c.now, iif(x.starts_at > c.now, x.starts_at, NULL),
             x.starts_at DESC, x.occurrence_id
    LIMIT 1
);

-- One date with its event and its room. It is alterable until it starts.
CREATE VIEW occurrence_board AS
SELECT o.occurrence_id, o.event_id, e.title, e.kind, e.calendar_id, e.organizer_id, p.name AS organizer_name,
       e.frequency, e.until_on, e.timezone, e.place, o.original_on, o.starts_at, o.ends_at, o.starts_on, o.starts_local,
       o.ends_local, (unixepoch(o.ends_at) - unixepoch(o.starts_at)) / 60 AS minutes, b.room_id, r.name AS room_name,
       CASE
           WHEN o.status = 'cancelled' OR e.status IN ('cancelled', 'dropped') THEN 'cancelled'
           WHEN e.status = 'proposed' AND NOT EXISTS (
               SELECT 1 FROM proposals q WHERE q.event_id = e.event_id AND q.status = 'pending' AND q.expires_at > now
           ) THEN 'cancelled'
           WHEN e.status = 'proposed' THEN 'proposed'
           WHEN o.starts_at <= now THEN 'past'
           ELSE o.status
       END AS status,
       (SELECT count(*) FROM invitations i WHERE i.event_id = e.event_id) AS attendees
FROM occurrences o
JOIN events e ON e.event_id = o.event_id
JOIN people p ON p.person_id = e.organizer_id
JOIN ef_clock
LEFT JOIN room_bookings b ON b.occurrence_id = o.occurrence_id
LEFT JOIN rooms r ON r.room_id = b.room_id;

CREATE VIEW invitation_board AS
SELECT i.invitation_id, i.event_id, i.person_id, p.email, p.name AS person_name, e.title, e.kind, e.organizer_id,
       e.organizer_name, e.frequency, e.starts_on, e.starts_local, e.status AS event_status, i.answer, i.sent_at,
       i.answered_at
FROM invitations i
JOIN people p ON p.person_id = i.person_id
JOIN event_board e ON e.event_id = i.event_id;

-- What somebody else has invited a person to.
CREATE VIEW received_invitations AS
SELECT * FROM invitation_board WHERE organizer_id <> person_id;

-- When a person is taken: by what they accepted and nobody cancelled.
CREATE VIEW busy AS
SELECT i.person_id, o.event_id, o.occurrence_id, o.starts_at, o.ends_at
FROM invitations i
JOIN events e ON e.event_id = i.event_id AND e.status = 'confirmed'
JOIN occurrences o ON o.event_id = i.event_id AND o.status <> 'cancelled'
WHERE i.answer = 'accepted';

-- The same on the person's own wall clock.
CREATE VIEW busy_times AS
SELECT person_id, occurrence_id, starts_at, ends_at, from_local, substr(from_local, 1, 10) AS busy_on,
       strftime('%Y-%m-%dT%H:%M', from_local, (unixepoch(ends_at) - unixepoch(starts_at)) || ' seconds') AS until_local
FROM (
    SELECT b.*, strftime('%Y-%m-%dT%H:%M', b.starts_at, (
        SELECT u.offset_minutes FROM utc_offsets u
        WHERE u.timezone = p.timezone AND u.since_at <= b.starts_at
        ORDER BY u.since_at DESC LIMIT 1
    ) || ' minutes') AS from_local
    FROM busy b
    JOIN people p ON p.person_id = b.person_id
);

CREATE VIEW proposal_board AS
SELECT q.proposal_id, q.person_id, p.email, q.kind, q.event_id, q.calendar_id, coalesce(e.title, c.name) AS title,
       o.name AS other_name, q.role,
       (SELECT min(x.starts_on) FROM occurrences x WHERE x.event_id = q.event_id) AS starts_on,
       iif(q.status = 'pending' AND q.expires_at <= now, 'expired', q.status) AS status, q.created_at, q.expires_at
FROM proposals q
JOIN people p ON p.person_id = q.person_id
JOIN people o ON o.person_id = q.other_id
JOIN ef_clock
LEFT JOIN events e ON e.event_id = q.event_id
LEFT JOIN calendars c ON c.calendar_id = q.calendar_id;
