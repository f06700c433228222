#!/usr/bin/env bash
# Builds the tests to target/azure-binding.test, or takes them from the cache.
# A first build takes 3 to 7 minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

compile() {
  CGO_ENABLED=0 go test -c -trimpath -buildvcs=false -o "$1" .
}

cached_build azure-binding.test "$(cd ../../.. && pwd)/target/azure-binding.test" compile
