#!/usr/bin/env bash
# Runs all tests and ends with a summary: how many passed and failed, and what was skipped and why.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Tests of a cluster wait a quarter of their time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(( $(nproc) + 1 ))}

log=target/test.log
mkdir -p target
cargo test --no-fail-fast 2>&1 | grep --line-buffered -v '^test .* \.\.\. ok$' | tee "$log"
status=${PIPESTATUS[0]}

sum() { awk -v word="$1" '/^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word) total += $(i - 1) } END { print total + 0 }' "$log"; }
skips=$(grep '^skipped: ' "$log" | sort | uniq -c | sed 's/^ *\([0-9]*\) skipped: /  \1 x /')

echo
echo "Summary"
if [ -n "$skips" ]; then
  echo "skipped, by reason:"
  echo "$skips"
fi
grep -E '^test .* \.\.\. FAILED$' "$log" | sed 's/^/  /'
echo "$(sum passed) passed, $(sum failed) failed, $(grep -c '^skipped: ' "$log") skipped"
exit "$status"
