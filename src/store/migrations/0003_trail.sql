-- What happens to leads and deals, and who was responsible when.
--
-- A lead or a deal now also holds who was responsible when it was first seen, so its records are
-- wider. Everything in these two tables comes from the portal; they are emptied and loaded anew at
-- the next pass, and the cursors with them.
DROP TABLE lead;
DROP TABLE deal;

CREATE TABLE lead (
    key     INTEGER PRIMARY KEY,
    records BLOB NOT NULL CHECK (length(records) % 57 = 0)
) STRICT;

CREATE TABLE deal (
    key     INTEGER PRIMARY KEY,
    records BLOB NOT NULL CHECK (length(records) % 69 = 0)
) STRICT;

DELETE FROM cursor;

-- Instants below are Unix seconds, money is in units of 1/10 000.

-- Calls of the telephony. The number of the other side is kept as a keyed hash, good for counting
-- different numbers and for nothing else.
CREATE TABLE call (
    company   INTEGER NOT NULL REFERENCES company (id),
    id        INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    user      INTEGER NOT NULL,
    direction INTEGER NOT NULL, -- 1 out, 2 in, 3 back, 0 none of these
    took      INTEGER NOT NULL, -- whether people spoke
    seconds   INTEGER NOT NULL,
    phone     BLOB,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
    company    INTEGER NOT NULL REFERENCES company (id),
    id         INTEGER NOT NULL,
    kind       INTEGER NOT NULL, -- 1 meeting, 2 call, 3 task, 4 e-mail, 0 another
    direction  INTEGER NOT NULL,
    completed  INTEGER NOT NULL,
    user       INTEGER NOT NULL,
    owner_kind INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    starts     INTEGER,
    deadline   INTEGER,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoice (
    company   INTEGER NOT NULL REFERENCES company (id),
    id        INTEGER NOT NULL,
    deal      INTEGER,
    stage     TEXT NOT NULL,
    semantics INTEGER NOT NULL,
    amount    INTEGER,
    currency  TEXT NOT NULL,
    user      INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    paid      INTEGER, -- when it came to a stage of success
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
    company  INTEGER NOT NULL REFERENCES company (id),
    id       INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    user     INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    deadline INTEGER,
    closed   INTEGER,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

-- Moves between stages: of leads (1), deals (2), smart invoices (31).
CREATE TABLE move (
    company    INTEGER NOT NULL REFERENCES company (id),
    owner_kind INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    kind       INTEGER NOT NULL, -- 1 created, 2 moved, 3 ended, 5 to another pipeline
    at         INTEGER NOT NULL,
    stage      INTEGER NOT NULL, -- a symbol
    semantics  INTEGER NOT NULL,
    category   INTEGER,
    PRIMARY KEY (company, owner_kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE product_row (
    company    INTEGER NOT NULL REFERENCES company (id),
    deal       INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    product    INTEGER,
    price      INTEGER NOT NULL,
    list_price INTEGER,
    quantity   INTEGER NOT NULL, -- in 1/10 000
    PRIMARY KEY (company, deal, id)
) STRICT, WITHOUT ROWID;

-- Custom fields of leads and deals, and what their enumerations hold; replaced as a whole.
CREATE TABLE field (
    company  INTEGER NOT NULL REFERENCES company (id),
    position INTEGER NOT NULL,
    card     INTEGER NOT NULL, -- 1 lead, 2 deal
    code     TEXT NOT NULL,
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    multiple INTEGER NOT NULL,
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE field_value (
    company  INTEGER NOT NULL REFERENCES company (id),
    field    INTEGER NOT NULL, -- its position
    position INTEGER NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (company, field, position)
) STRICT, WITHOUT ROWID;

-- From when on a user was in a department (his first one; 0: in none). Rows are only added, so that
-- what a person did stays with the department he was in.
CREATE TABLE membership (
    company    INTEGER NOT NULL REFERENCES company (id),
    user       INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    department INTEGER NOT NULL,
    PRIMARY KEY (company, user, since)
) STRICT, WITHOUT ROWID;
