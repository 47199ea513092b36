-- What products cost when they are bought, as it was from an instant on, so that a price that changes
-- today does not change the margin of a deal that was closed before. The first price that was seen is
-- also that of all times before it (since 0); until then the row of that time holds a blank.
-- Instants are Unix seconds, money is in units of 1/10 000.
CREATE TABLE cost (
    company  INTEGER NOT NULL REFERENCES company (id),
    product  INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    price    INTEGER, -- NULL: nobody has filled it in, which is not zero
    currency TEXT NOT NULL,
    PRIMARY KEY (company, product, since)
) STRICT, WITHOUT ROWID;

-- When the catalogue was asked for a product last, whether it knew it or not.
CREATE TABLE product (
    company INTEGER NOT NULL REFERENCES company (id),
    id      INTEGER NOT NULL,
    asked   INTEGER NOT NULL,
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;
