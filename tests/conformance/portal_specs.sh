#!/usr/bin/env bash
# portal_specs.sh BINARY REFERENCE: every method of the simulated portal against Bitrix24's literal
# answers and machine-readable specs. 0 problems or it fails.
set -euo pipefail
binary=$1 reference=$2
source "$(dirname "$0")/lib.sh"
start portal "$binary" sim portal --json --leads 3000 --deals 600
python3 "$(dirname "$0")/portal_specs.py" "$(of portal webhook_url)" "$reference"
