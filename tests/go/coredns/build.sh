#!/usr/bin/env bash
# Builds CoreDNS to target/coredns, or takes it from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

compile() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$1" .
}

cached_build coredns "$(cd ../../.. && pwd)/target/coredns" compile
