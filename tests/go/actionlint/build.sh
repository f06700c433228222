#!/usr/bin/env bash
# Builds actionlint, which checks workflows, to target/actionlint, or takes it from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

compile() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1" github.com/rhysd/actionlint/cmd/actionlint
}

cached_build actionlint "$(cd ../../.. && pwd)/target/actionlint" compile
