#!/usr/bin/env bash
# Checks the dependencies against deny.toml: licenses, sources, duplicates, and advisories if the database can be reached.
# Builds the checker once, outside of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.20.2
root=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-largescale/cargo-deny-$version
deny=$root/bin/cargo-deny
if [ "$(cargo-deny --version 2>/dev/null)" = "cargo-deny $version" ]; then
  deny=cargo-deny
elif [ ! -x "$deny" ]; then
  # It runs for a second, so it is not worth optimizing.
  CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --quiet --locked --root "$root" "cargo-deny@$version"
fi

"$deny" check --hide-inclusion-graph bans licenses sources
database=https://github.com/RustSec/advisory-db
if GIT_TERMINAL_PROMPT=0 timeout 20 git ls-remote --quiet --exit-code "$database" HEAD >/dev/null 2>&1; then
  "$deny" check --hide-inclusion-graph advisories
else
  echo "advisories skipped: $database cannot be reached"
fi
