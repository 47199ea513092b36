#!/usr/bin/env bash
# google_replay.sh BINARY REFERENCE OUT.txt: replays recorded real exchanges against the simulator
# and compares status and body. Fails below FLOOR matching exchanges: the share that was reached, so
# that it can only rise.
#
# Twice: first as the recordings are, then with the files that were there before they began as the initial
# state (replay_seed.py). What is left, and why:
#  - columnMetadata.pixelSize of columns fitted to their text: Google measures the glyphs of a font;
#  - protectedRanges.editors.users: the real account's address stands in the recorded answer.
set -euo pipefail
FLOOR=${PLANFACT_REPLAY_FLOOR:-99}
BARE_FLOOR=${PLANFACT_REPLAY_BARE_FLOOR:-93}
binary=$1 reference=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
recorded=$reference/reference/google/recorded/gspread
python3 "$here/replay_seed.py" "$recorded" "$folder/seed.json"

# replay NAME FLOOR OPTION...: one simulator, all recordings
replay() {
  local name=$1 floor=$2
  shift 2
  start "$name" "$binary" sim google --json --no-quotas --any-token "$@"
  python3 "$reference/tools/replay_recorded.py" "$recorded" "$(of "$name" endpoint)" --show 40 >"$folder/$name.txt" || true
  { echo "== $name"; cat "$folder/$name.txt"; } | tee -a "$out"
  awk -v floor="$floor" -v name="$name" '/^exchanges/ { share = 100 * $4 / $2; printf "%s: %.1f %% match, the floor is %d %%\n", name, share, floor; exit !(share >= floor) }' "$folder/$name.txt"
}

: >"$out"
replay bare "$BARE_FLOOR"
replay seeded "$FLOOR" --seed "$folder/seed.json"
