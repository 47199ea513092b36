-- Payments of deals (2) and smart invoices (31). One payment may stand under an invoice and under the
-- deal of that invoice: it is one row. Instants are Unix seconds, money is in units of 1/10 000.
CREATE TABLE payment (
    company  INTEGER NOT NULL REFERENCES company (id),
    id       INTEGER NOT NULL,
    deal     INTEGER,
    invoice  INTEGER,
    paid     INTEGER, -- NULL: not yet
    amount   INTEGER NOT NULL,
    currency TEXT NOT NULL,
    user     INTEGER NOT NULL, -- who was responsible for the record when the payment was first seen
    PRIMARY KEY (company, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_of_deal ON payment (company, deal) WHERE deal IS NOT NULL;
CREATE INDEX payment_of_invoice ON payment (company, invoice) WHERE invoice IS NOT NULL;

-- Records whose payments were read since the record changed last.
CREATE TABLE payment_read (
    company    INTEGER NOT NULL REFERENCES company (id),
    owner_kind INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    PRIMARY KEY (company, owner_kind, owner)
) STRICT, WITHOUT ROWID;
