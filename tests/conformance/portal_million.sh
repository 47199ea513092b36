#!/usr/bin/env bash
# portal_million.sh BINARY LOADER [LEADS [KILLS [SEED]]]: the first load of a large portal, 1,000,000 leads
# at two requests a second unless said otherwise. Once undisturbed: its time against the bound of the
# portal's limit (printed, not judged), and its memory, which must stay below 300 MB. Once killed without
# warning at random moments and started again until it ends. Both times the database must hold exactly
# the portal's leads, each once. Takes about ten minutes; not part of the gate.
set -euo pipefail
binary=$1 loader=$2 leads=${3:-1000000} kills=${4:-5} seed=${5:-2026}
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
MEMORY_MAX_MB=300

python3 "$here/portal_clients.py" data "$folder/data" "$leads"

# fresh: a portal whose bucket is empty
fresh() {
  start portal "$binary" sim portal --json --data "$folder/data"
  simulator=${started[-1]}
  webhook=$(of portal webhook_url)
}
leave() { kill "$simulator" && wait "$simulator" 2>/dev/null || true; }

# complete ROWS: the file holds the portal's leads, each once
complete() {
  python3 - "$1" "$folder/data/leads.csv" <<'PY'
import csv, sys
ours = [line.split(",", 1)[0] for line in open(sys.argv[1])]
theirs = [row["ID"] for row in csv.DictReader(open(sys.argv[2]))]
if sorted(ours, key=int) != theirs:
    sys.exit(f"{len(ours)} rows, {len(set(ours))} different, where the portal has {len(theirs)}; "
             f"{len(set(theirs) - set(ours))} missing")
print(f"  {len(ours)} leads, none lost, none doubled")
PY
}

fresh
"$loader" --cards --database "$folder/whole.db" "$webhook" "$folder/whole.rows" >"$folder/whole.line"
python3 - "$folder/whole.line" $MEMORY_MAX_MB <<'PY'
import json, sys
line = json.load(open(sys.argv[1]))
print(f"undisturbed: {line['leads']} leads in {line['seconds']:.1f} s, {line['requests']} requests, bound "
      f"{line['bound_seconds']:.1f} s ({line['seconds'] / max(line['bound_seconds'], 1e-9):.3f}), "
      f"{line['peak_mb']} MB at most")
if line["peak_mb"] >= int(sys.argv[2]):
    sys.exit(f"more than {sys.argv[2]} MB")
PY
complete "$folder/whole.rows"
python3 - "$webhook" <<'PY'
import json, sys, urllib.request
door = sys.argv[1].split("/rest/")[0] + "/_sim/requests"
print("  answers by status", json.loads(urllib.request.urlopen(door).read())["by_status"])
PY
leave

fresh
RANDOM=$seed
killed=0
while [ "$killed" -lt "$kills" ]; do
  "$loader" --cards --database "$folder/killed.db" "$webhook" >"$folder/killed.line" &
  one=$!
  sleep $((5 + RANDOM % 20)).$((RANDOM % 10))
  kill -9 "$one" 2>/dev/null || { echo "  it ended before kill $((killed + 1))"; break; }
  wait "$one" 2>/dev/null || true
  killed=$((killed + 1))
done
"$loader" --cards --database "$folder/killed.db" "$webhook" "$folder/killed.rows" >"$folder/killed.line"
echo "killed $killed times, seed $seed; the last run: $(cat "$folder/killed.line")"
complete "$folder/killed.rows"
leave
