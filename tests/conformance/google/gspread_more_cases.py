#!/usr/bin/env python3
"""gspread once more: gspread_more_cases.py ENDPOINT KEY_FILE FOLDER [ONLY]

As people who own their files, by the methods below the usual ones, with every option of records, and in
trouble: quotas, time-outs, pages instead of answers."""
import gspread.http_client
import requests
from google.oauth2 import service_account
from gspread.exceptions import APIError
from gspread.http_client import BackOffHTTPClient
from gspread.utils import Dimension, ValueRenderOption

import sys

import gspread_cases
from cases import Cases, has, holds, raises, same
from gspread_cases import api

case = Cases("gspread, once more")
SCOPES = ["https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/spreadsheets"]


class World(gspread_cases.World):
    def person(self, mail, **options):
        credentials = service_account.Credentials.from_service_account_info(self.key, scopes=SCOPES, subject=mail)
        return gspread.Client(auth=credentials, **options)

    def faults(self, *faults):
        requests.post(self.endpoint + "/_sim/faults", json=list(faults), timeout=10).raise_for_status()

    def calm(self):
        requests.delete(self.endpoint + "/_sim/faults", timeout=10).raise_for_status()


@case("a person's own file: offered, taken over, handed back")
def _(w):
    ann, bob = w.person("ann@example.com"), w.person("bob@example.com")
    book = ann.create("Ann's")
    same(book.sheet1.title, "Sheet1")
    book.share("bob@example.com", perm_type="user", role="writer", notify=False)
    number = lambda mail: next(p["id"] for p in book.list_permissions() if p.get("emailAddress") == mail)
    theirs = bob.open_by_key(book.id)
    raises(APIError, lambda: theirs.accept_ownership(number("bob@example.com")), api(403))
    raises(APIError, lambda: theirs.transfer_ownership(number("bob@example.com")), api(403))
    book.transfer_ownership(number("bob@example.com"))
    same([p["pendingOwner"] for p in book.list_permissions() if p.get("emailAddress") == "bob@example.com"], [True])
    theirs.accept_ownership(number("bob@example.com"))
    roles = {p["emailAddress"]: (p["role"], p["pendingOwner"]) for p in theirs.list_permissions()}
    same(roles, {"bob@example.com": ("owner", False), "ann@example.com": ("writer", False)})
    same([f["name"] for f in bob.list_spreadsheet_files("Ann's")], ["Ann's"])
    raises(APIError, lambda: ann.del_spreadsheet(book.id), api(403))
    bob.del_spreadsheet(book.id)


@case("permissions by the client, and folders of a person")
def _(w):
    ann = w.person("folders@example.com")
    book = ann.create("In the root")
    answer = ann.insert_permission(book.id, "guest@example.com", perm_type="user", role="commenter", notify=False)
    same(answer.json()["role"], "commenter")
    ann.remove_permission(book.id, answer.json()["id"])
    same([p["role"] for p in ann.list_permissions(book.id)], ["owner"])
    raises(APIError, lambda: ann.remove_permission(book.id, "12345"), api(404, words="Permission not found"))
    same(book.url.rsplit("/", 1)[1], book.id)
    holds(book.sheet1.url.endswith("#gid=0"), book.sheet1.url)
    book.update_drive_metadata()
    same(book.title, "In the root")


@case("values by the spreadsheet's own methods")
def _(w):
    sheet = w.sheet([["a", 1], ["b", 2]])
    book = sheet.spreadsheet
    same(book.values_batch_get(["Sheet1!A1:A2", "Sheet1!B2"], {"majorDimension": "COLUMNS"})["valueRanges"][0]["values"], [["a", "b"]])
    added = book.values_append("Sheet1", {"valueInputOption": "USER_ENTERED", "includeValuesInResponse": "true"}, {"values": [["c", "=B2*2"]]})
    same(added["updates"]["updatedData"]["values"], [["c", "4"]])
    has(book.values_clear("Sheet1!A1"), {"clearedRange": "Sheet1!A1"})
    same(book.values_batch_clear(body={"ranges": ["Sheet1!B1", "Sheet1!A2"]})["clearedRanges"], ["Sheet1!B1", "Sheet1!A2"])
    same(sheet.get("A1:B3"), [[], ["", "2"], ["c", "4"]])
    raises(APIError, lambda: book.values_batch_clear(body={"ranges": ["Nowhere!A1"]}), api(400, "INVALID_ARGUMENT", "Unable to parse range"))
    http = w.client.http_client
    same(http.spreadsheets_get(book.id, {"fields": "spreadsheetId"}), {"spreadsheetId": book.id})
    other = w.book()
    same(http.spreadsheets_sheets_copy_to(book.id, sheet.id, other.id)["title"], "Copy of Sheet1")


@case("records with every option")
def _(w):
    sheet = w.sheet([["a report"], ["id", "name", "sum", "code"], [1, "Ann", "1 000", "007"], [2, "", "1_000", "3.50"]])
    sheet.update([["'007"], ["'3.50"]], "D3:D4", raw=False)
    same(sheet.get_all_records(head=2, expected_headers=["id", "name"])[0], {"id": 1, "name": "Ann", "sum": "1 000", "code": 7})
    same(sheet.get_all_records(head=2, numericise_ignore=[4], default_blank=None)[1], {"id": 2, "name": None, "sum": "1_000", "code": "3.50"})
    same(sheet.get_all_records(head=2, allow_underscores_in_numeric_literals=True)[1]["sum"], 1000)
    same(sheet.get_all_records(head=2, numericise_ignore=["all"])[0]["id"], "1")
    same(sheet.get_all_records(head=2, value_render_option=ValueRenderOption.unformatted, empty2zero=True)[1]["name"], 0)
    same(sheet.get_all_records(head=4), [])
    raises(Exception, lambda: sheet.get_all_records(head=2, expected_headers=["nobody"]))


@case("lines, notes and colours by their other names")
def _(w):
    sheet = w.sheet([["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]])
    sheet.delete_dimension(Dimension.rows, 2)
    sheet.delete_dimension(Dimension.cols, 1, 2)
    same(sheet.get(), [["c"], ["i"]])
    sheet.insert_notes({"A1": "one", "B2": "two"})
    same(sheet.get_notes(), [["one"], ["", "two"]])
    sheet.update_tab_color("#112233")
    same((sheet.spreadsheet.sheet1.tab_color, sheet.spreadsheet.sheet1.column_count), ("#112233", 24))
    cell = gspread.Cell.from_address("B2", "x")
    sheet.update_cells([cell])
    same(sheet.acell("B2").value, "x")


@case("quotas and broken answers, waited out")
def _(w):
    book = w.sheet([["x"]]).spreadsheet
    waits = []
    before, gspread.http_client.time.sleep = gspread.http_client.time.sleep, waits.append
    try:
        patient = gspread.service_account_from_dict(w.key, http_client=BackOffHTTPClient)
        sheet = patient.open_by_key(book.id).sheet1
        for fault in ({"status": 429, "count": 3}, {"status": 500}, {"status": 503, "count": 2}):
            w.faults({"match": "sheets.spreadsheets.values.get", **fault})
            same(sheet.acell("A1").value, "x", str(fault))
        same(len(waits), 6)
        w.faults({"match": "drive.files.get", "status": 403, "body": {"error": {"code": 403, "message": "User Rate Limit Exceeded", "errors": [
            {"domain": "usageLimits", "reason": "userRateLimitExceeded", "message": "User Rate Limit Exceeded"}]}}})
        same(patient.get_file_drive_metadata(book.id)["id"], book.id)
        same(len(waits), 7)
    finally:
        gspread.http_client.time.sleep = before
        w.calm()


@case("errors of every status, and a page instead of one")
def _(w):
    sheet = w.sheet([["x"]])
    for status, word in ((400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND"), (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE")):
        w.faults({"match": "sheets.spreadsheets.values.get", "status": status})
        raises(APIError, lambda: sheet.acell("A1"), api(status, word))
    w.faults({"match": "sheets.spreadsheets.values.get", "status": 502, "body": "<html><title>502</title></html>"})
    error = raises(APIError, lambda: sheet.acell("A1"))
    same(error.response.status_code, 502)
    w.faults({"match": "sheets.spreadsheets.values.get", "kind": "reset"})
    same(sheet.acell("A1").value, "x") if closed(lambda: sheet.acell("A1")) else None
    w.faults({"match": "sheets.spreadsheets.values.get", "kind": "slow_ms", "ms": 1500})
    w.client.set_timeout(0.5)
    raises(requests.exceptions.Timeout, lambda: sheet.acell("A1"))
    w.client.set_timeout(None)
    w.calm()
    same(sheet.acell("A1").value, "x")


def closed(call):
    """Whether the connection broke under a call; the library does not try it again by itself."""
    try:
        call()
    except requests.exceptions.ConnectionError:
        return True
    return False


if __name__ == "__main__":
    case.run(World(*sys.argv[1:4]), *sys.argv[4:5])
