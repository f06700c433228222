#!/usr/bin/env bash
# Puts the example models of ACS-Engine and AKS-Engine into target/models, out of their published Go modules.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
output=$(cd ../../.. && pwd)/target/models

for installer in acs-engine aks-engine; do
  go mod download "github.com/Azure/$installer"
  source=$(go list -m -f '{{.Dir}}' "github.com/Azure/$installer")
  mkdir -p "$output/$installer"
  rm -rf "$output/$installer/examples"
  cp -R "$source/examples" "$output/$installer/examples"
  chmod -R u+w "$output/$installer"
done
echo "models: at $output"
