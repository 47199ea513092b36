#!/usr/bin/env python3
"""checkable.py TRAFFIC.jsonl OUT.jsonl: traffic of clients that nobody here wrote, made ready for a checker.

A checker of traffic against Google's documents takes every exchange for one that ought to be right. Clients do
more: they send what the documents do not name and Google takes all the same, and the conformance scripts make
them send what Google must refuse. So that neither hides a fault of the simulator:

* a request that was refused (4xx) loses its query and body; its answer stays, an error's shape is checked.
  A wrong request that was NOT refused keeps everything, and is a fault;
* the habits below, each with the client that has it, are taken out of requests and counted;
* names written as in .proto files (`add_sheet`), which Google's JSON readers take too, are read as the documents
  write them (`addSheet`);
* what one request wraps is unwrapped: each call of a bundle (`/batch`) counts as an exchange of its own, the
  description in a multipart upload is its request, and a GET that was sent as a form is a GET again;
* pages, assets and the management door are nobody's API and are left out.
"""
import collections
import json
import re
import sys
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

API = re.compile(r"^/(v4|drive/v3|upload/drive/v3|resumable/upload)/")
# Old addresses that clients still use and that no document of today describes.
ELSEWHERE = {
    "/upload/drive/v2/": "gspread imports text by Drive v2",
    "/drive/v2/": "gspread exports by Drive v2",
}
# Query parameters and body fields that a client sends to methods that do not name them.
HABITS = [
    ("drive.files.get", "query", "includeItemsFromAllDrives", re.compile(r"^GET /drive/v3/files/[^/?]+$"), "gspread"),
    ("drive.permissions.create", "body", "withLink", re.compile(r"^POST /drive/v3/files/[^/]+/permissions$"), "gspread"),
]


BOUNDARY = re.compile(r"^\s*--(\S+)\r?\n")
# Characters that the recorder keeps of a body that is not JSON: the last call of a longer bundle is cut off.
RECORDED = 2000


def sections(text):
    """The parts of a multipart text that are there whole: headers by small name, and the body."""
    found = BOUNDARY.match(text or "")
    if not found:
        return []
    pieces = text.split("--" + found.group(1))[1:]
    whole = pieces[:-1]
    out = []
    for piece in whole:
        head, _, body = piece.strip("\r\n").replace("\r\n", "\n").partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        out.append(({name.lower(): value for name, value in headers.items()}, body.strip("\n")))
    return out


def body_of(text):
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text


def unbundled(exchange, counts):
    """The calls of a bundle as exchanges, paired by their ids."""
    answers = {}
    for headers, inner in sections(exchange["response"]):
        first, _, rest = inner.partition("\n")
        status = re.match(r"HTTP/1\.1 (\d+)", first)
        if status:
            _, _, body = rest.partition("\n\n")
            answers[headers.get("content-id", "").replace("<response-", "<")] = int(status.group(1)), body_of(body)
    out = []
    for headers, inner in sections(exchange["request"]):
        first, _, rest = inner.partition("\n")
        verb, address = first.split(" ")[:2]
        _, _, body = rest.partition("\n\n")
        found = answers.get(headers.get("content-id"))
        if found is None:
            counts["left out: a bundle's call that the recorder cut off"] += 1
            continue
        counts["calls of bundles"] += 1
        url = urlsplit(address)
        out.append({"method": verb, "path": urlunsplit(("", "", url.path, url.query, "")), "request": body_of(body),
                    "status": found[0], "response": found[1]})
    return out


def unwrapped(exchange, counts):
    """The exchanges that one exchange stands for."""
    url, body = urlsplit(exchange["path"]), exchange.get("request")
    if url.path == "/batch" or url.path.startswith("/batch/"):
        if isinstance(exchange["response"], str):
            return unbundled(exchange, counts)
        return []
    if url.path.startswith("/upload/") and isinstance(body, str):
        parts = sections(body)
        if parts and "json" in parts[0][0].get("content-type", ""):
            counts["descriptions in multipart uploads"] += 1
            return [{**exchange, "request": body_of(parts[0][1])}]
    if exchange["method"] == "POST" and url.path.endswith("/values:batchGet") or (
            exchange["method"] == "POST" and url.path == "/drive/v3/files" and isinstance(body, str)):
        counts["long addresses sent as forms"] += 1
        # A parameter that the recorder cut in two is not the client's.
        query = body.rpartition("&")[0] if isinstance(body, str) and len(body) >= RECORDED else body or ""
        joined = "&".join(part for part in (url.query, query) if part)
        return [{**exchange, "method": "GET", "path": f"{url.path}?{joined}", "request": None}]
    return [exchange]


PROTO_NAME = re.compile(r"^[a-z]+(_[a-z]+)+$")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def documented(value):
    """A request of Sheets, which has no free names, with its names as the documents write them."""
    if isinstance(value, dict):
        return {camel(key) if PROTO_NAME.match(key) else key: documented(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [documented(inner) for inner in value]
    return value


def prepared(exchange, counts):
    """The exchange as a checker should see it, or None when no document describes its address."""
    url = urlsplit(exchange["path"])
    for prefix, why in ELSEWHERE.items():
        if url.path.startswith(prefix):
            counts[f"left out: {why}"] += 1
            return None
    if not API.match(url.path):
        return None
    # google-spreadsheet joins an address that ends with a slash to one that begins with a colon.
    path, joined = re.subn(r"^(/v4/spreadsheets/[^/]+)/(:\w+)$", r"\1\2", url.path)
    if joined:
        counts["habit: google-spreadsheet writes /ID/:method"] += 1
    query, body = url.query, exchange.get("request")
    if 400 <= exchange["status"] < 500:
        counts[f"refused with {exchange['status']}, answers checked"] += 1
        query, body = required(query), None
    for name, where, field, pattern, client in HABITS:
        if not pattern.match(f"{exchange['method']} {path}"):
            continue
        if where == "query":
            pairs = parse_qsl(query, keep_blank_values=True)
            kept = [pair for pair in pairs if pair[0] != field]
            if len(kept) != len(pairs):
                counts[f"habit: {client} sends {field} to {name}"] += 1
                query = urlencode(kept)
        elif isinstance(body, dict) and field in body:
            counts[f"habit: {client} sends {field} to {name}"] += 1
            body = {key: value for key, value in body.items() if key != field}
    if path.startswith("/v4/"):
        named = re.sub(r"(^|&)([a-z]+(?:_[a-z]+)+)=", lambda found: found[1] + camel(found[2]) + "=", query)
        if (named, documented(body)) != (query, body):
            counts["names as in .proto files"] += 1
            query, body = named, documented(body)
    if isinstance(body, dict) and "requests" in body and body["requests"] != flat(body["requests"]):
        counts["habit: pygsheets sends one request without a list, or lists within the list"] += 1
        body = {**body, "requests": flat(body["requests"])}
    return {**exchange, "path": urlunsplit(("", "", path, query, "")), "request": body}


def flat(requests):
    if not isinstance(requests, list):
        return [requests]
    return [one for item in requests for one in (flat(item) if isinstance(item, list) else [item])]


def required(query):
    """Of a refused request's query only what an address cannot do without."""
    kept = [pair for pair in parse_qsl(query) if pair[0] in ("pageToken", "mimeType", "requestId")]
    return urlencode(kept)


def main():
    counts, written = collections.Counter(), 0
    with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "a", encoding="utf-8") as target:
        for line in source:
            for exchange in unwrapped(json.loads(line), counts):
                ready = prepared(exchange, counts)
                if ready is not None:
                    target.write(json.dumps(ready, ensure_ascii=False) + "\n")
                    written += 1
    for what, count in sorted(counts.items()):
        print(f"{count:6d}  {what}")
    if written == 0:
        sys.exit(f"{sys.argv[1]}: no exchange with an API")


if __name__ == "__main__":
    main()
