#!/bin/sh
# Draws exported workbooks as pictures: .xlsx -> PDF (LibreOffice) -> one PNG a page.
# usage: tests/look/render.sh OUT_DIR FILE.xlsx...
# PAGES (default 12) limits the pages of a workbook, DPI (default 80) sets their size.
set -eu

[ $# -ge 2 ] || { echo "usage: $0 OUT_DIR FILE.xlsx..." >&2; exit 2; }
out=$1
shift
mkdir -p "$out"
for tool in soffice pdftoppm; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install LibreOffice and poppler" >&2; exit 2; }
done

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
for file in "$@"; do
    [ -f "$file" ] || { echo "$file: no such file" >&2; exit 1; }
    name=$(basename "$file" .xlsx)
    rm -f "$out/$name.pdf" "$out/$name"-page-*.png
    timeout 180 soffice "-env:UserInstallation=file://$profile" --headless --norestore \
        --convert-to pdf --outdir "$out" "$file" >"$out/$name.log" 2>&1 ||
        { echo "$file: LibreOffice refused it, see $out/$name.log" >&2; exit 1; }
    [ -s "$out/$name.pdf" ] || { echo "$file: LibreOffice drew nothing, see $out/$name.log" >&2; exit 1; }
    pdftoppm -png -r "${DPI:-80}" -l "${PAGES:-12}" "$out/$name.pdf" "$out/$name-page"
    for picture in "$out/$name"-page-*.png; do
        [ -s "$picture" ] || { echo "$file: no page was drawn" >&2; exit 1; }
        echo "$picture"
    done
done
