-- The portal's currency table as it was from an instant on, so that a rate that changes today does not
-- change what was earned before. The first table is also that of all times before it (since 0).
CREATE TABLE rate (
    company INTEGER NOT NULL REFERENCES company (id),
    since   INTEGER NOT NULL, -- Unix seconds
    code    TEXT NOT NULL,
    amount  INTEGER NOT NULL, -- units of 1/10 000 of the base currency …
    count   INTEGER NOT NULL, -- … for so many units of this one
    base    INTEGER NOT NULL,
    PRIMARY KEY (company, since, code)
) STRICT, WITHOUT ROWID;
