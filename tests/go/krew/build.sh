#!/usr/bin/env bash
# Builds krew and its validator of manifests to target/krew, or takes them from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

for tool in krew validate-krew-manifest; do
  compile() {
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1" "sigs.k8s.io/krew/cmd/$tool"
  }
  cached_build "$tool" "$(cd ../../.. && pwd)/target/krew/$tool" compile
done
