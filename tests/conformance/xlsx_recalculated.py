#!/usr/bin/env python3
"""Workbooks against LibreOffice: xlsx_recalculated.py ENDPOINT FOLDER OWN...

Every spreadsheet of the simulator is exported as .xlsx, so are the folders OWN that `planfact export` wrote;
LibreOffice computes each anew (FOLDER/profile tells it to), and every formula cell is compared with the
simulator's own result."""
import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

ENDPOINT, FOLDER, OWN = sys.argv[1], Path(sys.argv[2]), [Path(p) for p in sys.argv[3:]]
SHEET = "application/vnd.google-apps.spreadsheet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
SHOWN = 12  # differences that are printed


def ask(path):
    request = urllib.request.Request(ENDPOINT + path, headers={"Authorization": "Bearer person:owner@example.com"})
    return urllib.request.urlopen(request, timeout=120).read()


def spreadsheets():
    query = urllib.parse.urlencode({"q": f"mimeType = '{SHEET}' and trashed = false", "supportsAllDrives": "true",
                                    "includeItemsFromAllDrives": "true", "fields": "files(id,name)"})
    return json.loads(ask("/drive/v3/files?" + query))["files"]


def results(file_id):
    """Per tab: cell -> the simulator's effective value."""
    book = json.loads(ask(f"/v4/spreadsheets/{file_id}?includeGridData=true&fields=sheets(properties(title,sheetType),"
                          "data.rowData.values(effectiveValue))"))
    out = {}
    for tab in book["sheets"]:
        cells = out.setdefault(tab["properties"]["title"], {})
        for r, row in enumerate(tab.get("data", [{}])[0].get("rowData", [])):
            for c, cell in enumerate(row.get("values", [])):
                if "effectiveValue" in cell:
                    (kind, value), = cell["effectiveValue"].items()
                    cells[name(r, c)] = ("error", value["type"]) if kind == "errorValue" else ("value", value)
    return out


def name(row, column):
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def workbook(path):
    """Per tab: cell -> (its formula or None, value)."""
    with zipfile.ZipFile(path) as archive:
        strings = []
        if "xl/sharedStrings.xml" in archive.namelist():
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml")).findall("m:si", NS):
                strings.append("".join(t.text or "" for t in item.iter(f"{{{NS['m']}}}t")))
        targets = {r.get("Id"): r.get("Target") for r in ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))}
        out = {}
        for tab in ET.fromstring(archive.read("xl/workbook.xml")).find("m:sheets", NS):
            target = targets[tab.get(REL)].lstrip("/")
            root = ET.fromstring(archive.read(target if target.startswith("xl/") else "xl/" + target))
            out[tab.get("name")] = {c.get("r"): (c.findtext("m:f", None, NS), value(c, strings)) for c in root.iter(f"{{{NS['m']}}}c")}
        return out


def value(cell, strings):
    raw, kind = cell.findtext("m:v", None, NS), cell.get("t")
    if kind == "inlineStr":
        return ("value", "".join(t.text or "" for t in cell.iter(f"{{{NS['m']}}}t")))
    if raw is None:
        return None
    if kind == "s":
        return ("value", strings[int(raw)])
    if kind == "str":
        return ("value", raw)
    if kind == "b":
        return ("value", raw == "1")
    if kind == "e":
        return ("error", raw)
    return ("value", float(raw))


ERRORS = {"DIVIDE_BY_ZERO": "#DIV/0!", "N_A": "#N/A", "REF": "#REF!", "NAME": "#NAME?", "VALUE": "#VALUE!", "NUM": "#NUM!", "ERROR": "#VALUE!"}


def plain(one):
    """A value that can be compared: nothing and the empty text are one, an error is its sign."""
    if one is None or one == ("value", ""):
        return None
    kind, inner = one
    if kind == "error":
        return ERRORS.get(inner, inner)
    return float(inner) if isinstance(inner, (int, float)) and not isinstance(inner, bool) else inner


def equal(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-9 * max(1.0, abs(ours), abs(theirs))
    return ours == theirs


def spoilt(path):
    """A copy whose formula cells bring wrong results, so that nothing but computing them makes them right."""
    copy = FOLDER / "spoilt" / path.name
    copy.parent.mkdir(exist_ok=True)

    def wrong(match):
        head = match[1]
        value = "TRUE" if ' t="b"' in head else "wrong" if ' t="' in head else "987654.25"
        return f"{head}<v>{'1' if value == 'TRUE' else value}</v>"

    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as out:
        for name in archive.namelist():
            body = archive.read(name)
            if name.startswith("xl/worksheets/sheet"):
                body = re.sub(r"(<c [^>]*><f[^>]*>[^<]*</f>)<v>[^<]*</v>", wrong, body.decode()).encode()
            out.writestr(name, body)
    return copy


def recalculated(originals):
    target = FOLDER / "anew"
    files = [spoilt(f) for f in originals]
    done = subprocess.run(["soffice", f"-env:UserInstallation=file://{FOLDER}/profile", "--headless", "--convert-to",
                           "xlsx:Calc MS Excel 2007 XML", "--outdir", str(target), *map(str, files)],
                          capture_output=True, text=True, timeout=600)
    missing = [f.name for f in files if not (target / f.name).exists()]
    if missing:
        sys.exit(f"LibreOffice did not write {missing}: {done.stdout} {done.stderr}")
    return {f: workbook(target / f.name) for f in originals}


def main():
    wanted = {}
    titles = {}
    for number, file in enumerate(spreadsheets()):
        path = FOLDER / f"drive-{number}.xlsx"
        path.write_bytes(ask(f"/drive/v3/files/{file['id']}/export?mimeType={XLSX}"))
        wanted[path] = results(file["id"])
        titles[path] = f"{file['name']} by files.export"
    by_tabs = {tuple(sorted(tabs)): tabs for tabs in wanted.values()}
    for number, path in enumerate(p for folder in OWN for p in sorted(folder.rglob("*.xlsx"))):
        copy = FOLDER / f"own-{number}.xlsx"
        copy.write_bytes(path.read_bytes())
        own = tuple(sorted(workbook(copy)))
        # The program leaves no tab out, so a file is known by the tabs that it has.
        same = [tabs for names, tabs in by_tabs.items() if set(own) <= set(names)]
        if not same:
            sys.exit(f"{path.name} has tabs that no spreadsheet has: {own}")
        wanted[copy], titles[copy] = closest(copy, same, wanted), f"{path.parent.name}/{path.name} by planfact export"
    anew = recalculated(list(wanted))
    compared = differ = google_only = 0
    for path, tabs in wanted.items():
        own = bad = 0
        for title, cells in workbook(path).items():
            fresh = anew[path].get(title, {})
            for at, (formula, _) in cells.items():
                if not formula:
                    continue
                own += 1
                google_only += "__xludf.DUMMYFUNCTION" in formula
                ours, theirs = plain(tabs[title].get(at)), plain(fresh.get(at, (None, None))[1])
                if not equal(ours, theirs):
                    bad += 1
                    if bad <= SHOWN:
                        print(f"    {title}!{at}: {ours!r} here, {theirs!r} in LibreOffice")
        compared, differ = compared + own, differ + bad
        print(f"  {titles[path]}: {own} formula cells, {bad} differ")
    print(f"{len(wanted)} workbooks, {compared} formula cells compared, {differ} differ; {google_only} of them "
          "are functions of Google alone, whose results the file brings along")
    sys.exit(1 if differ or not compared else 0)


def closest(path, candidates, wanted):
    """Of spreadsheets with the same tabs the one whose constants the file holds."""
    constants = {(t, a): plain(v) for t, cells in workbook(path).items() for a, (f, v) in cells.items() if not f}
    everyone = [tabs for tabs in wanted.values() if any(set(tabs) == set(c) for c in candidates)]
    return max(everyone, key=lambda tabs: sum(equal(plain(tabs.get(t, {}).get(a)), v) for (t, a), v in constants.items()))


if __name__ == "__main__":
    main()
