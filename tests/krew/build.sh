#!/usr/bin/env bash
# Builds krew, its validator of manifests, and the linter of workflows to target/krew, or takes them from the cache.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

for package in sigs.k8s.io/krew/cmd/krew sigs.k8s.io/krew/cmd/validate-krew-manifest github.com/rhysd/actionlint/cmd/actionlint; do
  tool=${package##*/}
  compile() {
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1" "$package"
  }
  cached_build "$tool" "$(cd ../.. && pwd)/target/krew/$tool" compile
done
