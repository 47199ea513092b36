#!/usr/bin/env bash
# google_clients.sh BINARY OUT: clients of Google that nobody here wrote, installed from their packages under
# OUT (gspread, google-api-python-client, npm google-spreadsheet), use the simulated Google over plain HTTP
# with the service account's key. Each script is a table of named cases; it fails when one fails or none ran.
set -euo pipefail
binary=$(realpath "$1") out=$2
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
mkdir -p "$out" && out=$(realpath "$out")
if ! cmp -s "$here/google/requirements.txt" "$out/venv/requirements.txt"; then
  rm -rf "$out/venv"
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/google/requirements.txt"
  cp "$here/google/requirements.txt" "$out/venv/requirements.txt"
fi
# The script has to stand beside the packages that it imports.
mkdir -p "$out/npm" && cp "$here/google/package.json" "$here/google/spreadsheet_cases.mjs" "$out/npm/"
if ! cmp -s "$here/google/package.json" "$out/npm/node_modules/.package.json"; then
  (cd "$out/npm" && npm install --no-audit --no-fund --no-package-lock --silent)
  cp "$here/google/package.json" "$out/npm/node_modules/.package.json"
fi
failed=0
# Each client has a simulator of its own: a change feed that others fill is no fault of the client.
for client in gspread api_client spreadsheet; do
  start "$client" "$binary" sim google --json --no-quotas --credentials-out "$folder/$client-key.json"
  arguments=("$(of "$client" endpoint)" "$folder/$client-key.json" "$(of "$client" folder)" ${ONLY:+"$ONLY"})
  case $client in
    spreadsheet) node "$out/npm/spreadsheet_cases.mjs" "${arguments[@]}" || failed=1 ;;
    *) "$out/venv/bin/python" "$here/google/${client}_cases.py" "${arguments[@]}" || failed=1 ;;
  esac
done
exit $failed
