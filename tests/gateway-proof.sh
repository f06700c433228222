#!/usr/bin/env bash
# Runs Envoy Gateway on the rendered Gateways and compares with tests/fixtures/gateway, unless this was done before for the same
# version of the controller, the same driver and the same rendered objects: those have one stamp. It takes about 12 minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stamp=$(cat tests/fixtures/gateway/stamp)
cache=${LARGESCALE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-largescale}
done=$cache/gateway-proof-$stamp
if [ -e "$done" ]; then
  echo "Envoy Gateway made what is recorded, in an earlier run with the stamp $stamp"
  exit
fi
make control-plane envoy-gateway
# With CI=true, a test that cannot run fails.
CI=true cargo test --test e2e gateway:: -- --ignored --test-threads 1
touch "$done"
