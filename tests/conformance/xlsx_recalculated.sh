#!/usr/bin/env bash
# xlsx_recalculated.sh BINARY: both templates in both languages, filled and exported as .xlsx by the
# simulator's `files.export` and by `planfact export`, computed anew by LibreOffice: every formula cell must
# come to what the simulator shows. Prints cells compared and differing; fails when one differs or none was.
set -euo pipefail
binary=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
source "$here/lib.sh"
# LibreOffice keeps the results that a file brings unless it is told to compute always.
mkdir -p "$folder/profile/user"
cat >"$folder/profile/user/registrymodifications.xcu" <<'XCU'
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
XCU
start google "$binary" sim google --json --no-quotas --credentials-out "$folder/key.json"
start portal "$binary" sim portal --json --plan unlimited --leads 600 --deals 150
sets=()
for locale in ru_RU en_US; do
  config=$folder/$locale.toml
  cat >"$config" <<TOML
[google]
credentials = "key.json"
endpoint = "$(of google endpoint)"
[store]
url = "sqlite:$locale.db"
[[company]]
id = "book-${locale%_*}"
name = "Book $locale"
time_zone = "Europe/Moscow"
locale = "$locale"
currency = "RUB"
folder = "$(of google folder)"
[company.bitrix24]
webhook_url = "$(of portal webhook_url)"
[company.targets]
break_even = 1000000
avg_check = 25000
conversion = "5/100"
TOML
  for verb in copy plan refresh; do "$binary" -c "$config" "$verb" >/dev/null; done
  "$binary" -c "$config" export --out "$folder/own-$locale" >/dev/null
  sets+=("$folder/own-$locale")
done
python3 "$here/xlsx_recalculated.py" "$(of google endpoint)" "$folder" "${sets[@]}"
