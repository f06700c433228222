#!/usr/bin/env bash
# Builds Flux's kustomize-controller to target/flux-controller, or takes it from the cache, and copies its CRD there.
# A first build takes 2 to 5 minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

module=github.com/fluxcd/kustomize-controller
output=$(cd ../../.. && pwd)/target/flux-controller

compile() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$1" "$module"
}

cached_build kustomize-controller "$output/kustomize-controller" compile

go mod download "$module"
crd=kustomize.toolkit.fluxcd.io_kustomizations.yaml
cp -f "$(go list -m -f '{{.Dir}}' "$module")/config/crd/bases/$crd" "$output/$crd"
chmod u+w "$output/$crd"
