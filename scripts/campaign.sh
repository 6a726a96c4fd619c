#!/usr/bin/env bash
# campaign.sh: the campaigns of docs/reliability.md: kills, faults, processes at once, and two random walks beside the reference model, the second
# one with kills. Writes FILE (a line of JSON for each part) and prints the table. CAMPAIGN_SEED, CAMPAIGN_KILLS, CAMPAIGN_FAULTS,
# CAMPAIGN_PROCESSES and CAMPAIGN_STEPS change its size.
set -euo pipefail
cd "$(dirname "$0")/.."

file=$PWD/${1:-dist/campaign.jsonl}
mkdir -p "$(dirname "$file")"
rm -f "$file"
export PMSSL_BIN=${PMSSL_BIN:-$PWD/bin} E2E_DB=mariadb CAMPAIGN_REPORT=$file
export CAMPAIGN_SEED=${CAMPAIGN_SEED:-1} CAMPAIGN_KILLS=${CAMPAIGN_KILLS:-240} CAMPAIGN_FAULTS=${CAMPAIGN_FAULTS:-30}
export CAMPAIGN_PROCESSES=${CAMPAIGN_PROCESSES:-200}

code=0
go -C internal/sandbox test -count=1 -timeout 12h -run '^TestCampaign' ./e2e || code=1
go -C internal/sandbox run ./cmd/campaign-table <"$file"
if [ "${CAMPAIGN_STEPS:=100000}" != 0 ]; then
    bin/pmssl-walk --seed "$CAMPAIGN_SEED" --steps "$CAMPAIGN_STEPS" --workers 2 --engine mariadb --bin "$PMSSL_BIN" || code=1
    bin/pmssl-walk --seed "$CAMPAIGN_SEED" --steps $((CAMPAIGN_STEPS / 5)) --kills 2 --workers 2 --engine mariadb --bin "$PMSSL_BIN" || code=1
fi
exit "$code"
