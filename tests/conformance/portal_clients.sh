#!/usr/bin/env bash
# portal_clients.sh BINARY LOADER OUT: fast_bitrix24 and b24pysdk, installed from their packages into a
# virtual environment under OUT, read all leads from the simulated portal, and so do a plain script and
# planfact (LOADER is the program `load_portal`, built beside planfact), once the same leads and once, as
# `planfact-all`, everything that its first load reads: the histories of the leads too. The same rows, or
# it fails; how long each took is printed, not judged. PORTAL_CLIENTS_SIZES: "leads:milliseconds a page", several.
set -euo pipefail
binary=$1 loader=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
sizes=${PORTAL_CLIENTS_SIZES:-20000:0 20000:30 200000:0}
mkdir -p "$out"
if ! cmp -s "$here/requirements-portal.txt" "$out/venv/requirements.txt"; then
  rm -rf "$out/venv"
  python3 -m venv "$out/venv"
  "$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements-portal.txt"
  cp "$here/requirements-portal.txt" "$out/venv/requirements.txt"
fi
python=$out/venv/bin/python

# ask DOOR: what the portal was asked since the last reset
asked() { python3 - "$1" <<'PY'
import json, sys, urllib.request
seen = json.loads(urllib.request.urlopen(sys.argv[1] + "/_sim/requests").read())
print(json.dumps({key: seen[key] for key in ("total", "by_status")}))
PY
}

# post DOOR BODY
post() { python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], sys.argv[2].encode())' "$1" "$2"; }

# run NAME COMMAND...: an empty bucket, the command, its line with what the portal was asked
run() {
  local name=$1
  shift
  post "$base/_sim/reset" '{}'
  [ "$name" != plain ] || post "$base/_sim/settings" '{"plan":"unlimited"}'
  "$@" >"$folder/$name.line"
  python3 - "$folder/$name.line" "$name" "$(asked "$base")" >"$folder/$name.result" <<'PY'
import json, sys
line = json.loads(open(sys.argv[1]).read())
print(json.dumps({"client": sys.argv[2], **line, "asked": json.loads(sys.argv[3])}))
PY
  results+=("$folder/$name.result")
  [ ! -s "$folder/$name.rows" ] || rows+=("$folder/$name.rows")
}

for size in $sizes; do
  leads=${size%:*} page_ms=${size#*:}
  python3 "$here/portal_clients.py" data "$folder/data-$leads" "$leads"
  start portal "$binary" sim portal --json --data "$folder/data-$leads" --page-ms "$page_ms" \
    --tls 127.0.0.1:0 --tls-cert-out "$folder/portal.pem"
  simulator=${started[-1]}
  webhook=$(of portal webhook_url) secured=$(of portal tls_webhook_url) base=${webhook%/rest/*}
  results=() rows=()
  rm -f "$folder"/*.rows
  echo "$leads leads, $page_ms ms a page, load of the machine before: $(cut -d' ' -f1-3 /proc/loadavg)"
  [ "$leads" -gt 50000 ] || run plain "$python" "$here/portal_clients.py" read plain "$webhook" "$folder/plain.rows"
  for library in fast_bitrix24 b24pysdk; do
    address=$webhook
    [ "$library" != b24pysdk ] || address=$secured
    REQUESTS_CA_BUNDLE="$folder/portal.pem" run "$library" \
      "$python" "$here/portal_clients.py" read "$library" "$address" "$folder/$library.rows"
  done
  run planfact "$loader" --cards "$webhook" "$folder/planfact.rows"
  run planfact-all "$loader" "$webhook"
  python3 "$here/portal_clients.py" table "${results[@]}"
  # Of the small portal everybody must have read everything; of the large one who did not fail.
  [ "$leads" -gt 50000 ] || [ "${#rows[@]}" -eq 4 ] || { echo "a client failed"; exit 1; }
  python3 "$here/portal_clients.py" same "${rows[@]}"
  kill "$simulator" && wait "$simulator" 2>/dev/null || true
done
