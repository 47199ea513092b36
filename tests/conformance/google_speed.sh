#!/usr/bin/env bash
# google_speed.sh BINARY: how fast the simulated Google is; figures are printed, not judged.
set -euo pipefail
binary=$1
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
start google "$binary" sim google --json --no-quotas --any-token
echo "load of the machine before: $(cut -d' ' -f1-3 /proc/loadavg)"
python3 "$here/google_speed.py" "$(of google endpoint)" "${started[-1]}"
