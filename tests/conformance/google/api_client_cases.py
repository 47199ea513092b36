#!/usr/bin/env python3
"""google-api-python-client against the simulator: api_client_cases.py ENDPOINT KEY_FILE FOLDER [ONLY]

The client builds itself from the discovery documents in its own package; only the root address in them is
the simulator's. Drive and Sheets are used as the service account and as people it acts for."""
import io
import json
import sys
import zipfile
from pathlib import Path

import googleapiclient
from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseDownload

from cases import Cases, has, holds, raises, same

case = Cases("google-api-python-client")
SHEET = "application/vnd.google-apps.spreadsheet"
FOLDER = "application/vnd.google-apps.folder"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SCOPES = ["https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/spreadsheets"]
DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
ALL = {"supportsAllDrives": True}


class World:
    def __init__(self, endpoint, key_file, folder):
        self.endpoint, self.folder, self.number = endpoint, folder, 0
        self.key = json.load(open(key_file))
        self.sheets, self.drive = self.services()
        self.owner_sheets, self.owner_drive = self.services("owner@example.com")

    def services(self, subject=None, scopes=SCOPES):
        credentials = service_account.Credentials.from_service_account_info(self.key, scopes=scopes, subject=subject)
        return [self.service(name, credentials) for name in ("sheets.v4", "drive.v3")]

    def service(self, name, credentials):
        document = json.loads((DOCUMENTS / f"{name}.json").read_text())
        path = document["servicePath"]
        document["rootUrl"], document["baseUrl"] = self.endpoint + "/", f"{self.endpoint}/{path}"
        document.pop("mtlsRootUrl", None)
        return build_from_document(document, credentials=credentials)

    def book(self, rows=None, **properties):
        self.number += 1
        body = {"name": f"api {self.number}", "mimeType": SHEET, "parents": [self.folder]}
        id_ = self.drive.files().create(body={**body, **properties}, fields="id", **ALL).execute()["id"]
        if rows:
            self.write(id_, "A1", rows)
        return id_

    def write(self, id_, range_, rows, option="USER_ENTERED"):
        return self.sheets.spreadsheets().values().update(
            spreadsheetId=id_, range=range_, valueInputOption=option, body={"values": rows}).execute()

    def read(self, id_, range_, **options):
        return self.sheets.spreadsheets().values().get(spreadsheetId=id_, range=range_, **options).execute().get("values")

    def batch(self, id_, *requests, **more):
        body = {"requests": list(requests), **more}
        return self.sheets.spreadsheets().batchUpdate(spreadsheetId=id_, body=body).execute()

    def tab(self, id_, fields):
        return self.sheets.spreadsheets().get(spreadsheetId=id_, fields=f"sheets({fields})").execute()["sheets"][0]


def http(code, words=""):
    def check(error):
        same(error.resp.status, code, "status")
        holds(words in error.content.decode(), f"{words!r} is not in {error.content.decode()[:500]}")
    return check


def grid(r0, r1, c0, c1, sheet=0):
    return {"sheetId": sheet, "startRowIndex": r0, "endRowIndex": r1, "startColumnIndex": c0, "endColumnIndex": c1}


# --- Drive: files ----------------------------------------------------------------------------------


@case("files: create, get, update, copy, delete")
def _(w):
    files = w.drive.files()
    made = files.create(body={"name": "A", "mimeType": SHEET, "parents": [w.folder], "description": "d",
                              "appProperties": {"k": "v"}}, fields="*", **ALL).execute()
    has(made, {"kind": "drive#file", "name": "A", "mimeType": SHEET, "parents": [w.folder], "description": "d",
               "appProperties": {"k": "v"}, "trashed": False})
    changed = files.update(fileId=made["id"], body={"name": "B", "starred": True, "appProperties": {"k": None, "l": "2"}},
                           fields="name,starred,appProperties,modifiedTime", **ALL).execute()
    has(changed, {"name": "B", "starred": True, "appProperties": {"l": "2"}})
    holds(changed["modifiedTime"] > made["modifiedTime"], "the time of the change did not move")
    copy = files.copy(fileId=made["id"], body={"name": "C"}, fields="id,name,appProperties,parents", **ALL).execute()
    has(copy, {"name": "C", "appProperties": {"l": "2"}, "parents": [w.folder]})
    unnamed = files.copy(fileId=made["id"], body={}, fields="name", **ALL).execute()
    same(unnamed["name"], "Copy of B")
    same(files.delete(fileId=made["id"], **ALL).execute(), "")
    raises(HttpError, lambda: files.get(fileId=made["id"], **ALL).execute(), http(404, "File not found"))
    default = files.get(fileId=copy["id"], **ALL).execute()
    same(sorted(default), ["driveId", "id", "kind", "mimeType", "name", "teamDriveId"])


@case("files: list with many queries")
def _(w):
    folder = w.drive.files().create(body={"name": "Q", "mimeType": FOLDER, "parents": [w.folder]}, fields="id", **ALL).execute()["id"]
    for name, more in [("plan 2026", {"appProperties": {"year": "2026"}}), ("plan 2025", {"appProperties": {"year": "2025"}}),
                       ("it's a \\ thing", {}), ("report", {"properties": {"kind": "r"}, "starred": True})]:
        w.drive.files().create(body={"name": name, "mimeType": SHEET, "parents": [folder], **more}, **ALL).execute()
    trashed = w.drive.files().create(body={"name": "old", "mimeType": SHEET, "parents": [folder]}, fields="id", **ALL).execute()["id"]
    w.drive.files().update(fileId=trashed, body={"trashed": True}, **ALL).execute()
    within = f"'{folder}' in parents and "

    def names(q, **more):
        got = w.drive.files().list(q=within + q, fields="files(name)", includeItemsFromAllDrives=True, **ALL, **more).execute()
        return sorted(f["name"] for f in got["files"])

    everything = ["it's a \\ thing", "plan 2025", "plan 2026", "report"]
    for q, want in [
        ("trashed = false", everything), ("trashed=true", ["old"]), ("name = 'plan 2026'", ["plan 2026"]),
        ("name contains 'plan'", ["plan 2025", "plan 2026"]), ("name contains '2026' and trashed = false", ["plan 2026"]),
        ("not name contains 'plan' and trashed = false", ["it's a \\ thing", "report"]),
        ("name = 'it\\'s a \\\\ thing'", ["it's a \\ thing"]),
        ("(name = 'report' or name = 'plan 2025')", ["plan 2025", "report"]),
        ("appProperties has { key='year' and value='2026' }", ["plan 2026"]),
        ("properties has { key='kind' and value='r' }", ["report"]), ("starred = true", ["report"]),
        (f"mimeType = '{SHEET}' and trashed = false", everything), (f"mimeType != '{SHEET}'", []),
        ("mimeType contains 'application/vnd.google-apps' and trashed = false", everything),
        ("modifiedTime > '2020-01-01T00:00:00' and trashed = false", everything), ("createdTime < '2020-01-01T00:00:00Z'", []),
        ("name != 'report' and trashed = false", ["it's a \\ thing", "plan 2025", "plan 2026"]),
        ("fullText contains 'report'", ["report"]),
    ]:
        same(names(q), want, q)
    same(names("trashed=false", driveId=shared_drive(w), corpora="drive"), everything)
    for bad in ("name =", "nonsense = 'x'", "name like 'x'", "name = 'x", "trashed = 'maybe'"):
        raises(HttpError, lambda q=bad: names(q), http(400, "Invalid Value"))


def shared_drive(w):
    return w.drive.drives().list().execute()["drives"][0]["id"]


@case("files: pages and order")
def _(w):
    folder = w.drive.files().create(body={"name": "P", "mimeType": FOLDER, "parents": [w.folder]}, fields="id", **ALL).execute()["id"]
    for n in range(7):
        w.drive.files().create(body={"name": f"f{n}", "mimeType": SHEET, "parents": [folder]}, **ALL).execute()
    files, seen, pages = w.drive.files(), [], 0
    request = files.list(q=f"'{folder}' in parents", pageSize=3, orderBy="name desc", includeItemsFromAllDrives=True, **ALL)
    while request is not None:
        answer = request.execute()
        pages += 1
        seen += [f["name"] for f in answer["files"]]
        request = files.list_next(request, answer)
    same((pages, seen), (3, [f"f{n}" for n in range(6, -1, -1)]))
    raises(HttpError, lambda: files.list(pageToken="nonsense").execute(), http(400, "Invalid Value"))


@case("files: without supportsAllDrives a shared drive's file does not exist")
def _(w):
    id_ = w.book()
    error = raises(HttpError, lambda: w.drive.files().get(fileId=id_).execute(), http(404))
    same(json.loads(error.content)["error"]["errors"][0]["reason"], "notFound")
    same(w.drive.files().list(q=f"name = 'api {w.number}'").execute()["files"], [])


@case("files: move between folders")
def _(w):
    one, two = (w.drive.files().create(body={"name": n, "mimeType": FOLDER, "parents": [w.folder]}, fields="id", **ALL).execute()["id"] for n in "XY")
    id_ = w.book(parents=[one])
    moved = w.drive.files().update(fileId=id_, addParents=two, removeParents=one, fields="parents", **ALL).execute()
    same(moved["parents"], [two])
    raises(HttpError, lambda: w.drive.files().create(body={"name": "x", "parents": [one, two]}, **ALL).execute(), http(400))
    raises(HttpError, lambda: w.drive.files().create(body={"name": "x", "parents": ["nowhere"]}, **ALL).execute(), http(404))


@case("files: a folder takes its content along")
def _(w):
    folder = w.drive.files().create(body={"name": "F", "mimeType": FOLDER, "parents": [w.folder]}, fields="id", **ALL).execute()["id"]
    id_ = w.book(parents=[folder])
    w.drive.files().delete(fileId=folder, **ALL).execute()
    raises(HttpError, lambda: w.drive.files().get(fileId=id_, **ALL).execute(), http(404))
    raises(HttpError, lambda: w.sheets.spreadsheets().get(spreadsheetId=id_).execute(), http(404, "NOT_FOUND"))


@case("files: upload, download and change bytes")
def _(w):
    files = w.drive.files()
    for resumable in (False, True):
        media = MediaInMemoryUpload(b"hello, \x00\xff world\r\n", mimetype="application/x-thing", resumable=resumable)
        made = files.create(body={"name": "thing.bin", "parents": [w.folder]}, media_body=media, fields="id,size,mimeType,fileExtension", **ALL).execute()
        has(made, {"size": "17", "mimeType": "application/x-thing", "fileExtension": "bin"})
        same(files.get_media(fileId=made["id"], **ALL).execute(), b"hello, \x00\xff world\r\n")
        out = io.BytesIO()
        download = MediaIoBaseDownload(out, files.get_media(fileId=made["id"], **ALL))
        done = False
        while not done:
            _, done = download.next_chunk()
        same(out.getvalue(), b"hello, \x00\xff world\r\n")
        files.update(fileId=made["id"], media_body=MediaInMemoryUpload(b"new", mimetype="text/plain", resumable=resumable), **ALL).execute()
        same(files.get_media(fileId=made["id"], **ALL).execute(), b"new")


@case("files: a large upload in pieces")
def _(w):
    body = bytes(range(256)) * 4096
    media = MediaInMemoryUpload(body, mimetype="application/octet-stream", chunksize=256 * 1024, resumable=True)
    request = w.drive.files().create(body={"name": "big", "parents": [w.folder]}, media_body=media, fields="id,size", **ALL)
    answer, steps = None, 0
    while answer is None:
        _, answer = request.next_chunk()
        steps += 1
    same((answer["size"], steps), (str(len(body)), 4))


@case("files: a table of text becomes a spreadsheet")
def _(w):
    media = MediaInMemoryUpload("a,b\n1,\"x, y\"\n".encode(), mimetype="text/csv")
    id_ = w.drive.files().create(body={"name": "From CSV", "mimeType": SHEET, "parents": [w.folder]}, media_body=media, fields="id", **ALL).execute()["id"]
    same(w.read(id_, "A1:B2"), [["a", "b"], ["1", "x, y"]])


@case("files: export")
def _(w):
    id_ = w.book([["a", "=1+1"]])
    files = w.drive.files()
    same(files.export(fileId=id_, mimeType="text/csv").execute(), b"a,2")
    names = zipfile.ZipFile(io.BytesIO(files.export_media(fileId=id_, mimeType=XLSX).execute())).namelist()
    holds("xl/worksheets/sheet1.xml" in names, str(names))
    holds(files.export(fileId=id_, mimeType="application/pdf").execute().startswith(b"%PDF"), "no PDF")
    raises(HttpError, lambda: files.export(fileId=id_, mimeType="image/png").execute(), http(400, "conversion is not supported"))
    raises(HttpError, lambda: files.export(fileId=w.folder, mimeType="text/csv").execute(), http(403, "Export only supports Docs Editors files."))
    raises(HttpError, lambda: files.get_media(fileId=id_, **ALL).execute(), http(403, "fileNotDownloadable"))


@case("files: ids, trash, about, labels")
def _(w):
    same(len(w.drive.files().generateIds(count=3).execute()["ids"]), 3)
    sheets, drive = w.services("carol@example.com")
    mine = drive.files().create(body={"name": "mine", "mimeType": SHEET}, fields="id,ownedByMe").execute()
    same(mine["ownedByMe"], True)
    drive.files().update(fileId=mine["id"], body={"trashed": True}).execute()
    drive.files().emptyTrash().execute()
    raises(HttpError, lambda: drive.files().get(fileId=mine["id"]).execute(), http(404))
    about = w.drive.about().get(fields="user,storageQuota,exportFormats").execute()
    same((about["user"]["emailAddress"], about["storageQuota"]["limit"]), (w.key["client_email"], "0"))
    holds(XLSX in about["exportFormats"][SHEET], "no .xlsx among the formats")
    raises(HttpError, lambda: w.drive.about().get().execute(), http(400, "required"))
    raises(HttpError, lambda: w.drive.files().list(fields="files(nonsense").execute(), http(400, "Invalid field selection"))


# --- Drive: permissions, revisions, comments, changes, shared drives -------------------------------


@case("permissions: create, get, list, update, delete")
def _(w):
    id_ = w.book()
    permissions = w.drive.permissions()
    made = permissions.create(fileId=id_, body={"type": "user", "role": "reader", "emailAddress": "ann@example.com"},
                              sendNotificationEmail=False, fields="*", **ALL).execute()
    has(made, {"kind": "drive#permission", "type": "user", "role": "reader", "emailAddress": "ann@example.com"})
    permissions.update(fileId=id_, permissionId=made["id"], body={"role": "writer"}, **ALL).execute()
    same(permissions.get(fileId=id_, permissionId=made["id"], fields="role", **ALL).execute(), {"role": "writer"})
    all_ = permissions.list(fileId=id_, fields="permissions(id,role)", **ALL).execute()["permissions"]
    holds({"id": made["id"], "role": "writer"} in all_, str(all_))
    permissions.delete(fileId=id_, permissionId=made["id"], **ALL).execute()
    raises(HttpError, lambda: permissions.get(fileId=id_, permissionId=made["id"], **ALL).execute(), http(404, "Permission not found"))
    for body in ({"type": "user", "role": "writer"}, {"type": "user", "emailAddress": "x@y.z"}, {"type": "ghost", "role": "reader"}):
        raises(HttpError, lambda b=body: permissions.create(fileId=id_, body=b, **ALL).execute(), http(400))


@case("permissions: what a reader may and a stranger may not")
def _(w):
    sheets, drive = w.services("dora@example.com")
    id_ = drive.files().create(body={"name": "dora's", "mimeType": SHEET}, fields="id").execute()["id"]
    reader_sheets, reader_drive = w.services("reader@example.com")
    raises(HttpError, lambda: reader_drive.files().get(fileId=id_).execute(), http(404))
    raises(HttpError, lambda: reader_sheets.spreadsheets().get(spreadsheetId=id_).execute(), http(403, "PERMISSION_DENIED"))
    drive.permissions().create(fileId=id_, body={"type": "user", "role": "reader", "emailAddress": "reader@example.com"}).execute()
    same(reader_sheets.spreadsheets().get(spreadsheetId=id_, fields="spreadsheetId").execute(), {"spreadsheetId": id_})
    raises(HttpError, lambda: reader_sheets.spreadsheets().values().update(spreadsheetId=id_, range="A1", valueInputOption="RAW",
           body={"values": [[1]]}).execute(), http(403, "The caller does not have permission"))
    raises(HttpError, lambda: reader_drive.files().update(fileId=id_, body={"name": "x"}).execute(), http(403, "insufficientFilePermissions"))
    found = reader_drive.files().list(q="sharedWithMe", fields="files(id)").execute()["files"]
    same(found, [{"id": id_}])


@case("permissions: ownership changes hands")
def _(w):
    _, drive = w.services("elsa@example.com")
    id_ = drive.files().create(body={"name": "elsa's", "mimeType": SHEET}, fields="id").execute()["id"]
    body = {"type": "user", "role": "owner", "emailAddress": "fred@example.com"}
    raises(HttpError, lambda: drive.permissions().create(fileId=id_, body=body).execute(), http(403, "transferOwnership"))
    drive.permissions().create(fileId=id_, body=body, transferOwnership=True).execute()
    same(drive.files().get(fileId=id_, fields="ownedByMe,owners(emailAddress)").execute(), {"ownedByMe": False, "owners": [{"emailAddress": "fred@example.com"}]})
    roles = {p["emailAddress"]: p["role"] for p in drive.permissions().list(fileId=id_, fields="permissions(emailAddress,role)").execute()["permissions"]}
    same(roles, {"elsa@example.com": "writer", "fred@example.com": "owner"})


@case("revisions")
def _(w):
    id_ = w.book()
    w.write(id_, "A1", [[1]])
    w.write(id_, "A1", [[2]])
    all_ = w.drive.revisions().list(fileId=id_, fields="revisions(id,modifiedTime,lastModifyingUser/emailAddress)").execute()["revisions"]
    same(len(all_), 3)
    same(all_[-1]["lastModifyingUser"]["emailAddress"], w.key["client_email"])
    same(w.drive.revisions().get(fileId=id_, revisionId=all_[0]["id"]).execute()["id"], all_[0]["id"])
    kept = w.drive.revisions().update(fileId=id_, revisionId=all_[0]["id"], body={"keepForever": True}, fields="keepForever").execute()
    same(kept, {"keepForever": True})
    raises(HttpError, lambda: w.drive.revisions().get(fileId=id_, revisionId="999").execute(), http(404, "Revision not found"))


@case("comments and replies")
def _(w):
    id_ = w.book()
    comments, replies = w.drive.comments(), w.drive.replies()
    one = comments.create(fileId=id_, body={"content": "why?"}, fields="*").execute()
    has(one, {"kind": "drive#comment", "content": "why?", "resolved": False, "deleted": False})
    reply = replies.create(fileId=id_, commentId=one["id"], body={"content": "because", "action": "resolve"}, fields="*").execute()
    same(reply["action"], "resolve")
    got = comments.get(fileId=id_, commentId=one["id"], fields="resolved,replies(content)").execute()
    same(got, {"resolved": True, "replies": [{"content": "because"}]})
    comments.update(fileId=id_, commentId=one["id"], body={"content": "how?"}, fields="id").execute()
    same(comments.list(fileId=id_, fields="comments(content)").execute(), {"comments": [{"content": "how?"}]})
    same(len(replies.list(fileId=id_, commentId=one["id"], fields="*").execute()["replies"]), 1)
    comments.delete(fileId=id_, commentId=one["id"]).execute()
    same(comments.list(fileId=id_, fields="comments").execute()["comments"], [])
    raises(HttpError, lambda: comments.list(fileId=id_).execute(), http(400, "'fields' parameter is required"))
    raises(HttpError, lambda: comments.get(fileId=id_, commentId="x", fields="*").execute(), http(404))


@case("changes, as two users see them")
def _(w):
    start = w.drive.changes().getStartPageToken(**ALL).execute()["startPageToken"]
    id_ = w.book()
    w.owner_sheets.spreadsheets().values().update(spreadsheetId=id_, range="A1", valueInputOption="RAW", body={"values": [[7]]}).execute()
    other = w.book()
    w.drive.files().delete(fileId=other, **ALL).execute()

    def changes(drive, **more):
        return drive.changes().list(pageToken=start, includeItemsFromAllDrives=True, **ALL, **more,
                                    fields="newStartPageToken,nextPageToken,changes(fileId,removed,file(lastModifyingUser/emailAddress))").execute()

    for drive in (w.drive, w.owner_drive):
        got = changes(drive)
        found = {c["fileId"]: c for c in got["changes"]}
        same(found[id_]["file"]["lastModifyingUser"]["emailAddress"], "owner@example.com")
        same(found[other]["removed"], True)
        holds(int(got["newStartPageToken"]) > int(start), "the token did not move")
    holds(other not in {c["fileId"] for c in changes(w.drive, includeRemoved=False)["changes"]}, "a removed file is told")
    _, stranger = w.services("nobody@example.com")
    same(changes(stranger)["changes"], [])
    same("nextPageToken" in changes(w.drive, pageSize=1), True)
    raises(HttpError, lambda: w.drive.changes().list(pageToken="x").execute(), http(400, "Invalid Value"))


@case("shared drives: create, rename, hide, members, delete")
def _(w):
    drives = w.owner_drive.drives()
    made = drives.create(requestId="r-1", body={"name": "Team"}).execute()
    has(made, {"kind": "drive#drive", "name": "Team"})
    same(drives.update(driveId=made["id"], body={"name": "Team 2"}).execute()["name"], "Team 2")
    drives.hide(driveId=made["id"]).execute()
    same(drives.get(driveId=made["id"], fields="hidden").execute(), {"hidden": True})
    drives.unhide(driveId=made["id"]).execute()
    holds(made["id"] in [d["id"] for d in drives.list().execute()["drives"]], "not listed")
    raises(HttpError, lambda: w.drive.drives().get(driveId=made["id"]).execute(), http(404, "Shared drive not found"))
    w.owner_drive.permissions().create(fileId=made["id"], body={"type": "user", "role": "fileOrganizer",
                                       "emailAddress": w.key["client_email"]}, **ALL).execute()
    id_ = w.drive.files().create(body={"name": "in team", "mimeType": SHEET, "parents": [made["id"]]}, fields="id,driveId", **ALL).execute()
    same(id_["driveId"], made["id"])
    raises(HttpError, lambda: drives.delete(driveId=made["id"]).execute(), http(403))
    w.owner_drive.files().delete(fileId=id_["id"], **ALL).execute()
    drives.delete(driveId=made["id"]).execute()


@case("many calls in one batch")
def _(w):
    ids = [w.book() for _ in range(3)]
    answers = {}
    batch = w.drive.new_batch_http_request(callback=lambda key, answer, error: answers.update({key: error or answer}))
    for id_ in ids:
        batch.add(w.drive.files().get(fileId=id_, fields="id", **ALL), request_id=id_)
    batch.add(w.drive.files().get(fileId="missing", **ALL), request_id="missing")
    batch.execute()
    for id_ in ids:
        same(answers[id_], {"id": id_})
    same(answers["missing"].resp.status, 404)


@case("sign-in: the wrong key, a scope too small")
def _(w):
    from google.auth.exceptions import RefreshError
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    wrong = service_account.Credentials.from_service_account_info({**w.key, "private_key": key}, scopes=SCOPES)
    error = raises(RefreshError, lambda: w.service("drive.v3", wrong).files().list().execute())
    holds("invalid_grant" in str(error), str(error))
    id_ = w.book()
    sheets, drive = w.services(scopes=["https://www.googleapis.com/auth/spreadsheets.readonly"])
    sheets.spreadsheets().get(spreadsheetId=id_).execute()
    raises(HttpError, lambda: sheets.spreadsheets().values().clear(spreadsheetId=id_, range="A1", body={}).execute(),
           http(403, "insufficient authentication scopes"))
    raises(HttpError, lambda: drive.files().list().execute(), http(403))


# --- Sheets: the methods ---------------------------------------------------------------------------


@case("spreadsheets.create with tabs, values, formats")
def _(w):
    body = {"properties": {"title": "Made", "locale": "ru_RU", "timeZone": "Europe/Moscow"},
            "sheets": [{"properties": {"title": "One", "sheetId": 5, "gridProperties": {"rowCount": 10, "columnCount": 4, "frozenRowCount": 1}},
                        "data": [{"startRow": 1, "rowData": [{"values": [{"userEnteredValue": {"numberValue": 2.5}}, {"userEnteredValue": {"formulaValue": "=A2*2"}}]}]}],
                        "merges": [grid(4, 6, 0, 2, 5)]},
                       {"properties": {"title": "Two", "hidden": True}}],
            "namedRanges": [{"name": "first", "range": grid(1, 2, 0, 1, 5)}]}
    made = w.owner_sheets.spreadsheets().create(body=body).execute()
    has(made["properties"], {"title": "Made", "locale": "ru_RU", "timeZone": "Europe/Moscow"})
    same([s["properties"]["title"] for s in made["sheets"]], ["One", "Two"])
    has(made["sheets"][0]["properties"], {"sheetId": 5, "gridProperties": {"rowCount": 10, "columnCount": 4, "frozenRowCount": 1}})
    values = w.owner_sheets.spreadsheets().values().get(spreadsheetId=made["spreadsheetId"], range="One!A2:B2").execute()["values"]
    same(values, [["2,5", "5"]])
    same(w.owner_sheets.spreadsheets().values().get(spreadsheetId=made["spreadsheetId"], range="first").execute()["values"], [["2,5"]])
    raises(HttpError, lambda: w.sheets.spreadsheets().create(body={}).execute(), http(403, "The caller does not have permission"))
    empty = w.owner_sheets.spreadsheets().create(body={}, fields="spreadsheetId,properties.title").execute()
    same(empty["properties"], {"title": "Untitled spreadsheet"})


@case("spreadsheets.get with masks, ranges and grid data")
def _(w):
    id_ = w.book([["a", 1], ["b", "=B1+1"]])
    get = w.sheets.spreadsheets().get
    whole = get(spreadsheetId=id_).execute()
    same(sorted(whole), ["properties", "sheets", "spreadsheetId", "spreadsheetUrl"])
    holds("data" not in whole["sheets"][0], "grid data came unasked")
    data = get(spreadsheetId=id_, ranges=["A1:B1", "B2"], includeGridData=True).execute()["sheets"][0]["data"]
    same(len(data), 2)
    same((data[1]["startRow"], data[1]["startColumn"]), (1, 1))
    has(data[1]["rowData"][0]["values"][0], {"userEnteredValue": {"formulaValue": "=B1+1"}, "effectiveValue": {"numberValue": 2}, "formattedValue": "2"})
    masked = get(spreadsheetId=id_, ranges="A1:B2", fields="sheets.data.rowData.values(formattedValue)").execute()
    same(masked, {"sheets": [{"data": [{"rowData": [{"values": [{"formattedValue": "a"}, {"formattedValue": "1"}]},
                                                    {"values": [{"formattedValue": "b"}, {"formattedValue": "2"}]}]}]}]})
    raises(HttpError, lambda: get(spreadsheetId=id_, fields="nonsense").execute(), http(400, "Cannot find matching fields for path"))
    raises(HttpError, lambda: get(spreadsheetId=id_, ranges="Nowhere").execute(), http(400, "Unable to parse range"))
    raises(HttpError, lambda: get(spreadsheetId="none").execute(), http(404, "Requested entity was not found."))


@case("values: update, append, clear, and their batches")
def _(w):
    id_ = w.book()
    values = w.sheets.spreadsheets().values()
    done = values.update(spreadsheetId=id_, range="Sheet1!B2:C3", valueInputOption="USER_ENTERED", includeValuesInResponse=True,
                         responseValueRenderOption="FORMULA", body={"values": [["x", "=1+2"], ["y", 4]]}).execute()
    has(done, {"updatedRange": "Sheet1!B2:C3", "updatedRows": 2, "updatedColumns": 2, "updatedCells": 4})
    same(done["updatedData"]["values"], [["x", "=1+2"], ["y", 4]])
    more = values.append(spreadsheetId=id_, range="B2", valueInputOption="RAW", insertDataOption="OVERWRITE", body={"values": [["z", 5]]}).execute()
    has(more, {"tableRange": "Sheet1!B2:C3", "updates": {"updatedRange": "Sheet1!B4:C4"}})
    columns = values.update(spreadsheetId=id_, range="E1", valueInputOption="RAW", body={"majorDimension": "COLUMNS", "values": [[1, 2], [3]]}).execute()
    same(columns["updatedRange"], "Sheet1!E1:F2")
    same(values.batchGet(spreadsheetId=id_, ranges=["E1:F2", "B4"], majorDimension="COLUMNS", valueRenderOption="UNFORMATTED_VALUE").execute()["valueRanges"],
         [{"range": "Sheet1!E1:F2", "majorDimension": "COLUMNS", "values": [[1, 2], [3]]}, {"range": "Sheet1!B4", "majorDimension": "COLUMNS", "values": [["z"]]}])
    same(values.clear(spreadsheetId=id_, range="B2:C3", body={}).execute(), {"spreadsheetId": id_, "clearedRange": "Sheet1!B2:C3"})
    same(values.batchClear(spreadsheetId=id_, body={"ranges": ["E:E", "B4:C4"]}).execute()["clearedRanges"], ["Sheet1!E1:E1000", "Sheet1!B4:C4"])
    same(w.read(id_, "A1:F9"), [["", "", "", "", "", "3"]])
    answer = values.batchUpdate(spreadsheetId=id_, body={"valueInputOption": "RAW", "includeValuesInResponse": True,
                                "data": [{"range": "A1", "values": [["q"]]}]}).execute()
    same(answer["responses"][0]["updatedData"]["values"], [["q"]])


@case("data filters: by range, by grid, by metadata")
def _(w):
    id_ = w.book([["k1", 1], ["k2", 2], ["k3", 3]])
    for row, key in enumerate(("one", "two")):
        w.batch(id_, {"createDeveloperMetadata": {"developerMetadata": {"metadataKey": key, "metadataValue": str(row), "visibility": "DOCUMENT",
                "location": {"dimensionRange": {"sheetId": 0, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1}}}}})
    by = {"developerMetadataLookup": {"metadataKey": "two"}}
    values = w.sheets.spreadsheets().values()
    got = values.batchGetByDataFilter(spreadsheetId=id_, body={"dataFilters": [by, {"a1Range": "A1"}, {"gridRange": grid(2, 3, 0, 2)}]}).execute()["valueRanges"]
    same([(g["valueRange"]["range"], g["valueRange"]["values"]) for g in got],
         [("Sheet1!A2:Z2", [["k2", "2"]]), ("Sheet1!A1", [["k1"]]), ("Sheet1!A3:B3", [["k3", "3"]])])
    w.batch(id_, {"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}}})
    done = values.batchUpdateByDataFilter(spreadsheetId=id_, body={"valueInputOption": "RAW", "data": [{"dataFilter": by, "values": [["K2"]], "majorDimension": "ROWS"}]}).execute()
    same(done["responses"][0]["updatedRange"], "Sheet1!A3")
    sheet = w.sheets.spreadsheets().getByDataFilter(spreadsheetId=id_, body={"dataFilters": [by], "includeGridData": True}).execute()["sheets"]
    same(sheet[0]["data"][0]["rowData"][0]["values"][0]["formattedValue"], "K2")
    values.batchClearByDataFilter(spreadsheetId=id_, body={"dataFilters": [by]}).execute()
    same(w.read(id_, "A3:B3"), None)
    raises(HttpError, lambda: values.batchGetByDataFilter(spreadsheetId=id_, body={"dataFilters": [{}]}).execute(), http(400))


@case("developer metadata: create, search, update, get, delete")
def _(w):
    id_ = w.book()
    made = w.batch(id_, {"createDeveloperMetadata": {"developerMetadata": {"metadataKey": "k", "metadataValue": "v", "visibility": "DOCUMENT", "location": {"spreadsheet": True}}}},
                   {"createDeveloperMetadata": {"developerMetadata": {"metadataId": 42, "metadataKey": "k", "visibility": "PROJECT", "location": {"sheetId": 0}}}},
                   {"createDeveloperMetadata": {"developerMetadata": {"metadataKey": "c", "visibility": "DOCUMENT",
                       "location": {"dimensionRange": {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 1, "endIndex": 2}}}}})
    first = made["replies"][0]["createDeveloperMetadata"]["developerMetadata"]
    has(first, {"metadataKey": "k", "metadataValue": "v", "location": {"locationType": "SPREADSHEET", "spreadsheet": True}, "visibility": "DOCUMENT"})
    meta = w.sheets.spreadsheets().developerMetadata()
    same(meta.get(spreadsheetId=id_, metadataId=42).execute()["metadataKey"], "k")

    def found(lookup):
        answer = meta.search(spreadsheetId=id_, body={"dataFilters": [{"developerMetadataLookup": lookup}]}).execute()
        return len(answer.get("matchedDeveloperMetadata", []))

    for lookup, want in [({"metadataKey": "k"}, 2), ({"metadataKey": "k", "visibility": "PROJECT"}, 1), ({"locationType": "COLUMN"}, 1),
                         ({"metadataId": 42}, 1), ({"metadataValue": "v"}, 1), ({"metadataKey": "none"}, 0),
                         ({"metadataLocation": {"sheetId": 0}, "locationMatchingStrategy": "EXACT_LOCATION"}, 1),
                         ({"metadataLocation": {"sheetId": 0}, "locationMatchingStrategy": "INTERSECTING_LOCATION"}, 3)]:
        same(found(lookup), want, str(lookup))
    w.batch(id_, {"updateDeveloperMetadata": {"dataFilters": [{"developerMetadataLookup": {"metadataId": 42}}], "fields": "metadataValue", "developerMetadata": {"metadataValue": "new"}}})
    same(meta.get(spreadsheetId=id_, metadataId=42).execute()["metadataValue"], "new")
    gone = w.batch(id_, {"deleteDeveloperMetadata": {"dataFilter": {"developerMetadataLookup": {"metadataKey": "k"}}}})
    same(len(gone["replies"][0]["deleteDeveloperMetadata"]["deletedDeveloperMetadata"]), 2)
    raises(HttpError, lambda: meta.get(spreadsheetId=id_, metadataId=42).execute(), http(404))
    raises(HttpError, lambda: w.batch(id_, {"createDeveloperMetadata": {"developerMetadata": {"metadataKey": "x", "metadataValue": "y" * 31000, "visibility": "DOCUMENT", "location": {"spreadsheet": True}}}}),
           http(400, "would exceed the allowed storage limit"))


@case("a tab copied to another file")
def _(w):
    one, two = w.book([["x"]]), w.book()
    props = w.sheets.spreadsheets().sheets().copyTo(spreadsheetId=one, sheetId=0, body={"destinationSpreadsheetId": two}).execute()
    has(props, {"title": "Copy of Sheet1", "index": 1, "sheetType": "GRID"})
    raises(HttpError, lambda: w.sheets.spreadsheets().sheets().copyTo(spreadsheetId=one, sheetId=99, body={"destinationSpreadsheetId": two}).execute(), http(400))


# --- Sheets: every kind of request -----------------------------------------------------------------


@case("a batch is whole or nothing, and answers one to one")
def _(w):
    id_ = w.book()
    ok = {"updateCells": {"start": {"sheetId": 0}, "fields": "userEnteredValue", "rows": [{"values": [{"userEnteredValue": {"stringValue": "x"}}]}]}}
    raises(HttpError, lambda: w.batch(id_, ok, {"deleteSheet": {"sheetId": 99}}), http(400, "Invalid requests[1].deleteSheet: No grid with id: 99"))
    same(w.read(id_, "A1"), None)
    answer = w.batch(id_, ok, {"addSheet": {"properties": {"title": "N"}}}, includeSpreadsheetInResponse=True, responseRanges=["Sheet1!A1"], responseIncludeGridData=True)
    same(answer["replies"][0], {})
    same(answer["replies"][1]["addSheet"]["properties"]["title"], "N")
    same(answer["updatedSpreadsheet"]["sheets"][0]["data"][0]["rowData"][0]["values"][0]["formattedValue"], "x")
    same(answer["spreadsheetId"], id_)


@case("properties of the spreadsheet and of tabs")
def _(w):
    id_ = w.book()
    w.batch(id_, {"updateSpreadsheetProperties": {"fields": "title,autoRecalc,iterativeCalculationSettings",
                  "properties": {"title": "T", "autoRecalc": "HOUR", "iterativeCalculationSettings": {"maxIterations": 5, "convergenceThreshold": 0.1}}}},
            {"updateSheetProperties": {"fields": "title,gridProperties(frozenRowCount,hideGridlines),rightToLeft,tabColorStyle",
             "properties": {"sheetId": 0, "title": "R", "gridProperties": {"frozenRowCount": 2, "hideGridlines": True}, "rightToLeft": True, "tabColorStyle": {"rgbColor": {"green": 1}}}}})
    got = w.sheets.spreadsheets().get(spreadsheetId=id_).execute()
    has(got["properties"], {"title": "T", "autoRecalc": "HOUR", "iterativeCalculationSettings": {"maxIterations": 5, "convergenceThreshold": 0.1}})
    has(got["sheets"][0]["properties"], {"title": "R", "rightToLeft": True, "gridProperties": {"frozenRowCount": 2, "hideGridlines": True, "rowCount": 1000},
        "tabColor": {"green": 1}, "tabColorStyle": {"rgbColor": {"green": 1}}})
    same(w.drive.files().get(fileId=id_, fields="name", **ALL).execute()["name"], "T")


@case("charts: add of many kinds, change, move, border, delete")
def _(w):
    id_ = w.book([["m", "plan", "fact"], ["jan", 1, 2], ["feb", 3, 4]])
    source = lambda c: {"sourceRange": {"sources": [grid(0, 3, c, c + 1)]}}
    axis = [{"position": "BOTTOM_AXIS", "title": "m"}, {"position": "LEFT_AXIS"}]
    basic = lambda kind: {"title": kind, "basicChart": {"chartType": kind, "legendPosition": "BOTTOM_LEGEND", "axis": axis, "headerCount": 1,
                          "domains": [{"domain": source(0)}], "series": [{"series": source(1), "targetAxis": "LEFT_AXIS"}]}}
    combo = {"title": "Combo", "basicChart": {"chartType": "COMBO", "headerCount": 1, "domains": [{"domain": source(0)}],
             "series": [{"series": source(1), "type": "LINE"}, {"series": source(2), "type": "COLUMN"}]}}
    pie = {"pieChart": {"domain": source(0), "series": source(1), "legendPosition": "RIGHT_LEGEND", "pieHole": 0.5}}
    histogram = {"histogramChart": {"series": [{"data": source(1)}], "bucketSize": 1}}
    waterfall = {"waterfallChart": {"domain": {"data": source(0)}, "series": [{"data": source(1)}]}}
    score = {"scorecardChart": {"keyValueData": source(1), "aggregateType": "SUM"}}
    org = {"orgChart": {"labels": source(0), "parentLabels": source(1)}}
    bubble = {"bubbleChart": {"domain": source(1), "series": source(2), "bubbleLabels": source(0)}}
    specs = [basic(k) for k in ("BAR", "LINE", "AREA", "COLUMN", "SCATTER", "STEPPED_AREA")] + [combo, pie, histogram, waterfall, score, org, bubble]
    at = {"overlayPosition": {"anchorCell": {"sheetId": 0, "rowIndex": 4, "columnIndex": 1}, "offsetXPixels": 7}}
    answer = w.batch(id_, *[{"addChart": {"chart": {"spec": s, "position": at}}} for s in specs])
    charts = [r["addChart"]["chart"] for r in answer["replies"]]
    same(len({c["chartId"] for c in charts}), len(specs))
    has(charts[0], {"spec": {"title": "BAR"}, "position": {"overlayPosition": {"widthPixels": 600, "heightPixels": 371, "offsetXPixels": 7}}})
    first = charts[0]["chartId"]
    moved = w.batch(id_, {"updateChartSpec": {"chartId": first, "spec": combo}},
                    {"updateEmbeddedObjectPosition": {"objectId": first, "fields": "widthPixels,heightPixels", "newPosition": {"overlayPosition": {"widthPixels": 300, "heightPixels": 200}}}},
                    {"updateEmbeddedObjectBorder": {"objectId": first, "fields": "color", "border": {"color": {"red": 1}}}})
    has(moved["replies"][1]["updateEmbeddedObjectPosition"]["position"]["overlayPosition"], {"widthPixels": 300, "heightPixels": 200, "offsetXPixels": 7})
    chart = next(c for c in w.tab(id_, "charts")["charts"] if c["chartId"] == first)
    has(chart, {"spec": {"title": "Combo"}, "border": {"color": {"red": 1}}})
    w.batch(id_, {"deleteEmbeddedObject": {"objectId": first}})
    same(len(w.tab(id_, "charts")["charts"]), len(specs) - 1)
    raises(HttpError, lambda: w.batch(id_, {"deleteEmbeddedObject": {"objectId": first}}), http(400, f"No embedded object with id: {first}"))
    raises(HttpError, lambda: w.batch(id_, {"addChart": {"chart": {"spec": {"title": "none"}}}}), http(400))
    bad = json.loads(json.dumps(combo))
    bad["basicChart"]["chartType"] = "LINE"
    raises(HttpError, lambda: w.batch(id_, {"addChart": {"chart": {"spec": bad}}}), http(400))


@case("a chart on a tab of its own")
def _(w):
    id_ = w.book([["a", 1]])
    spec = {"pieChart": {"domain": {"sourceRange": {"sources": [grid(0, 1, 0, 1)]}}, "series": {"sourceRange": {"sources": [grid(0, 1, 1, 2)]}}}}
    chart = w.batch(id_, {"addChart": {"chart": {"spec": spec, "position": {"newSheet": True}}}})["replies"][0]["addChart"]["chart"]
    tabs = w.sheets.spreadsheets().get(spreadsheetId=id_).execute()["sheets"]
    own = next(t for t in tabs if t["properties"]["sheetType"] == "OBJECT")
    same(own["properties"]["sheetId"], chart["position"]["sheetId"])
    holds("gridProperties" not in own["properties"], "an object sheet has a grid")
    w.batch(id_, {"updateEmbeddedObjectPosition": {"objectId": chart["chartId"], "fields": "anchorCell", "newPosition": {"overlayPosition": {"anchorCell": {"sheetId": 0, "rowIndex": 2}}}}})
    same(len(w.sheets.spreadsheets().get(spreadsheetId=id_).execute()["sheets"]), 1)


@case("banding")
def _(w):
    id_ = w.book([["h"], ["1"], ["2"], ["3"]])
    band = {"range": grid(0, 4, 0, 1), "rowProperties": {"headerColor": {"red": 1}, "firstBandColor": {"green": 1}, "secondBandColor": {"blue": 1}}}
    made = w.batch(id_, {"addBanding": {"bandedRange": band}})["replies"][0]["addBanding"]["bandedRange"]
    has(made, {"range": {"startRowIndex": 0, "endRowIndex": 4}, "rowProperties": {"headerColor": {"red": 1}}})
    cells = w.sheets.spreadsheets().get(spreadsheetId=id_, ranges="A1:A3", fields="sheets.data.rowData.values.effectiveFormat.backgroundColor").execute()
    same([r["values"][0]["effectiveFormat"]["backgroundColor"] for r in cells["sheets"][0]["data"][0]["rowData"]], [{"red": 1}, {"green": 1}, {"blue": 1}])
    raises(HttpError, lambda: w.batch(id_, {"addBanding": {"bandedRange": band}}), http(400, "already has alternating background colors"))
    w.batch(id_, {"updateBanding": {"bandedRange": {"bandedRangeId": made["bandedRangeId"], "rowProperties": {"firstBandColor": {"red": 0.5}}}, "fields": "rowProperties.firstBandColor"}})
    w.batch(id_, {"deleteBanding": {"bandedRangeId": made["bandedRangeId"]}})
    holds("bandedRanges" not in w.tab(id_, "bandedRanges,properties.title"), "still banded")


@case("filters, filter views, slicers")
def _(w):
    id_ = w.book([["n", "v"], ["a", 1], ["b", 2], ["c", 3]])
    hide = {"columnIndex": 0, "filterCriteria": {"hiddenValues": ["b"]}}
    w.batch(id_, {"setBasicFilter": {"filter": {"range": grid(0, 4, 0, 2), "filterSpecs": [hide], "sortSpecs": [{"dimensionIndex": 1, "sortOrder": "DESCENDING"}]}}})
    basic = w.tab(id_, "basicFilter")["basicFilter"]
    same(basic["criteria"], {"0": {"hiddenValues": ["b"]}})
    same(basic["filterSpecs"][0]["filterCriteria"], {"hiddenValues": ["b"]})
    rows = w.tab(id_, "data.rowMetadata.hiddenByFilter")["data"][0]["rowMetadata"][:4]
    same([r.get("hiddenByFilter", False) for r in rows].count(True), 1)
    w.batch(id_, {"clearBasicFilter": {"sheetId": 0}})
    view = w.batch(id_, {"addFilterView": {"filter": {"title": "big", "range": grid(0, 4, 0, 2),
                   "criteria": {"1": {"condition": {"type": "NUMBER_GREATER", "values": [{"userEnteredValue": "1"}]}}}}}})["replies"][0]["addFilterView"]["filter"]
    same((view["title"], view["filterSpecs"][0]["columnIndex"]), ("big", 1))
    w.batch(id_, {"updateFilterView": {"filter": {"filterViewId": view["filterViewId"], "title": "bigger"}, "fields": "title"}})
    twin = w.batch(id_, {"duplicateFilterView": {"filterId": view["filterViewId"]}})["replies"][0]["duplicateFilterView"]["filter"]
    same(twin["title"], "Copy of bigger")
    same([v["title"] for v in w.tab(id_, "filterViews")["filterViews"]], ["bigger", "Copy of bigger"])
    w.batch(id_, {"deleteFilterView": {"filterId": twin["filterViewId"]}})
    raises(HttpError, lambda: w.batch(id_, {"deleteFilterView": {"filterId": twin["filterViewId"]}}), http(400, "No filter view with id"))
    slicer = w.batch(id_, {"addSlicer": {"slicer": {"spec": {"dataRange": grid(0, 4, 0, 2), "columnIndex": 1, "title": "S"},
                     "position": {"overlayPosition": {"anchorCell": {"sheetId": 0, "rowIndex": 0, "columnIndex": 4}}}}}})["replies"][0]["addSlicer"]["slicer"]
    has(slicer["spec"], {"title": "S", "columnIndex": 1, "applyToPivotTables": True})
    w.batch(id_, {"updateSlicerSpec": {"slicerId": slicer["slicerId"], "spec": {"title": "S2"}, "fields": "title"}})
    same(w.tab(id_, "slicers")["slicers"][0]["spec"]["title"], "S2")
    w.batch(id_, {"deleteEmbeddedObject": {"objectId": slicer["slicerId"]}})
    holds("slicers" not in w.tab(id_, "slicers,properties.title"), "the slicer stayed")


@case("tables")
def _(w):
    id_ = w.book([["name", "n"], ["a", 1], ["b", 2]])
    columns = [{"columnIndex": 0, "columnName": "Who", "columnType": "TEXT"}, {"columnIndex": 1, "columnName": "How many", "columnType": "DOUBLE"}]
    made = w.batch(id_, {"addTable": {"table": {"name": "People", "range": grid(0, 3, 0, 2), "columnProperties": columns}}})["replies"][0]["addTable"]["table"]
    same(made["name"], "People")
    same(w.read(id_, "A1:B1"), [["Who", "How many"]])
    raises(HttpError, lambda: w.batch(id_, {"addTable": {"table": {"name": "People", "range": grid(10, 12, 0, 2)}}}), http(400, "already exists"))
    raises(HttpError, lambda: w.batch(id_, {"addTable": {"table": {"range": grid(1, 5, 0, 2)}}}), http(400))
    w.batch(id_, {"updateTable": {"table": {"tableId": made["tableId"], "name": "Folk"}, "fields": "name"}})
    same(w.tab(id_, "tables")["tables"][0]["name"], "Folk")
    w.batch(id_, {"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}}})
    same(w.tab(id_, "tables")["tables"][0]["range"]["startRowIndex"], 1)
    w.batch(id_, {"deleteTable": {"tableId": made["tableId"]}})
    holds("tables" not in w.tab(id_, "tables,properties.title"), "the table stayed")


@case("comments by requests")
def _(w):
    id_ = w.book([["x"]])
    answer = w.batch(id_, {"insertComment": {"content": "look", "coordinate": {"sheetId": 0, "rowIndex": 0, "columnIndex": 0}}})
    same(answer["commentUpdateState"], "ALL_SAVED")
    thread = answer["replies"][0]["insertComment"]["commentThread"]
    has(thread, {"status": "OPEN", "plainTextQuote": "x", "headPost": {"content": "look"}})
    reply = w.batch(id_, {"addCommentReply": {"commentId": thread["commentId"], "post": {"content": "done", "commentAction": "RESOLVE"}}})["replies"][0]["addCommentReply"]["post"]
    w.batch(id_, {"updateCommentPost": {"commentId": thread["commentId"], "postId": thread["headPost"]["postId"], "content": "look!"}})
    raises(HttpError, lambda: w.batch(id_, {"deleteCommentReply": {"commentId": thread["commentId"], "postId": reply["postId"]}}), http(400))
    w.batch(id_, {"deleteComment": {"commentId": thread["commentId"]}})
    raises(HttpError, lambda: w.batch(id_, {"deleteComment": {"commentId": thread["commentId"]}}), http(400))
    raises(HttpError, lambda: w.batch(id_, {"insertComment": {"content": "", "coordinate": {}}}), http(400))
    same(w.batch(id_, {"findReplace": {"find": "x", "replacement": "y", "allSheets": True}})["commentUpdateState"], "NO_UPDATES_REQUESTED")


@case("find and replace in every way")
def _(w):
    id_ = w.book([["Apple", "apple pie", "=\"ap\"&\"ple\"", 15], ["banana", "a.b", "", 5]])
    for request, want, cell, value in [
        ({"find": "apple", "replacement": "pear", "sheetId": 0}, {"valuesChanged": 2, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 2}, "B1", "pear pie"),
        ({"find": "BANANA", "replacement": "x", "matchCase": True, "allSheets": True}, {}, "A2", "banana"),
        ({"find": "ban(.*)", "replacement": "man$1", "searchByRegex": True, "range": grid(1, 2, 0, 1)}, {"valuesChanged": 1, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 1}, "A2", "manana"),
        ({"find": "pear", "replacement": "fig", "matchEntireCell": True, "sheetId": 0}, {"valuesChanged": 1, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 1}, "A1", "fig"),
        ({"find": "\"ap\"", "replacement": "\"sim\"", "includeFormulas": True, "sheetId": 0}, {"formulasChanged": 1, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 1}, "C1", "simple"),
        ({"find": "a.b", "replacement": "c", "sheetId": 0}, {"valuesChanged": 1, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 1}, "B2", "c"),
    ]:
        same(w.batch(id_, {"findReplace": request})["replies"][0]["findReplace"], want, request["find"])
        same(w.read(id_, cell), [[value]], cell)
    raises(HttpError, lambda: w.batch(id_, {"findReplace": {"find": "", "sheetId": 0}}), http(400))


@case("copy, cut, fill, paste")
def _(w):
    id_ = w.book([[1, "=A1*10"], [2, "=A2*10"]])
    w.batch(id_, {"copyPaste": {"source": grid(0, 2, 0, 2), "destination": grid(0, 2, 3, 5), "pasteType": "PASTE_NORMAL"}},
            {"copyPaste": {"source": grid(0, 2, 0, 2), "destination": grid(3, 5, 0, 2), "pasteType": "PASTE_VALUES", "pasteOrientation": "TRANSPOSE"}})
    same((w.read(id_, "D1:E2"), w.read(id_, "A4:B5")), ([["1", "10"], ["2", "20"]], [["1", "2"], ["10", "20"]]))
    w.batch(id_, {"cutPaste": {"source": grid(0, 1, 0, 1), "destination": {"sheetId": 0, "rowIndex": 7, "columnIndex": 0}, "pasteType": "PASTE_NORMAL"}})
    same(w.read(id_, "B1", valueRenderOption="FORMULA"), [["=A8*10"]])
    w.batch(id_, {"autoFill": {"sourceAndDestination": {"source": grid(0, 2, 3, 4), "dimension": "ROWS", "fillLength": 3}}})
    same(w.read(id_, "D1:D5", valueRenderOption="UNFORMATTED_VALUE"), [[1], [2], [3], [4], [5]])
    w.batch(id_, {"autoFill": {"range": grid(0, 4, 4, 5)}})
    same(w.read(id_, "E3", valueRenderOption="FORMULA"), [["=D3*10"]])
    w.batch(id_, {"pasteData": {"coordinate": {"sheetId": 0, "rowIndex": 10, "columnIndex": 0}, "data": "p;q\n1;2", "delimiter": ";", "type": "PASTE_NORMAL"}})
    same(w.read(id_, "A11:B12"), [["p", "q"], ["1", "2"]])
    w.batch(id_, {"pasteData": {"coordinate": {"sheetId": 0, "rowIndex": 14, "columnIndex": 0}, "html": True,
                  "data": "<table><tr><td>h &amp; i</td><td>2</td></tr><tr><td><b>3</b></td></tr></table>"}})
    same(w.read(id_, "A15:B16"), [["h & i", "2"], ["3"]])


@case("text to columns, trimming, doubles, shuffling, sorting")
def _(w):
    id_ = w.book([["a, b,3"], ["x"], ["  two   words "]])
    w.batch(id_, {"textToColumns": {"source": grid(0, 2, 0, 1), "delimiterType": "COMMA"}})
    same(w.read(id_, "A1:C2"), [["a", "b", "3"], ["x"]])
    same(w.batch(id_, {"trimWhitespace": {"range": grid(0, 5, 0, 3)}})["replies"][0]["trimWhitespace"], {"cellsChangedCount": 1})
    same(w.read(id_, "A3"), [["two words"]])
    raises(HttpError, lambda: w.batch(id_, {"textToColumns": {"source": grid(0, 2, 0, 2)}}), http(400))
    w.write(id_, "E1", [["k", 1], ["K", 1], ["l", 2], ["k", 3]])
    removed = w.batch(id_, {"deleteDuplicates": {"range": grid(0, 4, 4, 6)}})["replies"][0]["deleteDuplicates"]
    same((removed, w.read(id_, "E1:F4")), ({"duplicatesRemovedCount": 1}, [["k", "1"], ["l", "2"], ["k", "3"]]))
    only = {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 4, "endIndex": 5}
    w.batch(id_, {"deleteDuplicates": {"range": grid(0, 4, 4, 6), "comparisonColumns": [only]}})
    same(w.read(id_, "E1:F4"), [["k", "1"], ["l", "2"]])
    w.write(id_, "H1", [[n] for n in range(40)])
    w.batch(id_, {"randomizeRange": {"range": grid(0, 40, 7, 8)}})
    mixed = [r[0] for r in w.read(id_, "H1:H40", valueRenderOption="UNFORMATTED_VALUE")]
    holds(mixed != list(range(40)), "nothing was shuffled")
    w.batch(id_, {"sortRange": {"range": grid(0, 40, 7, 8), "sortSpecs": [{"dimensionIndex": 7, "sortOrder": "DESCENDING"}]}})
    same([r[0] for r in w.read(id_, "H1:H40", valueRenderOption="UNFORMATTED_VALUE")], list(range(39, -1, -1)))
    same(sorted(mixed), list(range(40)))


@case("cells: update, repeat, append, borders, notes, runs")
def _(w):
    id_ = w.book()
    number = lambda n: {"userEnteredValue": {"numberValue": n}}
    w.batch(id_, {"updateCells": {"range": grid(0, 2, 0, 2), "fields": "userEnteredValue,note", "rows": [{"values": [number(1), {"note": "n"}]}]}},
            {"repeatCell": {"range": grid(2, 4, 0, 2), "fields": "userEnteredValue,userEnteredFormat.textFormat.bold",
             "cell": {"userEnteredValue": {"formulaValue": "=A1+1"}, "userEnteredFormat": {"textFormat": {"bold": True, "italic": True}}}}},
            {"appendCells": {"sheetId": 0, "fields": "*", "rows": [{"values": [{"userEnteredValue": {"stringValue": "rich"},
             "textFormatRuns": [{"format": {"bold": True}}, {"startIndex": 2, "format": {}}]}]}]}},
            {"updateBorders": {"range": grid(0, 2, 0, 2), "top": {"style": "SOLID", "color": {"red": 1}}, "innerHorizontal": {"style": "DASHED"}}})
    same(w.read(id_, "A1:B5", valueRenderOption="FORMULA"), [[1], [], ["=A1+1", "=B1+1"], ["=A2+1", "=B2+1"], ["rich"]])
    data = w.sheets.spreadsheets().get(spreadsheetId=id_, ranges="A1:B5", includeGridData=True).execute()["sheets"][0]["data"][0]["rowData"]
    same(data[0]["values"][1]["note"], "n")
    same(data[2]["values"][0]["userEnteredFormat"]["textFormat"], {"bold": True})
    same(data[0]["values"][0]["userEnteredFormat"]["borders"]["top"]["style"], "SOLID")
    same(data[4]["values"][0]["textFormatRuns"][1], {"startIndex": 2, "format": {}})
    for value, words in [({"formulaValue": "1+1"}, ""), ({"errorValue": {"type": "REF"}}, "")]:
        raises(HttpError, lambda v=value: w.batch(id_, {"updateCells": {"start": {"sheetId": 0}, "fields": "*", "rows": [{"values": [{"userEnteredValue": v}]}]}}), http(400, words))
    raises(HttpError, lambda: w.batch(id_, {"updateCells": {"start": {"sheetId": 0, "rowIndex": 999}, "fields": "*", "rows": [{}, {}]}}), http(400))


@case("rows and columns: insert, delete, move, append, resize, hide, group")
def _(w):
    id_ = w.book([[f"r{r}c{c}" for c in range(3)] for r in range(4)])
    lines = lambda dim, a, b: {"sheetId": 0, "dimension": dim, "startIndex": a, "endIndex": b}
    w.batch(id_, {"insertDimension": {"range": lines("ROWS", 1, 2), "inheritFromBefore": True}}, {"moveDimension": {"source": lines("ROWS", 0, 1), "destinationIndex": 3}})
    same([r[0] if r else "" for r in w.read(id_, "A1:A5")], ["", "r1c0", "r0c0", "r2c0", "r3c0"])
    w.batch(id_, {"deleteDimension": {"range": lines("COLUMNS", 1, 2)}}, {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 5}},
            {"updateDimensionProperties": {"range": lines("COLUMNS", 0, 2), "properties": {"pixelSize": 55}, "fields": "pixelSize"}},
            {"updateDimensionProperties": {"range": lines("ROWS", 1, 2), "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}},
            {"autoResizeDimensions": {"dimensions": lines("COLUMNS", 1, 2)}})
    tab = w.tab(id_, "properties,data(rowMetadata,columnMetadata)")
    same((tab["properties"]["gridProperties"]["rowCount"], tab["properties"]["gridProperties"]["columnCount"]), (1006, 25))
    same((tab["data"][0]["columnMetadata"][0]["pixelSize"], tab["data"][0]["rowMetadata"][1]["hiddenByUser"]), (55, True))
    w.batch(id_, {"insertRange": {"range": grid(1, 2, 0, 1), "shiftDimension": "ROWS"}}, {"deleteRange": {"range": grid(2, 3, 0, 1), "shiftDimension": "ROWS"}})
    group = w.batch(id_, {"addDimensionGroup": {"range": lines("ROWS", 1, 4)}})["replies"][0]["addDimensionGroup"]["dimensionGroups"]
    same(group[0]["depth"], 1)
    w.batch(id_, {"updateDimensionGroup": {"dimensionGroup": {"range": lines("ROWS", 1, 4), "depth": 1, "collapsed": True}, "fields": "collapsed"}})
    same(w.tab(id_, "rowGroups")["rowGroups"][0]["collapsed"], True)
    same(w.batch(id_, {"deleteDimensionGroup": {"range": lines("ROWS", 1, 4)}})["replies"][0]["deleteDimensionGroup"], {})
    raises(HttpError, lambda: w.batch(id_, {"insertDimension": {"range": lines("ROWS", 0, 1), "inheritFromBefore": True}}), http(400))
    raises(HttpError, lambda: w.batch(id_, {"deleteDimension": {"range": lines("ROWS", 0, 1006)}}), http(400))
    raises(HttpError, lambda: w.batch(id_, {"deleteDimensionGroup": {"range": lines("ROWS", 1, 4)}}), http(400))


@case("limits: cells of a workbook, columns of a tab, requests of a batch")
def _(w):
    id_ = w.book()
    grow = lambda rows, columns: {"updateSheetProperties": {"properties": {"sheetId": 0, "gridProperties": {"rowCount": rows, "columnCount": columns}}, "fields": "gridProperties(rowCount,columnCount)"}}
    raises(HttpError, lambda: w.batch(id_, grow(1000001, 10)), http(400, "above the limit of 10000000 cells"))
    raises(HttpError, lambda: w.batch(id_, grow(10, 18279)), http(400, "18278"))
    w.batch(id_, grow(10, 18278))
    raises(HttpError, lambda: w.batch(id_, *[{"clearBasicFilter": {"sheetId": 0}}] * 100001), http(400, "Cannot exceed 100000 requests in a single batch."))


@case("protection stops others and not its editors")
def _(w):
    id_ = w.book([["mine", "yours"]])
    sheets, _ = w.services("gast@example.com")
    w.drive.permissions().create(fileId=id_, body={"type": "user", "role": "writer", "emailAddress": "gast@example.com"}, **ALL).execute()
    protected = w.batch(id_, {"addProtectedRange": {"protectedRange": {"range": grid(0, 1, 0, 1), "description": "d", "editors": {"users": [w.key["client_email"]]}}}})["replies"][0]["addProtectedRange"]["protectedRange"]
    write = lambda s, cell: s.spreadsheets().values().update(spreadsheetId=id_, range=cell, valueInputOption="RAW", body={"values": [["x"]]}).execute()
    raises(HttpError, lambda: write(sheets, "A1"), http(400, "You are trying to edit a protected cell or object."))
    write(sheets, "B1")
    write(w.sheets, "A1")
    seen = sheets.spreadsheets().get(spreadsheetId=id_, fields="sheets.protectedRanges").execute()["sheets"][0]["protectedRanges"][0]
    holds("requestingUserCanEdit" not in seen and "editors" not in seen, str(seen))
    w.batch(id_, {"updateProtectedRange": {"protectedRange": {"protectedRangeId": protected["protectedRangeId"], "warningOnly": True}, "fields": "warningOnly"}})
    write(sheets, "A1")
    w.batch(id_, {"deleteProtectedRange": {"protectedRangeId": protected["protectedRangeId"]}})
    named = w.batch(id_, {"addNamedRange": {"namedRange": {"name": "area", "range": grid(0, 2, 0, 2)}}})["replies"][0]["addNamedRange"]["namedRange"]["namedRangeId"]
    w.batch(id_, {"addProtectedRange": {"protectedRange": {"namedRangeId": named, "editors": {"users": [w.key["client_email"]]}}}})
    raises(HttpError, lambda: write(sheets, "B2"), http(400, "protected"))
    w.batch(id_, {"updateNamedRange": {"namedRange": {"namedRangeId": named, "name": "zone"}, "fields": "name"}})
    same(w.sheets.spreadsheets().get(spreadsheetId=id_, fields="namedRanges(name)").execute(), {"namedRanges": [{"name": "zone"}]})


@case("outside data sources are refused")
def _(w):
    id_ = w.book()
    raises(HttpError, lambda: w.batch(id_, {"addDataSource": {"dataSource": {"spec": {"bigQuery": {"projectId": "p"}}}}}), http(403))
    raises(HttpError, lambda: w.batch(id_, {"deleteDataSource": {"dataSourceId": "x"}}), http(400, "No data source with id: x"))
    raises(HttpError, lambda: w.batch(id_, {"updateDataSource": {"dataSource": {"dataSourceId": "x"}, "fields": "*"}}), http(400))
    same(w.batch(id_, {"refreshDataSource": {"isAll": True}})["replies"], [{"refreshDataSource": {}}])


@case("every error has Google's envelope")
def _(w):
    id_ = w.book()
    error = raises(HttpError, lambda: w.read(id_, "Nope!A1"), http(400))
    body = json.loads(error.content)["error"]
    same((body["code"], body["status"], "errors" in body), (400, "INVALID_ARGUMENT", False))
    error = raises(HttpError, lambda: w.drive.files().get(fileId="nope").execute(), http(404))
    body = json.loads(error.content)["error"]
    same((body["code"], body["errors"][0]["reason"], body["errors"][0]["location"], body["errors"][0]["domain"]), (404, "notFound", "fileId", "global"))


@case("formulas: results, errors, recalculation, arrays")
def _(w):
    id_ = w.book()
    rows = [[3, "=A1*2"], [4, "=SUM(A1:A2)"], ["=1/0", "=VLOOKUP(9,A1:B2,2,FALSE)"], ["=NOSUCH(1)", "=A1&\"x\""], ["=SORT(A1:A2,1,FALSE)", "=IF(A1>2,\"yes\",\"no\")"],
            ["", "=ROUND(2/3,2)"], ["=DATE(2026,3,5)", "=TEXT(A7,\"yyyy-mm\")"], ["=COUNTIF(A1:A2,\">3\")", "=IFERROR(1/0,\"-\")"]]
    w.write(id_, "A1", rows)
    same(w.read(id_, "A1:B8"), [["3", "6"], ["4", "7"], ["#DIV/0!", "#N/A"], ["#NAME?", "3x"], ["4", "yes"], ["3", "0.67"], ["3/5/2026", "2026-03"], ["1", "-"]])
    w.write(id_, "A1", [[10]])
    same(w.read(id_, "B1:B2"), [["20"], ["14"]])
    data = w.sheets.spreadsheets().get(spreadsheetId=id_, ranges="A3", includeGridData=True).execute()["sheets"][0]["data"][0]["rowData"][0]["values"][0]
    same(data["effectiveValue"]["errorValue"]["type"], "DIVIDE_BY_ZERO")


if __name__ == "__main__":
    case.run(World(*sys.argv[1:4]), *sys.argv[4:5])
