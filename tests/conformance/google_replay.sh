#!/usr/bin/env bash
# google_replay.sh BINARY REFERENCE OUT.txt: replays recorded real exchanges against the simulator
# and compares status and body. Fails below FLOOR matching exchanges: the share that was reached, so
# that it can only rise.
set -euo pipefail
FLOOR=${PLANFACT_REPLAY_FLOOR:-80}
binary=$1 reference=$2 out=$3
source "$(dirname "$0")/lib.sh"
start google "$binary" sim google --json --no-quotas --any-token
python3 "$reference/tools/replay_recorded.py" "$reference/reference/google/recorded/gspread" \
  "$(of google endpoint)" --show 40 >"$out" || true
cat "$out"
awk -v floor="$FLOOR" '/^exchanges/ { share = 100 * $4 / $2; printf "%.1f %% match, the floor is %d %%\n", share, floor; exit !(share >= floor) }' "$out"
