-- What became of plan numbers, and versions of the plan that people named. Rows are only added.

CREATE TABLE plan_change (
    id        INTEGER PRIMARY KEY, -- grows with time
    company   INTEGER NOT NULL REFERENCES company (id),
    year      INTEGER NOT NULL,
    pass      INTEGER NOT NULL,
    at        TEXT NOT NULL,
    tbl       TEXT NOT NULL,
    row_key   TEXT NOT NULL,
    col_key   TEXT NOT NULL,
    old_owner TEXT CHECK (old_owner IN ('daemon', 'person')), -- NULL: met for the first time
    old_value TEXT,
    new_owner TEXT NOT NULL CHECK (new_owner IN ('daemon', 'person')),
    new_value TEXT,
    source    TEXT NOT NULL CHECK (source IN ('sheet', 'targets', 'scenario', 'restore')),
    person    TEXT
) STRICT;

CREATE INDEX plan_change_of_year ON plan_change (company, year, id);
CREATE INDEX plan_change_of_cell ON plan_change (company, year, tbl, row_key, col_key, id);
CREATE INDEX plan_change_decided ON plan_change (company, year, pass) WHERE source <> 'targets';

CREATE TABLE plan_version (
    id      INTEGER PRIMARY KEY,
    company INTEGER NOT NULL REFERENCES company (id),
    year    INTEGER NOT NULL,
    name    TEXT NOT NULL,
    made    TEXT NOT NULL,
    cells   INTEGER NOT NULL,
    UNIQUE (company, year, name)
) STRICT;

CREATE TABLE plan_version_cell (
    version INTEGER NOT NULL REFERENCES plan_version (id),
    tbl     TEXT NOT NULL,
    row_key TEXT NOT NULL,
    col_key TEXT NOT NULL,
    owner   TEXT NOT NULL CHECK (owner IN ('daemon', 'person')),
    value   TEXT,
    PRIMARY KEY (version, tbl, row_key, col_key)
) STRICT, WITHOUT ROWID;
