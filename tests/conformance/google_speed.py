#!/usr/bin/env python3
"""The simulator's own speed: google_speed.py ENDPOINT PID"""
import http.client
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

ADDRESS, PID = urlsplit(sys.argv[1]).netloc, sys.argv[2]
READS = 300  # small reads a connection


def connection():
    return http.client.HTTPConnection(ADDRESS, timeout=180)


def ask(link, method, path, body=None):
    text = json.dumps(body) if body is not None else None
    link.request(method, path, text, {"Authorization": "Bearer x", "Content-Type": "application/json"})
    answer = link.getresponse()
    data = answer.read()
    if answer.status != 200:
        sys.exit(f"{method} {path}: {answer.status} {data[:300]}")
    return json.loads(data)


def cpu():
    """Seconds of processor that the simulator has used."""
    fields = open(f"/proc/{PID}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident():
    return int(open(f"/proc/{PID}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def timed(what, unit, amount, act):
    began, used = time.perf_counter(), cpu()
    act()
    took, used = time.perf_counter() - began, cpu() - used
    print(f"  {what:<52} {took:7.3f} s, {used:6.2f} CPU s, {amount / took:10.0f} {unit}/s")


def rows(count, row):
    return [{"values": [cell(v) for v in row(i)]} for i in range(count)]


def cell(value):
    kind = "formulaValue" if isinstance(value, str) and value.startswith("=") else "stringValue" if isinstance(value, str) else "numberValue"
    return {"userEnteredValue": {kind: value}}


def main():
    link = connection()
    grid = {"rowCount": 10_010, "columnCount": 12}
    book = ask(link, "POST", "/v4/spreadsheets", {"sheets": [{"properties": {"sheetId": 0, "title": "S", "gridProperties": grid}}]})
    base = f"/v4/spreadsheets/{book['spreadsheetId']}"

    def write(columns, start, what):
        update = {"updateCells": {"start": {"sheetId": 0, "columnIndex": start}, "fields": "userEnteredValue", "rows": rows(10_000, columns)}}
        timed(what, "cells", 10_000 * len(columns(0)), lambda: ask(link, "POST", base + ":batchUpdate", {"requests": [update]}))

    def reads(connections):
        def one():
            own = connection()
            for _ in range(READS):
                ask(own, "GET", base + "/values/S!A1:J1")
        threads = [threading.Thread(target=one) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    write(lambda i: [i + c / 8 for c in range(10)], 0, "one batch of 100,000 changed cells")
    timed("the same cells read back", "cells", 100_000, lambda: ask(link, "GET", base + "/values/S!A1:J10000"))
    for connections in (1, 4):
        timed(f"small reads, {connections} connection(s)", "requests", READS * connections, lambda n=connections: reads(n))
    timed("small writes, 1 connection", "requests", 50, lambda: [
        ask(link, "PUT", base + "/values/S!A1?valueInputOption=RAW", {"values": [[n]]}) for n in range(50)])
    write(lambda i: [f"=SUM(A{i + 1}:J{i + 1})*2"], 10, "10,000 formulas written")
    timed("10,000 formulas computed at the first read", "formulas", 10_000, lambda: ask(link, "GET", base + "/values/S!K10000"))
    write(lambda i: [i * 2], 0, "10,000 of their cells changed")
    timed("10,000 formulas computed again", "formulas", 10_000, lambda: ask(link, "GET", base + "/values/S!K10000"))
    print(f"  memory {resident():.0f} MiB")


if __name__ == "__main__":
    main()
