#!/usr/bin/env bash
# google_traffic.sh BINARY REFERENCE OUT.jsonl: a whole cycle through a recording proxy, then every
# request and answer held against Google's discovery documents. 0 faults or it fails.
set -euo pipefail
binary=$1 reference=$2 traffic=$3
source "$(dirname "$0")/lib.sh"
rm -f "$traffic"
start google "$binary" sim google --json --no-quotas --credentials-out "$folder/key.json"
start portal "$binary" sim portal --json --plan unlimited --leads 3000 --deals 600
record google "$reference" "$traffic"
cat >"$folder/planfact.toml" <<TOML
[google]
credentials = "key.json"
endpoint = "$recorded"
[[company]]
id = "traffic"
name = "Traffic"
time_zone = "Europe/Moscow"
locale = "ru_RU"
currency = "RUB"
folder = "$(of google folder)"
share_with = ["reader@example.com"]
[company.bitrix24]
webhook_url = "$(of portal webhook_url)"
[company.targets]
break_even = 1000000
avg_check = 25000
conversion = "5/100"
TOML
for verb in copy plan refresh refresh diff; do "$binary" -c "$folder/planfact.toml" "$verb"; done
"$binary" -c "$folder/planfact.toml" export --out "$folder/out"
python3 "$reference/tools/check_google_traffic.py" "$traffic"
