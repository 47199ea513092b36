#!/usr/bin/env python3
"""gspread against the simulator: gspread_cases.py ENDPOINT KEY_FILE FOLDER [ONLY]

The library is as it comes from its package; only the addresses of the services are the simulator's."""
import io
import json
import sys
import zipfile

import gspread
import gspread.client
import gspread.http_client
import gspread.spreadsheet
import gspread.urls
from gspread.exceptions import APIError, GSpreadException, SpreadsheetNotFound, WorksheetNotFound
from gspread.utils import (DateTimeOption, Dimension, ExportFormat, InsertDataOption, MergeType, PasteOrientation,
                           PasteType, ValidationConditionType, ValueInputOption, ValueRenderOption)

from cases import Cases, has, holds, raises, same

case = Cases("gspread")
HOSTS = {"https://sheets.googleapis.com": "", "https://www.googleapis.com": "", "https://docs.google.com": ""}


class World:
    def __init__(self, endpoint, key_file, folder):
        self.endpoint, self.folder = endpoint, folder
        self.key = json.load(open(key_file))
        for module in (gspread.urls, gspread.client, gspread.http_client, gspread.spreadsheet):
            for name in dir(module):
                value = getattr(module, name)
                if name.isupper() and isinstance(value, str):
                    for host in HOSTS:
                        value = value.replace(host, endpoint)
                    setattr(module, name, value)
        self.client = gspread.service_account_from_dict(self.key)
        self.number = 0

    def book(self, title=None):
        self.number += 1
        return self.client.create(title or f"gspread {self.number}", folder_id=self.folder)

    def sheet(self, rows=()):
        sheet = self.book().sheet1
        if rows:
            sheet.update(list(rows), raw=False)
        return sheet


def api(code, status=None, words=""):
    def check(error):
        same(error.code, code, "code")
        holds(words in error.error["message"], f"{words!r} is not in {error.error['message']!r}")
        if status:
            same(error.error["status"], status, "status")
    return check


# --- files -----------------------------------------------------------------------------------------


@case("create, open by key, by title, by address")
def _(w):
    book = w.book("Die Bücher & «Планы»")
    same(w.client.open_by_key(book.id).title, "Die Bücher & «Планы»")
    same(w.client.open("Die Bücher & «Планы»").id, book.id)
    same(w.client.open("Die Bücher & «Планы»", folder_id=w.folder).id, book.id)
    same(w.client.open_by_url(f"https://docs.google.com/spreadsheets/d/{book.id}/edit#gid=0").id, book.id)
    same([s.title for s in book.worksheets()], ["Sheet1"])
    same((book.sheet1.row_count, book.sheet1.col_count), (1000, 26))
    same((book.locale, book.timezone), ("en_US", "Etc/GMT"))


@case("a title that no file has")
def _(w):
    raises(SpreadsheetNotFound, lambda: w.client.open("there is no such title"))


@case("a key that no file has")
def _(w):
    raises(SpreadsheetNotFound, lambda: w.client.open_by_key("1aBcDeFgHiJkLmNoPqRsTuVwXyZ"))


@case("open all files of a title")
def _(w):
    ids = {w.book("Doppelt").id for _ in range(3)}
    same({book.id for book in w.client.openall("Doppelt")}, ids)
    names = {f["id"] for f in w.client.list_spreadsheet_files("Doppelt", folder_id=w.folder)}
    same(names, ids)


@case("a file's times")
def _(w):
    book = w.book()
    first = book.lastUpdateTime
    book.sheet1.update_acell("A1", "x")
    holds(book.get_lastUpdateTime() > first, "the time of the last change did not move")
    holds(book.creationTime.endswith("Z"), "the time of creation is no instant")


@case("a service account owns no storage")
def _(w):
    raises(APIError, lambda: w.client.create("in its own root"), api(403))


@case("copy a file with another title into a folder")
def _(w):
    book = w.book()
    book.sheet1.update([["a", 1], ["b", 2]], "A1")
    copy = w.client.copy(book.id, title="A copy", folder_id=w.folder)
    same((copy.title, copy.sheet1.get()), ("A copy", [["a", "1"], ["b", "2"]]))
    holds(copy.id != book.id, "the copy has the original's id")


@case("copy with permissions")
def _(w):
    book = w.book()
    book.share("anna@example.com", "user", "writer", notify=False)
    copy = w.client.copy(book.id, title="Shared copy", copy_permissions=True, folder_id=w.folder)
    mails = {p.get("emailAddress") for p in copy.list_permissions()}
    holds("anna@example.com" in mails, f"not shared: {mails}")


@case("delete a file")
def _(w):
    book = w.book()
    w.client.del_spreadsheet(book.id)
    raises(SpreadsheetNotFound, lambda: w.client.open_by_key(book.id))


@case("import a table of text")
def _(w):
    book = w.book("Imported")
    w.client.import_csv(book.id, "name,sum\n\"Ann, B.\",1.5\nBob,2020-01-31\n")
    sheet = w.client.open_by_key(book.id).sheet1
    same(sheet.get_all_values(), [["name", "sum"], ["Ann, B.", "1.5"], ["Bob", "2020-01-31"]])
    same(sheet.acell("B2", value_render_option="UNFORMATTED_VALUE").value, 1.5)


@case("export in every format")
def _(w):
    sheet = w.sheet([["name", "sum"], ["Änne", 1.5], ["total", "=B2*2"]])
    book = sheet.spreadsheet
    same(book.export(ExportFormat.CSV).decode(), "name,sum\r\nÄnne,1.5\r\ntotal,3")
    same(book.export(ExportFormat.TSV).decode(), "name\tsum\r\nÄnne\t1.5\r\ntotal\t3")
    holds(book.export(ExportFormat.PDF).startswith(b"%PDF-"), "no PDF")
    names = zipfile.ZipFile(io.BytesIO(book.export(ExportFormat.EXCEL))).namelist()
    holds("xl/workbook.xml" in names, f"no workbook: {names}")
    ods = zipfile.ZipFile(io.BytesIO(book.export(ExportFormat.OPEN_OFFICE_SHEET)))
    same(ods.read("mimetype"), b"application/vnd.oasis.opendocument.spreadsheet")
    pages = zipfile.ZipFile(io.BytesIO(book.export(ExportFormat.ZIPPED_HTML))).namelist()
    holds("Sheet1.html" in pages, f"no page: {pages}")


@case("an unknown format is refused by the library")
def _(w):
    book = w.book()
    raises(Exception, lambda: book.export("image/png"))


@case("share, list, remove permissions")
def _(w):
    book = w.book()
    book.share("anna@example.com", perm_type="user", role="writer", notify=False)
    book.share("boss@example.com", perm_type="user", role="reader", email_message="look")
    book.share("example.org", perm_type="domain", role="reader")
    book.share(None, perm_type="anyone", role="reader", with_link=True)
    own = {(p["type"], p["role"]) for p in book.list_permissions()}
    for one in (("user", "writer"), ("user", "reader"), ("domain", "reader"), ("anyone", "reader")):
        holds(one in own, f"{one} is not in {own}")
    same(len(book.remove_permissions("anna@example.com")), 1)
    mails = {p.get("emailAddress") for p in book.list_permissions()}
    holds("anna@example.com" not in mails, "still shared")
    raises(ValueError, lambda: book.share("x@example.com", perm_type="nobody", role="reader"))


@case("a role that does not exist")
def _(w):
    raises(APIError, lambda: w.book().share("x@example.com", perm_type="user", role="king"), api(400))


@case("ownership within a shared drive cannot be handed over")
def _(w):
    book = w.book()
    book.share("anna@example.com", perm_type="user", role="writer", notify=False)
    anna = next(p["id"] for p in book.list_permissions() if p.get("emailAddress") == "anna@example.com")
    raises(APIError, lambda: book.transfer_ownership(anna), api(404, words="File not found"))


@case("title, locale and time zone")
def _(w):
    book = w.book()
    book.update_title("Renamed")
    book.update_locale("de_DE")
    book.update_timezone("Europe/Berlin")
    again = w.client.open_by_key(book.id)
    same((again.title, again.locale, again.timezone), ("Renamed", "de_DE", "Europe/Berlin"))
    same(w.client.get_file_drive_metadata(book.id)["name"], "Renamed")
    raises(APIError, lambda: book.update_timezone("Mars/Base"), api(400))
    raises(APIError, lambda: book.update_locale("zzzzz"), api(400))


# --- tabs ------------------------------------------------------------------------------------------


@case("add, find, rename, reorder, delete tabs")
def _(w):
    book = w.book()
    plan = book.add_worksheet("Plan", rows=20, cols=5)
    fact = book.add_worksheet("It's a 'fact'", 10, 3, index=0)
    same([s.title for s in book], ["It's a 'fact'", "Sheet1", "Plan"])
    same((plan.row_count, plan.col_count), (20, 5))
    same(book.worksheet("It's a 'fact'").id, fact.id)
    same(book.get_worksheet(1).title, "Sheet1")
    same(book.get_worksheet_by_id(plan.id).title, "Plan")
    same(book.get_worksheet_by_id(str(plan.id)).title, "Plan")
    plan.update_title("План 2026")
    book.reorder_worksheets([plan, fact, book.sheet1])
    same([s.title for s in book.worksheets()][0], "План 2026")
    book.del_worksheet(fact)
    book.del_worksheet_by_id(plan.id)
    same([s.title for s in book.worksheets()], ["Sheet1"])


@case("tabs that do not exist")
def _(w):
    book = w.book()
    raises(WorksheetNotFound, lambda: book.worksheet("nothing"))
    raises(WorksheetNotFound, lambda: book.get_worksheet(7))
    raises(WorksheetNotFound, lambda: book.get_worksheet_by_id(123456))
    raises(APIError, lambda: book.del_worksheet_by_id(123456), api(400, "INVALID_ARGUMENT", "No grid with id: 123456"))


@case("a title twice, and the last tab")
def _(w):
    book = w.book()
    raises(APIError, lambda: book.add_worksheet("Sheet1", 1, 1), api(400, "INVALID_ARGUMENT", "already exists"))
    raises(APIError, lambda: book.del_worksheet(book.sheet1), api(400, "INVALID_ARGUMENT", "remove all"))


@case("duplicate tabs, with formulas and formats")
def _(w):
    sheet = w.sheet([["a", 2], ["b", "=B1*2"]])
    sheet.format("A1", {"textFormat": {"bold": True}})
    twin = sheet.duplicate(insert_sheet_index=1, new_sheet_name="Twin")
    same((twin.title, twin.index, twin.get_values("B2")), ("Twin", 1, [["4"]]))
    other = sheet.spreadsheet.duplicate_sheet(sheet.id, new_sheet_id=777, new_sheet_name="Third")
    same((other.id, other.acell("B2", "FORMULA").value), (777, "=B1*2"))
    raises(APIError, lambda: sheet.duplicate(new_sheet_name="Twin"), api(400))


@case("copy a tab into another file")
def _(w):
    sheet, other = w.sheet([["x"]]), w.book()
    props = sheet.copy_to(other.id)
    same(props["title"], "Copy of Sheet1")
    same(other.worksheet("Copy of Sheet1").get(), [["x"]])
    raises(APIError, lambda: sheet.copy_to("1noSuchFileAnywhere"), api(404, "NOT_FOUND"))


@case("hide and show a tab")
def _(w):
    book = w.book()
    raises(APIError, lambda: book.sheet1.hide(), api(400, words="You can't hide all the sheets in a document."))
    other = book.add_worksheet("Other", 5, 5)
    other.hide()
    same([s.title for s in book.worksheets(exclude_hidden=True)], ["Sheet1"])
    holds(book.worksheet("Other").isSheetHidden, "not hidden")
    other.show()
    holds(not book.worksheet("Other").isSheetHidden, "still hidden")


@case("gridlines, tab colour, index")
def _(w):
    book = w.book()
    sheet = book.sheet1
    sheet.hide_gridlines()
    holds(book.sheet1.is_gridlines_hidden, "gridlines are shown")
    sheet.show_gridlines()
    holds(not book.sheet1.is_gridlines_hidden, "gridlines are hidden")
    sheet.update_tab_color("#ff7f00")
    same(book.sheet1.get_tab_color(), "#FF7F00")
    sheet.clear_tab_color()
    same(book.sheet1.get_tab_color(), None)
    book.add_worksheet("B", 1, 1)
    sheet.update_index(1)
    book.worksheet("B").update_index(0)
    same([s.title for s in book.worksheets()], ["B", "Sheet1"])


@case("freeze and thaw")
def _(w):
    book = w.book()
    book.sheet1.freeze(rows=2, cols=1)
    same((book.sheet1.frozen_row_count, book.sheet1.frozen_col_count), (2, 1))
    book.sheet1.freeze(rows=0, cols=0)
    same((book.sheet1.frozen_row_count, book.sheet1.frozen_col_count), (0, 0))
    small = book.add_worksheet("Small", 3, 3)
    raises(APIError, lambda: small.freeze(rows=3), api(400, "INVALID_ARGUMENT"))


@case("resize, add and cut lines")
def _(w):
    sheet = w.sheet([["a", "b", "c"], ["d", "e", "f"]])
    sheet.resize(rows=5, cols=2)
    same((sheet.row_count, sheet.col_count, sheet.get()), (5, 2, [["a", "b"], ["d", "e"]]))
    sheet.add_rows(3)
    sheet.add_cols(1)
    same((sheet.row_count, sheet.col_count), (8, 3))
    again = sheet.spreadsheet.sheet1
    same((again.row_count, again.col_count), (8, 3))
    raises(TypeError, lambda: sheet.resize())


# --- values ----------------------------------------------------------------------------------------


@case("single cells")
def _(w):
    sheet = w.sheet()
    sheet.update_acell("B2", "hello")
    sheet.update_cell(3, 2, 42.5)
    same((sheet.acell("B2").value, sheet.cell(3, 2).value, sheet.cell(3, 2).numeric_value), ("hello", "42.5", 42.5))
    same(sheet.acell("Z99").value, None)
    sheet.update_acell("B2", "")
    same(sheet.acell("B2").value, None)


@case("a cell beyond the grid")
def _(w):
    sheet = w.sheet()
    raises(APIError, lambda: sheet.acell("A1001"), api(400, "INVALID_ARGUMENT", "exceeds grid limits"))
    raises(APIError, lambda: sheet.update_acell("AZ1", "x"), api(400, "INVALID_ARGUMENT", "exceeds grid limits"))


@case("labels that are none")
def _(w):
    sheet = w.sheet()
    raises(gspread.exceptions.IncorrectCellLabel, lambda: sheet.acell("what"))
    raises(gspread.exceptions.IncorrectCellLabel, lambda: sheet.acell(""))
    raises(gspread.exceptions.IncorrectCellLabel, lambda: sheet.cell(0, 1))


@case("update and get with every way of showing")
def _(w):
    sheet = w.sheet()
    sheet.update([["1.50", "2026-03-05", "=A1*2", "50%", "$3.20", "TRUE", "'007", "12:30"]], "A1", raw=False)
    same(sheet.get("A1:H1"), [["1.5", "2026-03-05", "3", "50%", "$3.20", "TRUE", "007", "12:30"]])
    plain = sheet.get("A1:H1", value_render_option=ValueRenderOption.unformatted)[0]
    same(plain[:7], [1.5, 46086, 3, 0.5, 3.2, True, "007"])
    holds(abs(plain[7] - 0.5208333333) < 1e-6, f"half past twelve is {plain[7]}")
    dated = sheet.get("B1", value_render_option="UNFORMATTED_VALUE", date_time_render_option=DateTimeOption.formatted_string)
    same(dated, [["2026-03-05"]])
    same(sheet.get("C1", value_render_option=ValueRenderOption.formula), [["=A1*2"]])


@case("raw input stays as it is")
def _(w):
    sheet = w.sheet()
    sheet.update([["=1+1", "1.5", 1.5, True, "2020-01-01"]], "A1", raw=True)
    same(sheet.get("A1:E1", value_render_option="UNFORMATTED_VALUE"), [["=1+1", "1.5", 1.5, True, "2020-01-01"]])
    sheet.update([["=1+1"]], "A2", value_input_option=ValueInputOption.user_entered)
    same(sheet.acell("A2").value, "2")


@case("trailing blanks are cut, inner ones stay")
def _(w):
    sheet = w.sheet()
    sheet.update([["a", "", "c", ""], [], ["", "x"], ["", ""]], "B2")
    same(sheet.get("B2:F9"), [["a", "", "c"], [], ["", "x"]])
    same(sheet.get_values("B2:E4"), [["a", "", "c"], ["", "", ""], ["", "x", ""]])
    same(sheet.get("B2:E4", pad_values=True), [["a", "", "c"], ["", "", ""], ["", "x", ""]])
    same(sheet.get("H1:J5"), [[]])
    same(sheet.get("B2:C3", major_dimension=Dimension.cols), [["a"]])
    same(sheet.get("B2:C4", major_dimension="COLUMNS"), [["a"], ["", "", "x"]])


@case("None leaves a cell alone")
def _(w):
    sheet = w.sheet([["a", "b", "c"]])
    sheet.update([["x", None, "z"]], "A1")
    same(sheet.get("A1:C1"), [["x", "b", "z"]])


@case("values wider than the range")
def _(w):
    sheet = w.sheet()
    raises(APIError, lambda: sheet.spreadsheet.values_update(
        "Sheet1!A1:B1", {"valueInputOption": "RAW"}, {"values": [[1, 2, 3]]}),
        api(400, "INVALID_ARGUMENT", "Requested writing within range ['Sheet1'!A1:B1], but tried writing to column [C]"))
    raises(APIError, lambda: sheet.spreadsheet.values_update(
        "Sheet1!A1:B1", {"valueInputOption": "RAW"}, {"values": [[1], [2]]}),
        api(400, "INVALID_ARGUMENT", "tried writing to row [2]"))


@case("an input option that is missing or unknown")
def _(w):
    book = w.book()
    raises(APIError, lambda: book.values_update("A1", {}, {"values": [[1]]}),
           api(400, "INVALID_ARGUMENT", "'valueInputOption' is required but not specified"))
    raises(APIError, lambda: book.values_update("A1", {"valueInputOption": "COOKED"}, {"values": [[1]]}),
           api(400, "INVALID_ARGUMENT", "Invalid value at 'value_input_option'"))
    raises(APIError, lambda: book.values_get("A1", {"valueRenderOption": "PRETTY"}),
           api(400, "INVALID_ARGUMENT", "Invalid value at 'value_render_option'"))
    raises(APIError, lambda: book.values_get("A1", {"majorDimension": "DIAGONALS"}),
           api(400, "INVALID_ARGUMENT", "Invalid value at 'major_dimension'"))
    raises(APIError, lambda: book.values_get("A1", {"noSuchParameter": "x"}),
           api(400, "INVALID_ARGUMENT", "Cannot bind query parameter"))


@case("values that no cell takes")
def _(w):
    book = w.book()
    raises(APIError, lambda: book.values_update("A1", {"valueInputOption": "RAW"}, {"values": [[{"a": 1}]]}),
           api(400, "INVALID_ARGUMENT", "Invalid values[0][0]: struct_value"))
    raises(APIError, lambda: book.values_update("A1", {"valueInputOption": "RAW"}, {"values": [[[1]]]}),
           api(400, "INVALID_ARGUMENT", "Invalid values[0][0]: list_value"))
    raises(APIError, lambda: book.values_update("A1", {"valueInputOption": "RAW"}, {"values": "x"}),
           api(400, "INVALID_ARGUMENT", "Invalid value at 'data.values'"))
    raises(APIError, lambda: book.values_update("A1", {"valueInputOption": "RAW"}, {"values": [["x" * 50001]]}),
           api(400, "INVALID_ARGUMENT", "50000 characters"))


@case("batch update and batch get")
def _(w):
    sheet = w.sheet()
    answer = sheet.batch_update([
        {"range": "A1:B1", "values": [["a", 1]]},
        {"range": "D3", "values": [["=B1+1"]]},
    ], value_input_option="USER_ENTERED")
    has(answer, {"totalUpdatedCells": 3, "totalUpdatedRows": 2, "totalUpdatedColumns": 3, "totalUpdatedSheets": 1})
    got = sheet.batch_get(["A1:B1", "D3", "E9"])
    same([list(g) for g in got], [[["a", "1"]], [["2"]], [[]] if got[2] else []])
    same([list(g) for g in sheet.batch_get(["A1:B1"], major_dimension="COLUMNS")], [[["a"], ["1"]]])


@case("one bad range of a batch writes nothing")
def _(w):
    sheet = w.sheet()
    body = {"valueInputOption": "RAW", "data": [{"range": "A1", "values": [[1]]}, {"range": "Nowhere!A1", "values": [[1]]}]}
    raises(APIError, lambda: sheet.spreadsheet.values_batch_update(body),
           api(400, "INVALID_ARGUMENT", "Invalid data[1]: Unable to parse range: Nowhere!A1"))
    same(sheet.acell("A1").value, None)


@case("all values, records, cells, rows, columns")
def _(w):
    sheet = w.sheet([["id", "name", "sum"], [1, "Ann", 1.5], [2, "Bob", ""]])
    same(sheet.get_all_values(), [["id", "name", "sum"], ["1", "Ann", "1.5"], ["2", "Bob", ""]])
    same(sheet.get_all_records(), [{"id": 1, "name": "Ann", "sum": 1.5}, {"id": 2, "name": "Bob", "sum": ""}])
    same(sheet.row_values(2), ["1", "Ann", "1.5"])
    same(sheet.col_values(2), ["name", "Ann", "Bob"])
    same(sheet.row_values(9), [])
    same(len(sheet.get_all_cells()), 26000)
    same([c.value for c in sheet.range("A1:B2")], ["id", "name", "1", "Ann"])
    same([c.address for c in sheet.range(1, 1, 2, 1)], ["A1", "A2"])
    same(sheet.get_all_values(value_render_option="UNFORMATTED_VALUE")[1], [1, "Ann", 1.5])


@case("records with a doubled header")
def _(w):
    sheet = w.sheet([["a", "a"], [1, 2]])
    raises(GSpreadException, lambda: sheet.get_all_records())


@case("update cells one by one")
def _(w):
    sheet = w.sheet()
    cells = sheet.range("A1:C2")
    for number, cell in enumerate(cells):
        cell.value = number
    sheet.update_cells(cells)
    same(sheet.get("A1:C2"), [["0", "1", "2"], ["3", "4", "5"]])
    cells[0].value = "=B1+C1"
    sheet.update_cells(cells[:1], value_input_option="USER_ENTERED")
    same(sheet.acell("A1").value, "3")


@case("append rows and tables")
def _(w):
    sheet = w.sheet([["h1", "h2"], [1, 2]])
    has(sheet.append_row([3, 4]), {"tableRange": "Sheet1!A1:B2", "updates": {"updatedRange": "Sheet1!A3:B3", "updatedCells": 2}})
    sheet.append_rows([["x", "=1+1"], ["y"]], value_input_option="USER_ENTERED")
    same(sheet.get(), [["h1", "h2"], ["1", "2"], ["3", "4"], ["x", "2"], ["y"]])
    sheet.append_row(["z"], insert_data_option=InsertDataOption.insert_rows, table_range="A1:B5")
    same(sheet.acell("A6").value, "z")
    same(sheet.spreadsheet.sheet1.row_count, 1001)


@case("append to an empty tab")
def _(w):
    answer = w.sheet().append_row(["a"])
    holds("tableRange" not in answer, "there was no table")
    same(answer["updates"]["updatedRange"], "Sheet1!A1")


@case("append grows the grid")
def _(w):
    book = w.book()
    sheet = book.add_worksheet("Small", 2, 2)
    sheet.update([["a", "b"], ["c", "d"]])
    sheet.append_rows([["e", "f"], ["g", "h"]])
    same((book.worksheet("Small").row_count, sheet.get("A4:B4")), (4, [["g", "h"]]))


@case("insert and delete rows and columns")
def _(w):
    sheet = w.sheet([["a", 1], ["b", 2], ["total", "=SUM(B1:B2)"]])
    sheet.insert_row(["new", 5], 2)
    same(sheet.get("A1:B4"), [["a", "1"], ["new", "5"], ["b", "2"], ["total", "8"]])
    same(sheet.acell("B4", "FORMULA").value, "=SUM(B1:B3)")
    sheet.insert_rows([["x", 1], ["y", 1]], row=1, value_input_option="USER_ENTERED", inherit_from_before=False)
    same(sheet.acell("A1").value, "x")
    sheet.insert_cols([["c1", "c2"]], col=2)
    same(sheet.get("A1:C2"), [["x", "c1", "1"], ["y", "c2", "1"]])
    sheet.delete_columns(2)
    sheet.delete_rows(1, 2)
    same(sheet.get("A1:B1"), [["a", "1"]])
    raises(APIError, lambda: sheet.delete_rows(1, 5000), api(400, "INVALID_ARGUMENT"))


@case("clear a tab and some ranges")
def _(w):
    sheet = w.sheet([["a", "b"], ["c", "d"]])
    same(sheet.batch_clear(["A1", "B2"])["clearedRanges"], ["Sheet1!A1", "Sheet1!B2"])
    same(sheet.get(), [["", "b"], ["c"]])
    sheet.format("A1:B2", {"textFormat": {"bold": True}})
    sheet.clear()
    same(sheet.get_all_values(), [[]])
    data = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": "A1"})
    holds(data["sheets"][0]["data"][0]["rowData"][0]["values"][0]["userEnteredFormat"]["textFormat"]["bold"], "the format went")


@case("find cells by text and by pattern")
def _(w):
    import re
    sheet = w.sheet([["alpha", "beta"], ["alphabet", "Beta"]])
    same(sheet.find("beta").address, "B1")
    same(sheet.find("BETA", case_sensitive=False).address, "B1")
    same(sheet.find("none"), None)
    same([c.address for c in sheet.findall(re.compile("^alpha"))], ["A1", "A2"])
    same([c.address for c in sheet.findall("Beta", in_column=2)], ["B2"])
    same(sheet.find("alphabet", in_row=2).address, "A2")


@case("expand a table")
def _(w):
    sheet = w.sheet([["", "a", "b"], ["", 1, 2], ["", 3, 4]])
    same(sheet.expand("B1"), [["a", "b"], ["1", "2"], ["3", "4"]])


# --- looks and objects -----------------------------------------------------------------------------


def cell(sheet, label):
    data = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": f"'{sheet.title}'!{label}"})
    rows = data["sheets"][0]["data"][0].get("rowData", [{}])
    return rows[0].get("values", [{}])[0]


@case("formats, one and many")
def _(w):
    sheet = w.sheet([[1234.5, 0.256, 46086]])
    sheet.format("A1:B1", {"backgroundColor": {"red": 1.0, "green": 0.5, "blue": 0.0}, "horizontalAlignment": "CENTER",
                           "textFormat": {"fontSize": 12, "bold": True, "foregroundColor": {"blue": 1.0}}})
    own = cell(sheet, "A1")["userEnteredFormat"]
    has(own, {"horizontalAlignment": "CENTER", "textFormat": {"fontSize": 12, "bold": True}})
    same(own["backgroundColor"]["red"], 1)
    sheet.batch_format([
        {"range": "A1", "format": {"numberFormat": {"type": "NUMBER", "pattern": "#,##0.00"}}},
        {"range": "B1", "format": {"numberFormat": {"type": "PERCENT", "pattern": "0.0%"}}},
        {"range": "C1", "format": {"numberFormat": {"type": "DATE", "pattern": "yyyy-mm-dd"}}},
    ])
    same(sheet.get("A1:C1"), [["1,234.50", "25.6%", "2026-03-05"]])
    sheet.format(["A1", "C1"], {"wrapStrategy": "WRAP"})
    same(cell(sheet, "C1")["userEnteredFormat"]["wrapStrategy"], "WRAP")
    raises(APIError, lambda: sheet.format("A1", {"horizontalAlignment": "SIDEWAYS"}),
           api(400, "INVALID_ARGUMENT", "horizontal_alignment"))
    raises(APIError, lambda: sheet.format("A1", {"noSuchField": 1}), api(400, "INVALID_ARGUMENT", "noSuchField"))


@case("merges of every kind")
def _(w):
    sheet = w.sheet([["a", "b", "c"], ["d", "e", "f"]])
    sheet.merge_cells("A1:B2")
    same(sheet.get("A1:C2"), [["a", "", "c"], ["", "", "f"]])
    same(sheet.get("A1:C2", combine_merged_cells=True), [["a", "a", "c"], ["a", "a", "f"]])
    sheet.unmerge_cells("A1:B2")
    sheet.merge_cells("A4:B5", merge_type=MergeType.merge_rows)
    merges = sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0]["merges"]
    same([(m["startRowIndex"], m["endRowIndex"]) for m in merges], [(3, 4), (4, 5)])
    sheet.batch_merge([{"range": "D1:E1"}, {"range": "D3:D5", "mergeType": MergeType.merge_columns}])
    same(len(sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0]["merges"]), 4)
    raises(APIError, lambda: sheet.unmerge_cells("A4"), api(400, "INVALID_ARGUMENT", "merged"))


@case("notes")
def _(w):
    sheet = w.sheet([["x"]])
    sheet.update_note("A1", "why")
    sheet.update_notes({"B2": "second", "C3": "third"})
    same((sheet.get_note("A1"), sheet.get_note("B2"), sheet.get_note("D4")), ("why", "second", ""))
    same(sheet.get_notes(), [["why"], ["", "second"], ["", "", "third"]])
    sheet.clear_notes(["B2", "C3"])
    sheet.clear_note("A1")
    same(sheet.get_note("A1"), "")
    sheet.insert_note("A1", "again")
    same(sheet.get_note("A1"), "again")


@case("protected ranges")
def _(w):
    sheet = w.sheet([["x"]])
    sheet.add_protected_range("A1:B2", editor_users_emails=["anna@example.com"], description="mine")
    sheet.add_protected_range("C1:D2", warning_only=True)
    both = sheet.spreadsheet.list_protected_ranges(sheet.id)
    has(both[0], {"description": "mine", "requestingUserCanEdit": True})
    holds("anna@example.com" in both[0]["editors"]["users"], "anna is no editor")
    same(both[1]["warningOnly"], True)
    sheet.delete_protected_range(both[0]["protectedRangeId"])
    same(len(sheet.spreadsheet.list_protected_ranges(sheet.id)), 1)
    raises(APIError, lambda: sheet.delete_protected_range(987), api(400, "INVALID_ARGUMENT", "No protected range with id: 987"))


@case("named ranges")
def _(w):
    sheet = w.sheet([["a", "b"], ["c", "d"]])
    book = sheet.spreadsheet
    answer = sheet.define_named_range("A1:B1", "heads")
    named = answer["replies"][0]["addNamedRange"]["namedRange"]
    same(named["name"], "heads")
    same(book.values_get("heads")["values"], [["a", "b"]])
    same([c.value for c in book.named_range("heads")], ["a", "b"])
    same(sheet.get("heads"), [["a", "b"]])
    same([n["name"] for n in book.list_named_ranges()], ["heads"])
    raises(APIError, lambda: sheet.define_named_range("A1", "heads"), api(400, "INVALID_ARGUMENT"))
    raises(APIError, lambda: sheet.define_named_range("A1", "1 bad name"), api(400, "INVALID_ARGUMENT"))
    sheet.delete_named_range(named["namedRangeId"])
    same(book.list_named_ranges(), [])


@case("sort by several columns")
def _(w):
    sheet = w.sheet([["b", 2], ["a", 2], ["c", 1], ["", ""]])
    sheet.sort((2, "asc"), (1, "des"), range="A1:B4")
    same(sheet.get("A1:B4"), [["c", "1"], ["b", "2"], ["a", "2"]])
    sheet.sort((1, "asc"))
    same(sheet.col_values(1), ["a", "b", "c"])


@case("basic filter")
def _(w):
    sheet = w.sheet([["h"], ["x"]])
    sheet.set_basic_filter("A1:A2")
    has(sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0]["basicFilter"],
        {"range": {"startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 0, "endColumnIndex": 1}})
    sheet.set_basic_filter()
    sheet.clear_basic_filter()
    holds("basicFilter" not in sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0], "still filtered")


@case("dimension groups")
def _(w):
    sheet = w.sheet()
    sheet.add_dimension_group_rows(1, 5)
    sheet.add_dimension_group_rows(2, 4)
    sheet.add_dimension_group_columns(0, 2)
    same([(g["range"]["startIndex"], g["depth"]) for g in sheet.list_dimension_group_rows()], [(1, 1), (2, 2)])
    same(len(sheet.list_dimension_group_columns()), 1)
    sheet.delete_dimension_group_rows(2, 4)
    sheet.delete_dimension_group_columns(0, 2)
    same(len(sheet.list_dimension_group_rows()), 1)
    same(sheet.list_dimension_group_columns(), [])


@case("hide and show lines, fit their size")
def _(w):
    sheet = w.sheet([["a very long text in the first column, longer than the column"]])
    sheet.hide_rows(1, 3)
    sheet.hide_columns(1, 2)
    data = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true"})["sheets"][0]["data"][0]
    same([m.get("hiddenByUser", False) for m in data["rowMetadata"][:4]], [False, True, True, False])
    same([m.get("hiddenByUser", False) for m in data["columnMetadata"][:3]], [False, True, False])
    sheet.unhide_rows(0, 5)
    sheet.unhide_columns(0, 5)
    sheet.columns_auto_resize(0, 1)
    sheet.rows_auto_resize(0, 1)
    data = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true"})["sheets"][0]["data"][0]
    holds(data["columnMetadata"][0]["pixelSize"] > 200, "the column did not grow")
    holds(not any(m.get("hiddenByUser") for m in data["rowMetadata"][:5]), "rows are still hidden")


@case("copy and cut ranges")
def _(w):
    sheet = w.sheet([["a", "=1+1"], ["b", "=B1*3"]])
    sheet.copy_range("A1:B2", "D1:E2", PasteType.normal, PasteOrientation.normal)
    same((sheet.get("D1:E2"), sheet.acell("E2", "FORMULA").value), ([["a", "2"], ["b", "6"]], "=E1*3"))
    sheet.copy_range("A1:B2", "G1", PasteType.values, PasteOrientation.transpose)
    same(sheet.get("G1:H2"), [["a", "b"], ["2", "6"]])
    sheet.cut_range("A1:A2", "A5")
    same(sheet.get("A1:A6"), [[], [], [], [], ["a"], ["b"]])


@case("data validation")
def _(w):
    sheet = w.sheet()
    sheet.add_validation("A1:A3", ValidationConditionType.one_of_list, ["Yes", "No"], inputMessage="choose", strict=True, showCustomUi=True)
    sheet.add_validation("B1", ValidationConditionType.boolean, [])
    sheet.add_validation("C1", ValidationConditionType.number_between, ["1", "10"])
    has(cell(sheet, "A2")["dataValidation"], {"strict": True, "showCustomUi": True, "inputMessage": "choose",
        "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "Yes"}, {"userEnteredValue": "No"}]}})
    same(cell(sheet, "B1")["dataValidation"]["condition"]["type"], "BOOLEAN")


@case("conditional formats by raw requests")
def _(w):
    sheet = w.sheet([[1], [5], [9]])
    grid = {"sheetId": sheet.id, "startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 1}
    red = {"backgroundColor": {"red": 1}}
    sheet.spreadsheet.batch_update({"requests": [{"addConditionalFormatRule": {"index": 0, "rule": {"ranges": [grid],
        "booleanRule": {"condition": {"type": "NUMBER_GREATER", "values": [{"userEnteredValue": "4"}]}, "format": red}}}}]})
    same(cell(sheet, "A2")["effectiveFormat"]["backgroundColor"], {"red": 1})
    same(cell(sheet, "A1")["effectiveFormat"]["backgroundColor"], {"red": 1, "green": 1, "blue": 1})
    answer = sheet.spreadsheet.batch_update({"requests": [{"deleteConditionalFormatRule": {"sheetId": sheet.id, "index": 0}}]})
    same(answer["replies"][0]["deleteConditionalFormatRule"]["rule"]["booleanRule"]["condition"]["type"], "NUMBER_GREATER")
    raises(APIError, lambda: sheet.spreadsheet.batch_update(
        {"requests": [{"deleteConditionalFormatRule": {"sheetId": sheet.id, "index": 0}}]}),
        api(400, "INVALID_ARGUMENT", "No conditional format on sheet: 0 at index: 0"))


# --- ranges and errors -----------------------------------------------------------------------------


@case("ranges in every notation")
def _(w):
    sheet = w.sheet([["a", "b"], ["c", "d"]])
    book = sheet.spreadsheet
    for text, range_, values in [
        ("Sheet1", "Sheet1!A1:Z1000", [["a", "b"], ["c", "d"]]),
        ("'Sheet1'!A:A", "Sheet1!A1:A1000", [["a"], ["c"]]),
        ("Sheet1!2:2", "Sheet1!A2:Z2", [["c", "d"]]),
        ("Sheet1!A2:B", "Sheet1!A2:B1000", [["c", "d"]]),
        ("Sheet1!$B$1", "Sheet1!B1", [["b"]]),
        ("Sheet1!B2:A1", "Sheet1!A1:B2", [["a", "b"], ["c", "d"]]),
        ("A1:B1", "Sheet1!A1:B1", [["a", "b"]]),
        ("R1C1:R2C1", "Sheet1!A1:A2", [["a"], ["c"]]),
        ("Sheet1!R2C2", "Sheet1!B2", [["d"]]),
        ("Sheet1!A1:ZZ9", "Sheet1!A1:Z9", [["a", "b"], ["c", "d"]]),
    ]:
        got = book.values_get(text)
        same((got["range"], got["values"]), (range_, values), text)


@case("ranges that are none")
def _(w):
    book = w.book()
    for text in ("Nowhere!A1", "Sheet1!", "Sheet1!A0", "no such range", "A1:B2:C3", "'Sheet1!A1"):
        raises(APIError, lambda t=text: book.values_get(t), api(400, "INVALID_ARGUMENT", "Unable to parse range"))


@case("titles that look like something else")
def _(w):
    book = w.book()
    for title in ("A1", "CRM26", "It's", "a!b", "100%", "Лист 1", "R1C1", "x#y?z&"):
        sheet = book.add_worksheet(title, 3, 3)
        sheet.update([[title]], "A1")
        same(sheet.get("A1"), [[title]], title)
        same(sheet.get_all_values(), [[title]], title)


@case("the wrong kind of request")
def _(w):
    book = w.book()
    for body, words in [
        ({"requests": []}, "Must specify at least one request."),
        ({}, "Must specify at least one request."),
        ({"requests": [{}]}, "No request set."),
        ({"requests": [{"dance": {}}]}, "Unknown name \"dance\" at 'requests[0]': Cannot find field."),
        ({"requests": [{"addSheet": {"title": "x"}}]}, "Unknown name \"title\" at 'requests[0].add_sheet'"),
        ({"requests": [{"mergeCells": {"mergeType": "ALL"}}]}, "Invalid value at 'requests[0].merge_cells.merge_type'"),
        ({"requests": [{"deleteSheet": {"sheetId": "one"}}]}, "(TYPE_INT32), \"one\""),
        ({"requests": [{"repeatCell": {"range": {"sheetId": 0}, "cell": {}}}]}, "At least one field must be listed in 'fields'"),
        ({"requests": [{"updateCells": {"range": {"sheetId": 999}, "fields": "*"}}]}, "Invalid requests[0].updateCells: No grid with id: 999"),
        ({"request": []}, "Unknown name \"request\""),
    ]:
        raises(APIError, lambda b=body: book.batch_update(b), api(400, "INVALID_ARGUMENT", words))


@case("one request without a list, and lists within the list")
def _(w):
    book = w.book()
    tab = lambda title: {"addSheet": {"properties": {"title": title}}}
    same(len(book.batch_update({"requests": tab("A")})["replies"]), 1)
    same(len(book.batch_update({"requests": [[tab("B")], [tab("C"), tab("D")]]})["replies"]), 3)
    same([s.title for s in book.worksheets()], ["Sheet1", "A", "B", "C", "D"])


@case("without a right to the file")
def _(w):
    book = w.book()
    import requests
    for header, code in [({"Authorization": "Bearer nonsense"}, 401), ({}, 403),
                         ({"Authorization": "Bearer person:eve@example.com"}, 403)]:
        answer = requests.get(f"{w.endpoint}/v4/spreadsheets/{book.id}", headers=header, timeout=10)
        same(answer.status_code, code, str(header))
        holds(answer.json()["error"]["status"] in ("UNAUTHENTICATED", "PERMISSION_DENIED"), answer.text)


@case("an API key reads what anybody may read")
def _(w):
    book = w.book()
    book.sheet1.update([["open"]], "A1")
    keyed = gspread.api_key("AIzaAnything")
    raises(PermissionError, lambda: keyed.open_by_key(book.id))
    book.share(None, perm_type="anyone", role="reader")
    same(keyed.open_by_key(book.id).sheet1.acell("A1").value, "open")
    raises(APIError, lambda: keyed.open_by_key(book.id).sheet1.update_acell("A1", "x"), api(401))


@case("ten thousand rows at once")
def _(w):
    book = w.book()
    sheet = book.add_worksheet("Big", rows=10000, cols=5)
    rows = [[f"row {i}", i, i / 8, i % 2 == 0, f"=B{i + 1}*2"] for i in range(10000)]
    sheet.update(rows, "A1", raw=False)
    got = sheet.get("A9999:E10000", value_render_option="UNFORMATTED_VALUE")
    same(got, [["row 9998", 9998, 9998 / 8, True, 19996], ["row 9999", 9999, 9999 / 8, False, 19998]])


@case("numbers, dates and flags as typed in other locales")
def _(w):
    book = w.book()
    for locale, typed, want in [
        ("ru_RU", ["1,5", "05.03.2026", "1 234,5", "ИСТИНА", "12%"], [1.5, 46086, 1234.5, True, 0.12]),
        ("de_DE", ["1.234,5", "5.3.2026", "WAHR", "7"], [1234.5, 46086, True, 7]),
        ("en_US", ["1,234.5", "3/5/2026", "TRUE", "Mar 5, 2026"], [1234.5, 46086, True, 46086]),
        ("en_GB", ["05/03/2026", "1,234.5"], [46086, 1234.5]),
        ("fr_FR", ["1,5", "05/03/2026", "VRAI"], [1.5, 46086, True]),
        ("uk_UA", ["1,5", "05.03.2026"], [1.5, 46086]),
    ]:
        book.update_locale(locale)
        sheet = book.sheet1
        sheet.clear()
        sheet.update([typed], "A1", raw=False)
        same(sheet.get("A1:E1", value_render_option="UNFORMATTED_VALUE")[0], want, locale)


if __name__ == "__main__":
    case.run(World(*sys.argv[1:4]), *sys.argv[4:5])
