#!/usr/bin/env python3
"""Compares exported tables with tables that another program counted from the same data.

    expected_tables.py DATA_FOLDER EXPORT_FOLDER

DATA_FOLDER holds expected_by_{close,created}_month[_user|_source].csv. Every cell of every expected
row must stand in the exported table; a row that only the export has must hold nothing but blanks
and zeros in the compared columns. Exit: 0 equal, 1 different, 2 nothing to compare.
"""
import csv
import pathlib
import sys
from decimal import Decimal

# file suffix → (exported table, its key columns)
TABLES = {"month": ("months", ["key"]), "user": ("managers", ["month", "user"]),
          "source": ("sources", ["month", "source"])}
# expected column → exported column
COLUMNS = {"cohort_won": "cohort_success"}


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main():
    data, export = map(pathlib.Path, sys.argv[1:3])
    compared = faults = 0
    for expected in sorted(data.glob("expected_*.csv")):
        table, keys = TABLES[expected.stem.rsplit("_", 1)[-1]]
        found = {tuple(row[key] for key in keys): row for row in rows(export / f"{table}.csv")}
        wanted = rows(expected)
        own = [name for name in wanted[0] if name not in ("month", "user", "source")]
        seen = set()
        for row in wanted:
            key = tuple(row[name] for name in ("month", "user", "source") if name in row)
            seen.add(key)
            for name in own:
                compared += 1
                cell = found.get(key, {}).get(COLUMNS.get(name, name))
                if cell in (None, "") or Decimal(cell) != Decimal(row[name]):
                    faults += 1
                    print(f"{expected.name} {key} {name}: expected {row[name]}, found {cell!r}")
        for key in found.keys() - seen:
            for name in own:
                cell = found[key][COLUMNS.get(name, name)]
                compared += 1
                if cell and Decimal(cell) != 0:
                    faults += 1
                    print(f"{expected.name} {key} {name}: not expected, found {cell}")
    print(f"{data.name}: {compared} cells compared, {faults} differ")
    return 2 if compared == 0 else int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
