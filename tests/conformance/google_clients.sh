#!/usr/bin/env bash
# google_clients.sh BINARY OUT [REFERENCE]: clients of Google that nobody here wrote, installed from their
# packages under OUT (gspread with its companions, google-api-python-client, pygsheets, npm google-spreadsheet
# and Google's own for Node), use the simulated Google over plain HTTP with the service account's key. Each
# script is a table of named cases; it fails when one fails or none ran. With REFERENCE all that they and the
# simulator say to each other is recorded and held against Google's discovery documents: 0 faults or it fails.
set -euo pipefail
binary=$(realpath "$1") out=$2 reference=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
mkdir -p "$out" && out=$(realpath "$out")
if ! cmp -s "$here/google/requirements.txt" "$out/venv/requirements.txt"; then
  rm -rf "$out/venv"
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/google/requirements.txt"
  cp "$here/google/requirements.txt" "$out/venv/requirements.txt"
fi
# The scripts have to stand beside the packages that they import.
mkdir -p "$out/npm" && cp "$here/google/package.json" "$here"/google/*.mjs "$out/npm/"
if ! cmp -s "$here/google/package.json" "$out/npm/node_modules/.package.json"; then
  (cd "$out/npm" && npm install --no-audit --no-fund --no-package-lock --silent)
  cp "$here/google/package.json" "$out/npm/node_modules/.package.json"
fi
failed=0
rm -f "$out/traffic.jsonl"
# Each client has a simulator of its own: a change feed that others fill is no fault of the client.
for client in gspread gspread_more companions api_client transport spreadsheet googleapis; do
  start "$client" "$binary" sim google --json --no-quotas --credentials-out "$folder/$client-key.json"
  recorded=$(of "$client" endpoint)
  [ -z "$reference" ] || record "$client" "$reference" "$folder/$client.jsonl"
  arguments=("$recorded" "$folder/$client-key.json" "$(of "$client" folder)" ${ONLY:+"$ONLY"})
  case $client in
    spreadsheet | googleapis) node "$out/npm/${client}_cases.mjs" "${arguments[@]}" || failed=1 ;;
    *) "$out/venv/bin/python" "$here/google/${client}_cases.py" "${arguments[@]}" || failed=1 ;;
  esac
  [ -z "$reference" ] || python3 "$here/google/checkable.py" "$folder/$client.jsonl" "$out/traffic.jsonl"
done
[ -z "$reference" ] || python3 "$reference/tools/check_google_traffic.py" "$out/traffic.jsonl" || failed=1
exit $failed
