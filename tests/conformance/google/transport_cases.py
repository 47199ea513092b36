#!/usr/bin/env python3
"""How Google's Python clients talk: transport_cases.py ENDPOINT KEY_FILE FOLDER [ONLY]

google-api-python-client, google-auth and google-auth-oauthlib against the simulator: long addresses, bundles,
uploads that break off, downloads in pieces, pages, retries, consent. The libraries are as their packages have
them; what is put in their way comes from the simulator's management door."""
import gzip
import io
import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from googleapiclient.errors import BatchError, HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseDownload, MediaIoBaseUpload

import api_client_cases
from api_client_cases import ALL, FOLDER, SCOPES, SHEET, XLSX, http
from cases import Cases, has, holds, raises, same

case = Cases("google-api-python-client's transport")
SHORTCUT = "application/vnd.google-apps.shortcut"
# The installed flow speaks plain HTTP to the simulator.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


class World(api_client_cases.World):
    def session(self, subject=None):
        credentials = service_account.Credentials.from_service_account_info(self.key, scopes=SCOPES, subject=subject)
        return AuthorizedSession(credentials)

    def faults(self, *faults):
        requests.post(self.endpoint + "/_sim/faults", json=list(faults), timeout=10).raise_for_status()

    def calm(self):
        requests.delete(self.endpoint + "/_sim/faults", timeout=10).raise_for_status()

    def bytes(self, body, name="thing.bin", mime="application/octet-stream"):
        media = MediaInMemoryUpload(body, mimetype=mime)
        return self.drive.files().create(body={"name": name, "parents": [self.folder]}, media_body=media, fields="id", **ALL).execute()["id"]

    def found(self, drive, q, **more):
        answer = drive.files().list(q=q, fields="files(id,name)", includeItemsFromAllDrives=True, **ALL, **more).execute()
        return [f["name"] for f in answer["files"]]


def swiftly(request):
    """The same request, that does not sleep between its tries."""
    request._sleep = lambda seconds: None
    return request


# --- addresses, bodies, names ----------------------------------------------------------------------


@case("an address that gets too long is sent as a form")
def _(w):
    id_ = w.book([[row * 10 + column for column in range(3)] for row in range(60)])
    ranges = [f"'Sheet1'!A{row}:C{row}" for row in range(1, 61)] * 3
    values = w.sheets.spreadsheets().values()
    request = values.batchGet(spreadsheetId=id_, ranges=ranges, valueRenderOption="UNFORMATTED_VALUE", majorDimension="COLUMNS")
    holds(len(request.uri) > 2048, f"only {len(request.uri)} characters")
    answer = request.execute()["valueRanges"]
    same(len(answer), 180)
    same(answer[61], {"range": "Sheet1!A2:C2", "majorDimension": "COLUMNS", "values": [[10], [11], [12]]})
    bad = values.batchGet(spreadsheetId=id_, ranges=ranges + ["Nowhere!A1"])
    raises(HttpError, bad.execute, http(400, "Unable to parse range: Nowhere!A1"))
    query = " or ".join(f"name = 'no file of the name {number}'" for number in range(100))
    same(w.found(w.drive, query), [])
    same(w.found(w.drive, f"({query} or name = 'nothing') and trashed = false"), [])


@case("packed bodies, and names as protocol buffers spell them")
def _(w):
    id_ = w.book()
    session, address = w.session(), f"{w.endpoint}/v4/spreadsheets/{id_}"
    body = gzip.compress(json.dumps({"values": [["packed", "=1+1"]]}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = session.put(f"{address}/values/A1:B1?value_input_option=USER_ENTERED", data=body, headers=headers)
    same((answer.status_code, answer.json()["updatedCells"]), (200, 2))
    # A recorder unpacks bodies: what cannot be unpacked goes to the simulator itself.
    own = w.key["token_uri"].rsplit("/", 1)[0]
    broken = session.put(f"{own}/v4/spreadsheets/{id_}/values/A1?valueInputOption=RAW", data=b"no gzip", headers=headers)
    same(broken.status_code, 400)
    batch = {"requests": [
        {"add_sheet": {"properties": {"title": "snake_case", "sheet_id": 7, "grid_properties": {"row_count": 5, "column_count": 3}}}},
        {"repeat_cell": {"range": {"sheet_id": 7, "end_row_index": 2}, "fields": "user_entered_value,user_entered_format.text_format.bold",
                         "cell": {"user_entered_value": {"string_value": "a_b"}, "user_entered_format": {"text_format": {"bold": True}}}}}],
        "include_spreadsheet_in_response": True, "response_include_grid_data": True}
    answer = session.post(address + ":batchUpdate", json=batch)
    same(answer.status_code, 200)
    tab = answer.json()["updatedSpreadsheet"]["sheets"][1]
    has(tab["properties"], {"title": "snake_case", "sheetId": 7, "gridProperties": {"rowCount": 5, "columnCount": 3}})
    has(tab["data"][0]["rowData"][1]["values"][2], {"userEnteredValue": {"stringValue": "a_b"}, "userEnteredFormat": {"textFormat": {"bold": True}}})
    wrong = session.post(address + ":batchUpdate", json={"requests": [{"add_sheets": {}}]})
    same(wrong.status_code, 400)
    masked = session.get(address, params={"fields": "sheets.properties(sheet_id,title)", "prettyPrint": "false", "quotaUser": "me"})
    same(masked.json()["sheets"][1]["properties"], {"sheetId": 7, "title": "snake_case"})


# --- bytes -----------------------------------------------------------------------------------------


@case("downloads in pieces")
def _(w):
    body = bytes(range(256)) * 20
    id_ = w.bytes(body)
    for size in (1000, 1024, 5120, 9999):
        out = io.BytesIO()
        download = MediaIoBaseDownload(out, w.drive.files().get_media(fileId=id_, **ALL), chunksize=size)
        pieces, done = 0, False
        while not done:
            progress, done = download.next_chunk()
            pieces += 1
        same((out.getvalue() == body, pieces, progress.progress()), (True, -(-5120 // size), 1.0), f"pieces of {size}")
    empty = w.bytes(b"", name="empty")
    out = io.BytesIO()
    _, done = MediaIoBaseDownload(out, w.drive.files().get_media(fileId=empty, **ALL)).next_chunk()
    same((done, out.getvalue()), (True, b""))


@case("a part of a file, and one behind its end")
def _(w):
    id_ = w.bytes(b"0123456789", mime="text/plain")
    session, address = w.session(), f"{w.endpoint}/drive/v3/files/{id_}?alt=media&supportsAllDrives=true"
    for asked, want, told in [("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=7-", b"789", "bytes 7-9/10"), ("bytes=-2", b"89", "bytes 8-9/10")]:
        answer = session.get(address, headers={"Range": asked})
        same((answer.status_code, answer.content, answer.headers["Content-Range"]), (206, want, told))
    answer = session.get(address, headers={"Range": "bytes=10-"})
    same((answer.status_code, answer.headers["Content-Range"]), (416, "bytes */10"))
    same(answer.json()["error"]["errors"][0]["reason"], "requestedRangeNotSatisfiable")
    same(session.get(address).content, b"0123456789")


@case("an upload that breaks off goes on where it was")
def _(w):
    body = bytes(range(256)) * 4096
    for fault in ({"status": 503}, {"kind": "reset"}, {"kind": "after_apply"}):
        media = MediaIoBaseUpload(io.BytesIO(body), mimetype="application/x-thing", chunksize=256 * 1024, resumable=True)
        request = w.drive.files().create(body={"name": "long", "parents": [w.folder]}, media_body=media, fields="id,size", **ALL)
        progress, answer = request.next_chunk()
        same((progress.resumable_progress, answer), (256 * 1024, None))
        w.faults({"match": "drive.files.create", **fault})
        raises((HttpError, OSError), request.next_chunk)
        # It asks how much has arrived, and goes on from there.
        while answer is None:
            _, answer = request.next_chunk()
        w.calm()
        same(answer["size"], str(len(body)), str(fault))
        same(w.drive.files().get_media(fileId=answer["id"], **ALL).execute() == body, True, str(fault))


@case("the kinds of upload, to a new file and over an old one")
def _(w):
    session, address = w.session(), f"{w.endpoint}/upload/drive/v3/files"
    plain = session.post(address + "?uploadType=media&fields=id,name,size", data=b"abc", headers={"Content-Type": "text/plain"})
    same(plain.status_code, 403)  # its own root, where the account has no storage
    owner = w.session("owner@example.com")
    plain = owner.post(address + "?uploadType=media&fields=id,name,size,mimeType", data=b"abc", headers={"Content-Type": "text/plain"}).json()
    has(plain, {"name": "Untitled", "size": "3", "mimeType": "text/plain"})
    media = MediaInMemoryUpload(b"k;v\n", mimetype="text/plain")
    changed = w.owner_drive.files().update(fileId=plain["id"], body={"name": "named.txt"}, media_body=media, fields="name,size,fileExtension").execute()
    same(changed, {"name": "named.txt", "size": "4", "fileExtension": "txt"})
    begun = owner.post(address + "?uploadType=resumable", json={"name": "later"}, headers={"X-Upload-Content-Type": "text/plain", "X-Upload-Content-Length": "6"})
    place = begun.headers["Location"]
    asked = owner.put(place, headers={"Content-Range": "bytes */6"})
    same((asked.status_code, asked.headers.get("Range")), (308, None))
    first = owner.put(place, data=b"abc", headers={"Content-Range": "bytes 0-2/6"})
    same((first.status_code, first.headers["Range"]), (308, "bytes=0-2"))
    last = owner.put(place, data=b"def", headers={"Content-Range": "bytes 3-5/6"})
    same(last.status_code, 200)
    same(owner.get(f"{w.endpoint}/drive/v3/files/{last.json()['id']}?alt=media").content, b"abcdef")
    same(owner.put(place, data=b"x", headers={"Content-Range": "bytes 0-0/1"}).status_code, 404)


@case("a table of text over a spreadsheet")
def _(w):
    id_ = w.book([["old", 1]])
    media = MediaInMemoryUpload("x\ty\n1\t=A2*2\n".encode(), mimetype="text/tab-separated-values")
    w.drive.files().update(fileId=id_, media_body=media, **ALL).execute()
    same(w.read(id_, "A1:B3"), [["x", "y"], ["1", "2"]])


@case("a workbook becomes a spreadsheet, at once and in pieces")
def _(w):
    id_ = w.book()
    w.batch(id_, {"addSheet": {"properties": {"sheetId": 5, "title": "It's «Two»", "hidden": True}}}, {"mergeCells": {"range": {"sheetId": 0, "startRowIndex": 9, "endRowIndex": 11, "startColumnIndex": 0, "endColumnIndex": 2}}},
            {"addNamedRange": {"namedRange": {"name": "numbers", "range": {"sheetId": 0, "startRowIndex": 2, "endRowIndex": 4, "startColumnIndex": 1, "endColumnIndex": 2}}}},
            {"repeatCell": {"range": {"sheetId": 0, "endRowIndex": 1}, "cell": {"userEnteredFormat": {"textFormat": {"bold": True}}}, "fields": "userEnteredFormat.textFormat.bold"}})
    w.write(id_, "A1", [["Привет", "число", "флаг", "сумма", "код", "день"], [], ["a<b & \"c\"", 0.1, True, "=SUM(numbers)*10", "'007", "2026-03-05"], ["строка\nвторая", "12.5%", False, "=IF(C3,\"да\",\"нет\")", "=1/0", "=UNIQUE(B3:B4)"]])
    w.write(id_, "'It''s «Two»'!B2", [["=Sheet1!B3+1"]])
    book = w.drive.files().export(fileId=id_, mimeType=XLSX).execute()
    look = lambda i: w.sheets.spreadsheets().get(spreadsheetId=i, fields="namedRanges(name,range),sheets(properties(title,hidden),merges)").execute()
    for resumable in (False, True):
        body = {"name": "From a workbook", "mimeType": SHEET, "parents": [w.folder]}
        made = w.drive.files().create(body=body, media_body=MediaInMemoryUpload(book, mimetype=XLSX, resumable=resumable), fields="id,mimeType,name", **ALL).execute()
        has(made, {"mimeType": SHEET, "name": "From a workbook"})
        same([s["properties"] for s in look(made["id"])["sheets"]], [s["properties"] for s in look(id_)["sheets"]])
        same(look(made["id"])["namedRanges"][0]["name"], "numbers")
        same(len(look(made["id"])["sheets"][0]["merges"]), 1)
        for where in ("Sheet1!A1:F9", "'It''s «Two»'!A1:C3"):
            for how in ("UNFORMATTED_VALUE", "FORMULA", "FORMATTED_VALUE"):
                same(w.read(made["id"], where, valueRenderOption=how), w.read(id_, where, valueRenderOption=how), f"{where}, {how}")
        bold = w.sheets.spreadsheets().get(spreadsheetId=made["id"], ranges="A1", fields="sheets.data.rowData.values.userEnteredFormat.textFormat.bold").execute()
        same(bold["sheets"][0]["data"][0]["rowData"][0]["values"][0]["userEnteredFormat"]["textFormat"]["bold"], True)
    before = len(w.found(w.drive, "name = 'broken'"))
    broken = MediaInMemoryUpload(b"PK no workbook", mimetype=XLSX)
    raises(HttpError, lambda: w.drive.files().create(body={"name": "broken", "mimeType": SHEET, "parents": [w.folder]}, media_body=broken, **ALL).execute(), http(400))
    picture = MediaInMemoryUpload(b"GIF89a", mimetype="image/gif")
    raises(HttpError, lambda: w.drive.files().create(body={"name": "broken", "mimeType": SHEET, "parents": [w.folder]}, media_body=picture, **ALL).execute(), http(400))
    same(len(w.found(w.drive, "name = 'broken'")), before)


# --- bundles ---------------------------------------------------------------------------------------


@case("a bundle of every kind of call, each with its own end")
def _(w):
    ids = [w.book() for _ in range(3)]
    answers, errors = {}, {}

    def note(key, answer, error):
        (errors if error else answers)[key] = error or answer
    files, permissions = w.drive.files(), w.drive.permissions()
    batch = w.drive.new_batch_http_request(callback=note)
    batch.add(files.get(fileId=ids[0], fields="id,name", **ALL), request_id="get")
    batch.add(files.update(fileId=ids[1], body={"name": "в связке «é»", "appProperties": {"k": "v"}}, fields="name,appProperties", **ALL), request_id="update")
    batch.add(permissions.create(fileId=ids[1], body={"type": "user", "role": "reader", "emailAddress": "b@example.com"}, sendNotificationEmail=False, fields="id,role", **ALL), request_id="share")
    batch.add(files.delete(fileId=ids[2], **ALL), request_id="delete")
    batch.add(files.get(fileId="missing", **ALL), request_id="missing")
    batch.execute()
    same(answers["get"]["id"], ids[0])
    same(answers["update"], {"name": "в связке «é»", "appProperties": {"k": "v"}})
    same(answers["share"]["role"], "reader")
    holds(answers["delete"] in ("", b""), f"a deletion answers {answers['delete']!r}")
    same((errors["missing"].resp.status, list(errors)), (404, ["missing"]))
    raises(HttpError, lambda: files.get(fileId=ids[2], **ALL).execute(), http(404))


@case("a bundle whose token ended signs in anew; a bundle of Sheets is refused call by call")
def _(w):
    id_ = w.book()
    errors = []
    batch = w.sheets.new_batch_http_request(callback=lambda key, answer, error: errors.append(error))
    batch.add(w.sheets.spreadsheets().get(spreadsheetId=id_, fields="spreadsheetId"))
    batch.execute()
    same([e.resp.status for e in errors], [501])
    many = w.drive.new_batch_http_request()
    for _ in range(101):
        many.add(w.drive.files().get(fileId=id_, fields="id", **ALL))
    raises((HttpError, BatchError), many.execute)


# --- lists -----------------------------------------------------------------------------------------


@case("more files than a page, followed to the end")
def _(w):
    folder = w.drive.files().create(body={"name": "many", "mimeType": FOLDER, "parents": [w.folder]}, fields="id", **ALL).execute()["id"]
    names = [f"n {number:03}" for number in range(130)]
    for start in range(0, 130, 50):
        batch = w.drive.new_batch_http_request()
        for name in names[start:start + 50]:
            batch.add(w.drive.files().create(body={"name": name, "parents": [folder], "mimeType": "text/plain"}, fields="id", **ALL))
        batch.execute()
    for size, pages in ((None, 2), (50, 3), (130, 1), (1000, 1)):
        request = w.drive.files().list(q=f"'{folder}' in parents", orderBy="name", fields="nextPageToken,files(name)", includeItemsFromAllDrives=True, **ALL,
                                       **({"pageSize": size} if size else {}))
        seen, count = [], 0
        while request is not None:
            answer = request.execute()
            seen += [f["name"] for f in answer["files"]]
            count += 1
            request = w.drive.files().list_next(request, answer)
        same((seen == names, count), (True, pages), f"pages of {size}")
    for size in (0, -1, 1001):
        raises(HttpError, lambda s=size: w.drive.files().list(pageSize=s).execute(), http(400, "Values must be within the range: [1, 1000]"))
    raises(HttpError, lambda: w.drive.files().list(pageToken="none of yours").execute(), http(400, "pageToken"))


@case("permissions and changes in pages")
def _(w):
    id_ = w.book()
    for number in range(5):
        w.drive.permissions().create(fileId=id_, body={"type": "user", "role": "reader", "emailAddress": f"p{number}@example.com"}, sendNotificationEmail=False, **ALL).execute()
    whole = w.drive.permissions().list(fileId=id_, **ALL).execute()["permissions"]
    request, seen = w.drive.permissions().list(fileId=id_, pageSize=2, **ALL), []
    while request is not None:
        answer = request.execute()
        holds(len(answer["permissions"]) <= 2, "a page is too long")
        seen += answer["permissions"]
        request = w.drive.permissions().list_next(request, answer)
    same(seen, whole)
    start = w.drive.changes().getStartPageToken(**ALL).execute()["startPageToken"]
    ids = [w.book() for _ in range(5)]
    request, seen = w.drive.changes().list(pageToken=start, pageSize=2, includeItemsFromAllDrives=True, **ALL), []
    while request is not None:
        answer = request.execute()
        seen += [c["fileId"] for c in answer["changes"]]
        request = w.drive.changes().list_next(request, answer)
    holds(set(ids) <= set(seen), "changes are missing")


@case("what can be searched for")
def _(w):
    _, ann = w.services("search.ann@example.com")
    _, bob = w.services("search.bob@example.com")
    make = lambda drive, **body: drive.files().create(body=body, fields="id,createdTime").execute()
    first = make(ann, name="quarter plan", mimeType=SHEET, appProperties={"year": "2026"})
    second = make(ann, name="picture.png", mimeType="image/png", properties={"kind": "logo"})
    third = make(ann, name="way there", mimeType=SHORTCUT, shortcutDetails={"targetId": first["id"]})
    share = lambda id_, **who: ann.permissions().create(fileId=id_, body=who, fields="id", **({"sendNotificationEmail": False} if "emailAddress" in who else {})).execute()
    share(first["id"], type="user", role="writer", emailAddress="search.bob@example.com")
    share(second["id"], type="anyone", role="reader")
    for drive, q, want in [
        (ann, "name contains 'plan'", ["quarter plan"]), (ann, "name contains 'lan'", []), (ann, "not name contains 'plan' and mimeType contains 'image/'", ["picture.png"]),
        (ann, "appProperties has { key='year' and value='2026' }", ["quarter plan"]), (ann, "properties has { key='kind' and value='logo' }", ["picture.png"]),
        (ann, "visibility = 'anyoneWithLink'", ["picture.png"]), (ann, "visibility = 'limited' and mimeType = '" + SHEET + "'", ["quarter plan"]),
        (ann, f"shortcutDetails.targetId = '{first['id']}'", ["way there"]), (ann, "'search.ann@example.com' in owners and name = 'way there'", ["way there"]),
        (ann, f"modifiedTime > '{first['createdTime']}' and name = 'picture.png'", ["picture.png"]), (ann, "modifiedTime < '2012-06-04'", []),
        (ann, "modifiedTime > '2012-06-04T12:00:00-08:00' and (name = 'picture.png' or name = 'nothing')", ["picture.png"]),
        (ann, "'root' in parents and name = 'quarter plan'", ["quarter plan"]), (ann, "'me' in owners and name = 'picture.png'", ["picture.png"]),
        (bob, "sharedWithMe", ["quarter plan"]), (bob, "sharedWithMe = true and 'search.bob@example.com' in writers", ["quarter plan"]),
        (bob, "'me' in owners", []), (ann, "sharedWithMe", []), (ann, "fullText contains 'quarter'", ["quarter plan"]),
    ]:
        same(w.found(drive, q), want, q)
    for bad in ("name = 'open", "nonsense = 'x'", "modifiedTime > 'soon'", "visibility = 'hidden'", "name ~ 'x'", "(trashed = false", "name > 'a'"):
        raises(HttpError, lambda q=bad: w.found(ann, q), http(400, "Invalid Value"))
    for wrong in ({"orderBy": "colour"}, {"corpora": "everything"}, {"corpora": "drive"}, {"spaces": "outer"}):
        raises(HttpError, lambda m=wrong: ann.files().list(**m).execute(), http(400))
    same([f["name"] for f in ann.files().list(orderBy="name desc").execute()["files"]], ["way there", "quarter plan", "picture.png"])
    raises(HttpError, lambda: make(ann, name="to nowhere", mimeType=SHORTCUT), http(400))
    details = ann.files().get(fileId=third["id"], fields="shortcutDetails(targetId,targetMimeType)").execute()["shortcutDetails"]
    same(details, {"targetId": first["id"], "targetMimeType": SHEET})


# --- trouble ---------------------------------------------------------------------------------------


@case("what passes is tried again by the client")
def _(w):
    id_ = w.book([["x"]])
    read = lambda: w.sheets.spreadsheets().values().get(spreadsheetId=id_, range="A1")
    for fault in ({"status": 500}, {"status": 502, "body": "<html>Bad Gateway</html>"}, {"status": 503}, {"status": 429}, {"kind": "reset"}):
        w.faults({"match": "sheets.spreadsheets.values.get", "count": 2, **fault})
        same(swiftly(read()).execute(num_retries=3)["values"], [["x"]], str(fault))
        w.faults({"match": "sheets.spreadsheets.values.get", **fault})
        raises((HttpError, OSError), lambda: read().execute(num_retries=0) or None) if "kind" not in fault else read().execute(num_retries=1)
        w.calm()


@case("errors of every status say what Google says")
def _(w):
    id_ = w.book()
    get = lambda: w.sheets.spreadsheets().get(spreadsheetId=id_).execute(num_retries=0)
    for status, canonical in ((400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND"), (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")):
        w.faults({"match": "sheets.spreadsheets.get", "status": status})
        error = raises(HttpError, get)
        w.calm()
        same((error.status_code, json.loads(error.content)["error"]["status"]), (status, canonical))
        holds(error.reason, "no reason")
    w.faults({"match": "drive.files.get", "status": 403, "body": {"error": {"code": 403, "message": "Rate Limit Exceeded", "errors": [
        {"domain": "usageLimits", "reason": "rateLimitExceeded", "message": "Rate Limit Exceeded"}]}}})
    same(swiftly(w.drive.files().get(fileId=id_, fields="id", **ALL)).execute(num_retries=1), {"id": id_})
    w.calm()


@case("a token that ends early is renewed on the way")
def _(w):
    id_ = w.book([["x"]])
    w.faults({"match": "sheets.spreadsheets.values.get", "kind": "revoke_token"})
    same(w.read(id_, "A1"), [["x"]])
    session = w.session()
    address = f"{w.endpoint}/v4/spreadsheets/{id_}?fields=spreadsheetId"
    same(session.get(address).status_code, 200)
    w.faults({"match": "sheets.spreadsheets.get", "kind": "revoke_token"})
    same(session.get(address).status_code, 200)


@case("consent of a person with PKCE, renewal, withdrawal")
def _(w):
    at = lambda path: w.endpoint + path
    config = {"installed": {"client_id": "desk.apps.googleusercontent.com", "client_secret": "s", "auth_uri": at("/o/oauth2/v2/auth"), "token_uri": at("/token"), "redirect_uris": ["http://127.0.0.1"]}}
    flow = Flow.from_client_config(config, scopes=SCOPES, redirect_uri="http://127.0.0.1:9/done", autogenerate_code_verifier=True)
    url, state = flow.authorization_url(access_type="offline", prompt="consent", login_hint="consent@example.com")
    back = requests.get(url, allow_redirects=False, timeout=10)
    answer = parse_qs(urlsplit(back.headers["Location"]).query)
    same((back.status_code, answer["state"]), (302, [state]))
    flow.fetch_token(code=answer["code"][0])
    given = flow.credentials
    holds(given.refresh_token and given.valid, "no lasting consent")
    again = Flow.from_client_config(config, scopes=SCOPES, redirect_uri="http://127.0.0.1:9/done", code_verifier="another" * 10)
    raises(Exception, lambda: again.fetch_token(code=answer["code"][0]))
    kept = Credentials(None, refresh_token=given.refresh_token, token_uri=at("/token"), client_id=given.client_id, client_secret=given.client_secret, scopes=SCOPES)
    drive = w.service("drive.v3", kept)
    same(drive.about().get(fields="user(emailAddress)").execute()["user"]["emailAddress"], "consent@example.com")
    made = drive.files().create(body={"name": "own", "mimeType": SHEET}, fields="id,ownedByMe").execute()
    same(made["ownedByMe"], True)
    same(requests.post(at("/revoke"), data={"token": kept.refresh_token}, timeout=10).status_code, 200)
    raises(RefreshError, lambda: kept.refresh(Request()), lambda e: holds("invalid_grant" in str(e), str(e)))


if __name__ == "__main__":
    case.run(World(*sys.argv[1:4]), *sys.argv[4:5])
