#!/usr/bin/env python3
"""Other people's clients of Bitrix24 against the simulated portal, beside planfact's own first load.

    portal_clients.py data DIR N             writes DIR/leads.csv with N leads, ids with gaps
    portal_clients.py read CLIENT URL ROWS   reads all leads; one JSON line with rows and seconds
    portal_clients.py table RESULT...        prints the results of several reads side by side
    portal_clients.py same ROWS ROWS...      fails unless all files hold the same leads

CLIENT is `plain` (this script, one page after another, no library), `fast_bitrix24` or `b24pysdk`.
A row file has one line a lead: id, Unix seconds of its creation, its sum, the user in charge; sorted.
"""
import json
import random
import sys
import time
import urllib.request
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

# What planfact asks for too, so that every client moves the same bytes.
SELECT = ["ID", "STATUS_ID", "STATUS_SEMANTIC_ID", "SOURCE_ID", "OPPORTUNITY", "CURRENCY_ID", "ASSIGNED_BY_ID",
          "DATE_CREATE", "DATE_MODIFY", "DATE_CLOSED"]


def data(folder, leads):
    """Leads a minute apart; one id in a hundred was deleted."""
    chance = random.Random(2026)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    with open(folder / "leads.csv", "w") as out:
        out.write(",".join(SELECT) + "\n")
        for _ in range(int(leads)):
            number += 2 if chance.random() < 0.01 else 1
            created = datetime.fromtimestamp(1_600_000_000 + number * 60, timezone.utc).isoformat()
            out.write(f"{number},CONVERTED,S,WEB,{number % 90_000}.50,RUB,{1 + number % 7},{created},{created},"
                      f"{created}\n")


def rows_of(leads):
    def line(lead):
        created = int(datetime.fromisoformat(lead["DATE_CREATE"]).timestamp())
        amount = Decimal(lead["OPPORTUNITY"] or 0)
        amount = "" if amount == 0 else f"{amount.normalize():f}"
        return int(lead["ID"]), created, amount, lead["ASSIGNED_BY_ID"]
    return sorted(line(lead) for lead in leads)


def plain(url):
    """One page after another by the last id seen."""
    last, leads = 0, []
    while True:
        body = {"order": {"ID": "ASC"}, "filter": {">ID": last}, "select": SELECT, "start": -1}
        request = urllib.request.Request(url + "crm.lead.list", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            page = json.loads(answer.read())["result"]
        leads += page
        if len(page) < 50:
            return leads
        last = page[-1]["ID"]


def fast_bitrix24(url):
    from fast_bitrix24 import Bitrix
    return Bitrix(url, verbose=False).get_all("crm.lead.list", {"select": SELECT})


def b24pysdk(url):
    # The library speaks HTTPS only; REQUESTS_CA_BUNDLE names the certificate.
    from b24pysdk import BitrixWebhook
    host, _, path = url.split("://", 1)[1].partition("/rest/")
    token = BitrixWebhook(domain=host, webhook_token=path.strip("/"))
    return list(token.call_list_fast("crm.lead.list", {"select": SELECT})["result"])


def read(client, url, rows):
    began = time.monotonic()
    try:
        leads = {"plain": plain, "fast_bitrix24": fast_bitrix24, "b24pysdk": b24pysdk}[client](url)
    except Exception as error:  # whatever a library throws is its result
        print(json.dumps({"client": client, "failed": f"{type(error).__name__}: {error}"[:200],
                          "seconds": round(time.monotonic() - began, 2)}))
        return
    seconds = time.monotonic() - began
    with open(rows, "w") as out:
        for row in rows_of(leads):
            out.write(",".join(map(str, row)) + "\n")
    print(json.dumps({"client": client, "leads": len(leads), "seconds": round(seconds, 2)}))


def table(files):
    for name in files:
        entry = json.loads(Path(name).read_text())
        if "failed" in entry:
            print(f"  {entry['client']:<14} failed after {entry['seconds']} s: {entry['failed']}")
            continue
        print(f"  {entry['client']:<14} {entry['leads']:>8} leads in {entry['seconds']:>8.2f} s, "
              f"{entry['asked']['total']:>5} requests, answers by status {entry['asked']['by_status']}")


def same(files):
    first = Path(files[0]).read_text()
    for name in files[1:]:
        other = Path(name).read_text()
        if other != first:
            ours, theirs = first.splitlines(), other.splitlines()
            missing, more = set(ours) - set(theirs), set(theirs) - set(ours)
            sys.exit(f"{name}: {len(theirs)} lines where {files[0]} has {len(ours)}; {len(missing)} missing, such "
                     f"as {sorted(missing)[:2]}; {len(more)} more, such as {sorted(more)[:2]}")
    print(f"  {len(files)} clients read the same {first.count(chr(10))} leads")


if __name__ == "__main__":
    verb, rest = sys.argv[1], sys.argv[2:]
    {"data": lambda: data(*rest), "read": lambda: read(*rest), "table": lambda: table(rest),
     "same": lambda: same(rest)}[verb]()
