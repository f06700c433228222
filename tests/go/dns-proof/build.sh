#!/usr/bin/env bash
# Builds the program to target/dns-proof, or takes it from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

# The program has the CustomResourceDefinition of the same version of external-dns, so that no copy of it gets old.
compile() {
  go mod download sigs.k8s.io/external-dns
  local module definition
  module=$(go list -m -f '{{.Dir}}' sigs.k8s.io/external-dns)
  definition=$(base64 <"$module/config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml" | tr -d '\n')
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.definition=$definition" -o "$1" .
}

cached_build dns-proof "$(cd ../../.. && pwd)/target/dns-proof" compile
