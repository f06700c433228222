#!/usr/bin/env bash
# Builds the program to target/cilium-proof, or takes it from the cache. A first build takes some minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

stubs=$(mktemp -d)
trap 'rm -rf "$stubs"' EXIT
modfile=$stubs/build.mod

# One module is not published. Cilium takes one constant from it, for ServiceImports, which no tree has.
prepare() {
  cp go.mod "$modfile"
  cp go.sum "$stubs/build.sum" 2>/dev/null || true
  printf 'module sigs.k8s.io/mcs-api/controllers\n\ngo 1.26.0\n' >"$stubs/go.mod"
  cat >"$stubs/stub.go" <<'GO'
package controllers

const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
GO
  go mod edit -replace "sigs.k8s.io/mcs-api/controllers=$stubs" "$modfile"
}

compile() {
  prepare
  CGO_ENABLED=0 go build -modfile "$modfile" -trimpath -buildvcs=false -o "$1" .
}

# Writes go.mod and go.sum again, after a change of what is imported.
if [ "${1:-}" = tidy ]; then
  prepare
  go mod tidy -modfile "$modfile"
  go mod edit -dropreplace sigs.k8s.io/mcs-api/controllers "$modfile"
  cp "$modfile" go.mod
  cp "$stubs/build.sum" go.sum
  exit
fi
cached_build cilium-proof "$(cd ../../.. && pwd)/target/cilium-proof" compile
