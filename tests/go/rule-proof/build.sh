#!/usr/bin/env bash
# Builds the program to target/rule-proof, or takes it from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

compile() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1" .
}

cached_build rule-proof "$(cd ../../.. && pwd)/target/rule-proof" compile
