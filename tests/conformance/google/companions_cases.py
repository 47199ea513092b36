#!/usr/bin/env python3
"""gspread-formatting, gspread-dataframe and pygsheets against the simulator:
companions_cases.py ENDPOINT KEY_FILE FOLDER [ONLY]

What people put on top of gspread, and the other Python client. The libraries are as they come from their
packages; only the addresses of the services are the simulator's."""
import json
import math
import sys

import gspread
import gspread.client
import gspread.http_client
import gspread.spreadsheet
import gspread.urls
import gspread_formatting as fmt
import gspread_formatting.functions
import httplib2
import pandas
import pygsheets
from google.oauth2 import service_account
from gspread_dataframe import get_as_dataframe, set_with_dataframe

from cases import Cases, has, holds, raises, same

case = Cases("gspread's companions and pygsheets")
HOSTS = ("https://sheets.googleapis.com", "https://www.googleapis.com", "https://docs.google.com")
SCOPES = ["https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"]


class Here(httplib2.Http):
    """The same transport that the library would make, with the services' addresses at the simulator."""

    def __init__(self, endpoint):
        super().__init__(timeout=120)
        self.endpoint = endpoint

    def request(self, uri, *args, **kwargs):
        for host in HOSTS:
            uri = uri.replace(host, self.endpoint)
        return super().request(uri, *args, **kwargs)


class World:
    def __init__(self, endpoint, key_file, folder):
        self.endpoint, self.folder, self.number = endpoint, folder, 0
        key = json.load(open(key_file))
        for module in (gspread.urls, gspread.client, gspread.http_client, gspread.spreadsheet, fmt.functions):
            for name in dir(module):
                value = getattr(module, name)
                if name.isupper() and isinstance(value, str):
                    for host in HOSTS:
                        value = value.replace(host, endpoint)
                    setattr(module, name, value)
        self.client = gspread.service_account_from_dict(key)
        credentials = service_account.Credentials.from_service_account_info(
            key, scopes=SCOPES, subject="owner@example.com")
        self.pyg = pygsheets.authorize(custom_credentials=credentials, http=Here(endpoint), retries=1)

    def sheet(self, rows=()):
        self.number += 1
        sheet = self.client.create(f"companion {self.number}", folder_id=self.folder).sheet1
        if rows:
            sheet.update(list(rows), raw=False)
        return sheet

    def book(self, rows=()):
        self.number += 1
        book = self.pyg.create(f"pyg {self.number}")
        if rows:
            book.sheet1.update_values("A1", [list(row) for row in rows])
        return book


GOODS = [["item", "price", "count"], ["bread", 50, 3], ["milk", 90, 2], ["cheese", 700, 1]]


# --- gspread-formatting ----------------------------------------------------------------------------

@case("formatting: formats of ranges are set and read back, entered and effective")
def _(w):
    sheet = w.sheet(GOODS)
    head = fmt.cellFormat(
        backgroundColor=fmt.color(1, 0.9, 0.9), horizontalAlignment="CENTER", wrapStrategy="WRAP",
        textFormat=fmt.textFormat(bold=True, italic=True, fontSize=12, foregroundColor=fmt.color(1, 0, 1)),
        padding=fmt.padding(1, 2, 3, 4), textRotation=fmt.textRotation(angle=45),
        borders=fmt.borders(bottom=fmt.border("SOLID_THICK", fmt.color(0, 0, 1)), top=fmt.border("DASHED")))
    fmt.format_cell_range(sheet, "A1:C1", head)
    fmt.format_cell_ranges(sheet, [("B2:B4", fmt.cellFormat(numberFormat=fmt.numberFormat("CURRENCY", "#,##0.00"))),
                                   ("C", fmt.cellFormat(numberFormat=fmt.numberFormat("NUMBER", "0")))])
    got = fmt.get_user_entered_format(sheet, "B1")
    same((got.textFormat.bold, got.textFormat.fontSize, got.horizontalAlignment), (True, 12, "CENTER"))
    same((got.borders.bottom.style, got.borders.top.style, got.textRotation.angle), ("SOLID_THICK", "DASHED", 45))
    same((got.padding.top, got.padding.right, got.padding.bottom, got.padding.left), (1, 2, 3, 4))
    same(fmt.get_effective_format(sheet, "B2").numberFormat.pattern, "#,##0.00")
    same(sheet.acell("B4").value, "700.00")
    same(fmt.get_user_entered_format(sheet, "D9"), None)
    same(fmt.get_default_format(sheet.spreadsheet).verticalAlignment, "BOTTOM")


@case("formatting: sums and differences of formats")
def _(w):
    sheet = w.sheet(GOODS)
    fmt.format_cell_range(sheet, "A1", fmt.cellFormat(textFormat=fmt.textFormat(bold=True)))
    old = fmt.get_user_entered_format(sheet, "A1")
    fmt.format_cell_range(sheet, "A1", old + fmt.cellFormat(textFormat=fmt.textFormat(italic=True)))
    new = fmt.get_user_entered_format(sheet, "A1")
    same((new.textFormat.bold, new.textFormat.italic), (True, True))
    same(new.difference(old).textFormat.italic, True)


@case("formatting: conditional rules, boolean and gradient, are kept in order")
def _(w):
    sheet = w.sheet(GOODS)
    rules = fmt.get_conditional_format_rules(sheet)
    same(len(rules), 0)
    rules.append(fmt.ConditionalFormatRule(
        ranges=[fmt.GridRange.from_a1_range("B2:B10", sheet)],
        booleanRule=fmt.BooleanRule(condition=fmt.BooleanCondition("NUMBER_GREATER", ["100"]),
                                    format=fmt.CellFormat(backgroundColor=fmt.Color(1, 0, 0)))))
    rules.append(fmt.ConditionalFormatRule(
        ranges=[fmt.GridRange.from_a1_range("C2:C10", sheet)],
        gradientRule=fmt.GradientRule(
            minpoint=fmt.InterpolationPoint(color=fmt.Color(1, 1, 1), type="MIN"),
            midpoint=fmt.InterpolationPoint(color=fmt.Color(1, 1, 0), type="PERCENTILE", value="50"),
            maxpoint=fmt.InterpolationPoint(color=fmt.Color(0, 1, 0), type="MAX"))))
    rules.save()
    again = fmt.get_conditional_format_rules(sheet)
    same([type(r.booleanRule or r.gradientRule).__name__ for r in again], ["BooleanRule", "GradientRule"])
    same(again[0].booleanRule.condition.values[0].userEnteredValue, "100")
    same(fmt.get_effective_format(sheet, "B4").backgroundColor.red, 1)
    same(fmt.get_effective_format(sheet, "B4").backgroundColor.green or 0, 0)
    again.clear()
    again.save()
    same(len(fmt.get_conditional_format_rules(sheet)), 0)


@case("formatting: validation rules of every common kind")
def _(w):
    sheet = w.sheet(GOODS)
    rule = lambda kind, values=(), **more: fmt.DataValidationRule(fmt.BooleanCondition(kind, list(values)), **more)
    kinds = [("A2", "ONE_OF_LIST", ["bread", "milk"]), ("B2", "NUMBER_BETWEEN", ["1", "1000"]), ("C2", "BOOLEAN", []),
             ("D2", "CUSTOM_FORMULA", ["=B2>0"]), ("E2", "TEXT_IS_EMAIL", []), ("F2", "DATE_IS_VALID", []),
             ("G2", "ONE_OF_RANGE", ["=A2:A4"])]
    for label, kind, values in kinds:
        fmt.set_data_validation_for_cell_range(sheet, label, rule(kind, values, showCustomUi=True, strict=True))
    for label, kind, values in kinds:
        got = fmt.get_data_validation_rule(sheet, label)
        same((got.condition.type, got.strict), (kind, True), label)
        same([v.userEnteredValue for v in got.condition.values or []], values, label)
    fmt.set_data_validation_for_cell_range(sheet, "A2", None)
    same(fmt.get_data_validation_rule(sheet, "A2"), None)


@case("formatting: sizes, frozen panes, direction, runs, all in one batch")
def _(w):
    sheet = w.sheet(GOODS)
    with fmt.batch_updater(sheet.spreadsheet) as batch:
        batch.set_frozen(sheet, rows=1, cols=1)
        batch.set_column_widths(sheet, [("A", 200), ("B:C", 60)])
        batch.set_row_heights(sheet, [("1", 40), ("2:4", 25)])
        batch.set_right_to_left(sheet, True)
        batch.format_cell_range(sheet, "A1:C1", fmt.cellFormat(textFormat=fmt.textFormat(bold=True)))
    same((fmt.get_frozen_row_count(sheet), fmt.get_frozen_column_count(sheet)), (1, 1))
    same(fmt.get_right_to_left(sheet), True)
    meta = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": sheet.title})
    data = meta["sheets"][0]["data"][0]
    same([m["pixelSize"] for m in data["columnMetadata"][:4]], [200, 60, 60, 100])
    same([m["pixelSize"] for m in data["rowMetadata"][:5]], [40, 25, 25, 25, 21])
    runs = [fmt.TextFormatRun(fmt.TextFormat(bold=True), 0), fmt.TextFormatRun(fmt.TextFormat(italic=True), 3)]
    fmt.set_text_format_runs(sheet, "A2", runs)
    same([(r.startIndex or 0, r.format.bold, r.format.italic) for r in fmt.get_text_format_runs(sheet, "A2")],
         [(0, True, None), (3, None, True)])


# --- gspread-dataframe -----------------------------------------------------------------------------

@case("dataframe: written, read back with types, index and blanks")
def _(w):
    sheet = w.sheet()
    frame = pandas.DataFrame({
        "name": ["a", "b", None], "number": [1.5, -2.25, math.nan], "flag": [True, False, True],
        "day": pandas.to_datetime(["2026-01-31", "2026-02-28", "2026-12-31"]), "text": ["=1+1", "0042", "'x"],
    }, index=pandas.Index([10, 20, 30], name="id"))
    set_with_dataframe(sheet, frame, include_index=True, resize=True)
    same((sheet.row_count, sheet.col_count), (4, 6))
    got = get_as_dataframe(sheet, index_col=0, parse_dates=["day"])
    same(list(got.columns), list(frame.columns))
    same([x for x in got["number"] if not math.isnan(x)], [1.5, -2.25])
    same(list(got["flag"]), [True, False, True])
    same([str(d.date()) for d in got["day"]], ["2026-01-31", "2026-02-28", "2026-12-31"])
    same(list(got.index), [10, 20, 30])


@case("dataframe: at an offset, without a header, formulas evaluated or as such")
def _(w):
    sheet = w.sheet()
    frame = pandas.DataFrame([[1, "=C3*2"], [3, "=C4*2"]])
    set_with_dataframe(sheet, frame, row=3, col=3, include_column_header=False)
    same(sheet.get("C3:D4", value_render_option="UNFORMATTED_VALUE"), [[1, 2], [3, 6]])
    got = get_as_dataframe(sheet, evaluate_formulas=False, header=None, skiprows=2, usecols=[2, 3], nrows=2)
    same(list(got.iloc[:, 1]), ["=C3*2", "=C4*2"])


@case("dataframe: many rows with several levels of columns")
def _(w):
    sheet = w.sheet()
    columns = pandas.MultiIndex.from_product([["plan", "fact"], ["q1", "q2"]])
    frame = pandas.DataFrame([[i, i * 2, i * 3, i * 4] for i in range(2000)], columns=columns)
    set_with_dataframe(sheet, frame, resize=True)
    got = get_as_dataframe(sheet, header=[0, 1])
    same(got.shape, (2000, 4))
    same(int(got[("fact", "q2")].sum()), sum(i * 4 for i in range(2000)))


# --- pygsheets -------------------------------------------------------------------------------------

@case("pygsheets: create, open by title, key, address, list, delete")
def _(w):
    book = w.book()
    same(w.pyg.open(book.title).id, book.id)
    same(w.pyg.open_by_key(book.id).title, book.title)
    same(w.pyg.open_by_url(book.url).id, book.id)
    holds(book.title in w.pyg.spreadsheet_titles(), "the file is listed")
    raises(pygsheets.SpreadsheetNotFound, lambda: w.pyg.open("no such title"))


@case("pygsheets: values, rows, columns, records, appended tables")
def _(w):
    sheet = w.book(GOODS).sheet1
    same(sheet.get_value("B2"), "50")
    same(sheet.get_row(1, include_tailing_empty=False), ["item", "price", "count"])
    same(sheet.get_col(2, include_tailing_empty=False), ["price", "50", "90", "700"])
    same(sheet.get_all_records()[2], {"item": "cheese", "price": 700, "count": 1})
    sheet.update_row(5, ["tea", 120, 5])
    sheet.update_col(4, ["sum", "=B2*C2", "=B3*C3", "=B4*C4", "=B5*C5"])
    same(sheet.get_values("D2", "D5", value_render="UNFORMATTED_VALUE"), [[150], [180], [700], [600]])
    sheet.append_table(["salt", 10, 1], start="A1")
    same(sheet.get_row(6, include_tailing_empty=False), ["salt", "10", "1"])
    sheet.update_values_batch(["F1:F2", "G1"], [[["a"], ["b"]], [["c"]]])
    same(sheet.get_values_batch(["F1:F2", "G1"]), [[["a"], ["b"]], [["c"]]])
    sheet.clear("F1", "G2")
    same({value for row in sheet.get_values("F1", "G2") for value in row}, {""})


@case("pygsheets: cells with formulas, notes, formats, colours")
def _(w):
    sheet = w.book(GOODS).sheet1
    cell = sheet.cell("E1")
    cell.formula = "=SUM(B2:B4)"
    same((cell.value, cell.formula), ("840", "=SUM(B2:B4)"))
    cell.note = "all prices"
    cell.color = (1.0, 0.5, 0.0, 1.0)
    cell.set_text_format("bold", True)
    cell.set_number_format(pygsheets.FormatType.NUMBER, "0.00")
    cell.set_horizontal_alignment(pygsheets.custom_types.HorizontalAlignment.RIGHT)
    again = sheet.cell("E1")
    again.fetch()
    same((again.note, again.value, again.text_format.get("bold")), ("all prices", "840.00", True))
    same(tuple(round(part, 2) for part in again.color[:3]), (1.0, 0.5, 0.0))
    model = pygsheets.Cell("A1")
    model.set_text_format("italic", True)
    sheet.get_values("A1", "C1", returnas="range").apply_format(model)
    other = sheet.cell("B1")
    other.fetch()
    same(other.text_format.get("italic"), True)


@case("pygsheets: tabs come, are copied, moved, hidden, linked, and go")
def _(w):
    book = w.book(GOODS)
    tab = book.add_worksheet("Second", rows=20, cols=5, index=0)
    titles = lambda: [s.title for s in w.pyg.open_by_key(book.id).worksheets()]
    same(titles(), ["Second", "Sheet1"])
    tab.title = "Renamed"
    same(titles(), ["Renamed", "Sheet1"])
    tab.index = 2
    same(titles(), ["Sheet1", "Renamed"])
    copy = book.add_worksheet("Copy", src_worksheet=w.pyg.open_by_key(book.id).sheet1)
    same(copy.get_value("A4"), "cheese")
    tab.hidden = True
    same(w.pyg.open_by_key(book.id).worksheet_by_title("Renamed").hidden, True)
    tab.resize(rows=30, cols=8)
    same((tab.rows, tab.cols), (30, 8))
    book.del_worksheet(tab)
    raises(pygsheets.WorksheetNotFound, lambda: book.worksheet_by_title("Renamed"))
    other = w.book()
    book.sheet1.copy_to(other.id)
    holds(any("Copy of" in s.title for s in w.pyg.open_by_key(other.id).worksheets()), "the tab is there")


@case("pygsheets: lines are added, inserted, deleted, sized, hidden, frozen")
def _(w):
    sheet = w.book(GOODS).sheet1
    rows, cols = sheet.rows, sheet.cols
    sheet.add_rows(5)
    sheet.add_cols(2)
    same((sheet.rows, sheet.cols), (rows + 5, cols + 2))
    sheet.insert_rows(1, number=2, values=[["x", 1, 1], ["y", 2, 2]])
    same(sheet.get_col(1, include_tailing_empty=False), ["item", "x", "y", "bread", "milk", "cheese"])
    sheet.delete_rows(2, number=2)
    sheet.insert_cols(1, number=1)
    same(sheet.get_row(2, include_tailing_empty=False), ["bread", "", "50", "3"])
    sheet.delete_cols(2)
    sheet.adjust_column_width(1, 2, 150)
    sheet.adjust_row_height(1, 1, 44)
    sheet.hide_dimensions(2, 2)
    sheet.show_dimensions(2, 2)
    sheet.frozen_rows = 1
    again = w.pyg.open_by_key(sheet.spreadsheet.id).sheet1
    same((again.frozen_rows, again.get_value("B4")), (1, "700"))


@case("pygsheets: names, protection, merges, borders, sorting, filter, validation")
def _(w):
    book = w.book(GOODS)
    sheet = book.sheet1
    named = sheet.create_named_range("prices", "B2", "B4", returnas="json")
    same(named["range"], {"startRowIndex": 1, "endRowIndex": 4, "startColumnIndex": 1, "endColumnIndex": 2})
    same([r.name for r in sheet.get_named_ranges()], ["prices"])
    sheet.delete_named_range("prices")
    locked = sheet.create_protected_range("A1", "C1")
    same(len(sheet.get_protected_ranges()), 1)
    sheet.remove_protected_range(locked.protect_id)
    sheet.sort_range("A2", "C4", basecolumnindex=1, sortorder="DESCENDING")
    same(sheet.get_col(1, include_tailing_empty=False), ["item", "cheese", "milk", "bread"])
    sheet.merge_cells("E1", "F2")
    sheet.get_values("A1", "C4", returnas="range").update_borders(
        top=True, bottom=True, left=True, right=True, style="SOLID")
    sheet.set_basic_filter("A1", "C4")
    sheet.clear_basic_filter()
    sheet.set_data_validation("C2", "C4", condition_type="NUMBER_BETWEEN", condition_values=[1, 9], strict=True)
    sheet.add_conditional_formatting("B2", "B4", "NUMBER_GREATER", {"backgroundColor": {"red": 1}}, ["80"])
    same(len(w.pyg.open_by_key(book.id).sheet1.merged_ranges), 1)


@case("pygsheets: find and replace, charts, metadata, frames, batches of requests")
def _(w):
    book = w.book(GOODS)
    sheet = book.sheet1
    same([c.label for c in sheet.find("MILK", matchCase=False)], ["A3"])
    sheet.replace("milk", "cream")
    same(sheet.get_value("A3"), "cream")
    chart = sheet.add_chart(("A1", "A4"), [("B1", "B4")], "Prices", pygsheets.ChartType.COLUMN, anchor_cell="E5")
    same([c.title for c in sheet.get_charts()], ["Prices"])
    chart.title = "Costs"
    same([c.title for c in sheet.get_charts()], ["Costs"])
    chart.delete()
    same(sheet.get_charts(), [])
    sheet.create_developer_metadata("kind", "goods")
    same([m.value for m in sheet.get_developer_metadata("kind")], ["goods"])
    sheet.set_dataframe(pandas.DataFrame({"x": [1, 2], "y": ["a", "b"]}), "A10")
    same(sheet.get_as_df(start="A10", end="B12").to_dict("list"), {"x": [1, 2], "y": ["a", "b"]})
    w.pyg.set_batch_mode(True)
    sheet.update_value("H1", "one")
    sheet.add_rows(1)
    w.pyg.run_batch()
    w.pyg.set_batch_mode(False)
    book.custom_request([{"addSheet": {"properties": {"title": "By hand"}}}], fields="*")
    again = w.pyg.open_by_key(book.id)
    same((again.sheet1.get_value("H1"), [s.title for s in again.worksheets()]), ("one", ["Sheet1", "By hand"]))


@case("pygsheets: sharing")
def _(w):
    book = w.book()
    book.share("anna@example.com", role="writer", type="user", sendNotificationEmail=False)
    has({p["emailAddress"]: p["role"] for p in book.permissions if p.get("emailAddress")}, {"anna@example.com": "writer"})
    book.remove_permission("anna@example.com")
    holds("anna@example.com" not in [p.get("emailAddress") for p in book.permissions], "the right is gone")


if __name__ == "__main__":
    case.run(World(*sys.argv[1:4]), *sys.argv[4:5])
