#!/usr/bin/env python3
"""What was there before a recording began: replay_seed.py RECORDED OUT

A recording of a real account opens files that nobody makes within it. What they were is known only from
their own answers, so the first of them becomes the initial state (`sim google --seed`): the simulator reads it
as any spreadsheet and answers from what it made of it. A file that the real account might not see belongs
to somebody else."""
import glob
import json
import re
import sys

seed = {}
for name in sorted(glob.glob(sys.argv[1] + "/*.json")):
    made = set()
    for exchange in json.load(open(name))["interactions"]:
        request, answer = exchange["request"], exchange["response"]
        status, text = answer["status"]["code"], answer["body"].get("string") or ""
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        found = re.search(r"/v4/spreadsheets/([^/:?]+)(\?|$)", request["uri"])
        if isinstance(body, dict) and body.get("kind") == "drive#file":
            made.add(body.get("id"))
        if not found or request["method"] != "GET" or found[1] in made or found[1] in seed:
            continue
        if status == 403:
            seed[found[1]] = {"spreadsheet": {"spreadsheetId": found[1]}, "owner": "somebody.else@example.com"}
        elif status == 200 and isinstance(body, dict) and "sheets" in body:
            seed[found[1]] = {"spreadsheet": body}
json.dump(list(seed.values()), open(sys.argv[2], "w"))
print(f"{len(seed)} spreadsheets were there before the recordings")
