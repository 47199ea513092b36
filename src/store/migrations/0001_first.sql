-- The first schema: companies, CRM records and their cursors, files, plan cells, passes, notes.
--
-- Instants are RFC 3339 text. Money is in units of 1/10 000 of a currency unit. Numbers of the plan
-- are decimals as text.

CREATE TABLE company (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Texts that records repeat (statuses, stages, sources, currencies), numbered from 0 without a gap.
CREATE TABLE symbol (
    company INTEGER NOT NULL REFERENCES company (id),
    number  INTEGER NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (company, number),
    UNIQUE (company, text)
) STRICT, WITHOUT ROWID;

-- Records are read whole, a million at a time, several times a day; a row for each would take half
-- a second of nothing but SQLite's own work. So neighbours by id stand together in a block: 160
-- leads or 128 deals of consecutive ids, which fill about one page, so that changing one record
-- costs no more than changing a row would. The key is company << 40 | id / (records in a block);
-- `records` holds them in order of id, each of a fixed width (src/store/sqlite/records.rs).
CREATE TABLE lead (
    key     INTEGER PRIMARY KEY,
    records BLOB NOT NULL CHECK (length(records) % 49 = 0)
) STRICT;

CREATE TABLE deal (
    key     INTEGER PRIMARY KEY,
    records BLOB NOT NULL CHECK (length(records) % 61 = 0)
) STRICT;

-- Records that could not be read. A record that is read later leaves this table.
CREATE TABLE reject (
    company INTEGER NOT NULL REFERENCES company (id),
    entity  TEXT NOT NULL,
    record  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (company, entity, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    company INTEGER NOT NULL REFERENCES company (id),
    name    TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;

-- The directory, in the order in which the CRM gave it; replaced as a whole.
CREATE TABLE user (
    company     INTEGER NOT NULL REFERENCES company (id),
    position    INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    name        TEXT NOT NULL,
    active      INTEGER NOT NULL,
    departments TEXT NOT NULL, -- ids with commas between, the main one first
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE department (
    company  INTEGER NOT NULL REFERENCES company (id),
    position INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    name     TEXT NOT NULL,
    parent   INTEGER,
    head     INTEGER,
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE status (
    company   INTEGER NOT NULL REFERENCES company (id),
    position  INTEGER NOT NULL,
    entity    TEXT NOT NULL,
    code      TEXT NOT NULL,
    name      TEXT NOT NULL,
    semantics INTEGER,
    sort      INTEGER NOT NULL,
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE category (
    company  INTEGER NOT NULL REFERENCES company (id),
    position INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE currency (
    company  INTEGER NOT NULL REFERENCES company (id),
    position INTEGER NOT NULL,
    code     TEXT NOT NULL,
    amount   INTEGER NOT NULL,
    count    INTEGER NOT NULL CHECK (count > 0),
    base     INTEGER NOT NULL,
    PRIMARY KEY (company, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
    company  INTEGER NOT NULL REFERENCES company (id),
    role     TEXT NOT NULL,
    file     TEXT NOT NULL,
    template TEXT NOT NULL,
    url      TEXT NOT NULL,
    PRIMARY KEY (company, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_cell (
    company  INTEGER NOT NULL REFERENCES company (id),
    year     INTEGER NOT NULL,
    tbl      TEXT NOT NULL,
    row_key  TEXT NOT NULL,
    col_key  TEXT NOT NULL,
    owner    TEXT NOT NULL CHECK (owner IN ('daemon', 'person')),
    base     TEXT,
    value    TEXT,
    pending  TEXT, -- NULL: nothing is being written; '': a blank is; else the number
    PRIMARY KEY (company, year, tbl, row_key, col_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pass (
    company INTEGER NOT NULL REFERENCES company (id),
    number  INTEGER NOT NULL,
    started TEXT NOT NULL,
    ended   TEXT,
    state   TEXT NOT NULL,
    message TEXT NOT NULL,
    counts  TEXT NOT NULL, -- JSON: [["leads_pulled", 12], …]
    PRIMARY KEY (company, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE note (
    company INTEGER NOT NULL REFERENCES company (id),
    name    TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (company, name)
) STRICT, WITHOUT ROWID;
