#!/usr/bin/env bash
# google_browser.sh BINARY REFERENCE FILE.mjs...: browser tests of the viewer over a recorded simulator, then
# every request and answer of the pages held against Google's discovery documents. 0 faults or it fails.
set -euo pipefail
binary=$(realpath "$1") reference=$2
here=$(cd "$(dirname "$0")" && pwd)
shift 2
source "$here/lib.sh"
for file in "$@"; do
  start google "$binary" sim google --json
  record google "$reference" "$folder/$file.jsonl"
  (cd "$here/../browser" && PLANFACT_SIM_URL=$recorded node --test --test-reporter=spec "$file")
  python3 "$here/google/checkable.py" "$folder/$file.jsonl" "$folder/checkable.jsonl"
done
python3 "$reference/tools/check_google_traffic.py" "$folder/checkable.jsonl"
