#!/usr/bin/env bash
# Tests the contents of target/dist like a user who installs it: the archive, its checksums, krew's own
# validator and krew itself. `make dist-test` builds what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
checkout=$PWD
dist=$checkout/target/dist
tools=$checkout/target/krew
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

fail() {
  echo "tests/dist: $*" >&2
  exit 1
}

archive=$(cd "$dist" && ls kubectl-largescale_v*.tar.gz)
[ "$(wc -w <<<"$archive")" = 1 ] || fail "expected one archive, for this machine: $archive"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
manifest=$dist/krew/largescale.yaml

echo "- reproducible archive"
target=$(rustc -vV | sed -n 's/^host: //p')
cp "$dist/$archive" "$work/first.tar.gz"
python3 dist/archive.py "$target" target/release/kubectl-largescale >"$work/said"
cmp "$work/first.tar.gz" "$dist/$archive" || fail "packing twice produced different archives"

echo "- size of the archive"
[ "$(wc -c <"$dist/$archive")" -lt 6000000 ] || fail "$archive has 6 MB or more"

echo "- checksums"
(cd "$dist" && sha256sum --quiet --check SHA256SUMS)

echo "- content of the archive"
mkdir "$work/unpacked"
tar -xzf "$dist/$archive" -C "$work/unpacked"
for file in kubectl-largescale LICENSE README.md man/kubectl-largescale.1 man/kubectl-largescale-render.1 \
  completions/kubectl_complete-largescale completions/kubectl-largescale.bash; do
  [ -s "$work/unpacked/$file" ] || fail "$archive lacks $file"
done
cmp LICENSE "$work/unpacked/LICENSE"
tar --numeric-owner -tvzf "$dist/$archive" | awk '$2 != "0/0" { print; wrong = 1 } END { exit wrong }' || fail "the archive contains an owner of this machine"
[ "$("$work/unpacked/kubectl-largescale" --version)" = "kubectl-largescale $version" ]
if grep -aqF "$checkout/" "$work/unpacked/kubectl-largescale" || grep -aqF "$HOME/.cargo" "$work/unpacked/kubectl-largescale"; then
  fail "the program contains paths of this machine"
fi

echo "- the bill of materials"
bill=$dist/kubectl-largescale_v$version.cdx.json
python3 - "$bill" <<'END'
import json, sys
bill = json.load(open(sys.argv[1]))
names = {component["name"] for component in bill["components"]}
assert {"clap", "kube", "rustls", "ring", "mimalloc"} <= names, names
assert not {"clap_mangen", "cc"} & names, "build dependencies must not be in it"
known = {component["bom-ref"] for component in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
assert {edge for entry in bill["dependencies"] for edge in entry["dependsOn"]} <= known
assert all("licenses" in component and "hashes" in component for component in bill["components"])
try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
except ImportError:
    import os
    assert "CI" not in os.environ, "no cyclonedx-python-lib, which CI must have"
    print("skipped: no cyclonedx-python-lib, not checked against the schema")
else:
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
    assert wrong is None, wrong
END

echo "- the manifest of all platforms, by krew's validator"
ln -s "$tools/krew" "$work/kubectl-krew"
export PATH=$work:$PATH
for platform in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64 windows_arm64; do
  grep -q "/v$version/kubectl-largescale_v${version}_$platform.tar.gz$" "$manifest" || fail "no $platform in the manifest"
done
"$tools/validate-krew-manifest" -manifest "$manifest" -skip-install 2>"$work/said" || fail "$(cat "$work/said")"

echo "- the platform of this machine, fetched and installed by krew's validator"
python3 -u -m http.server --bind 127.0.0.1 --directory "$dist" 0 >"$work/server" 2>&1 &
server=$!
until grep -q "port" "$work/server"; do
  kill -0 "$server" || fail "$(cat "$work/server")"
  sleep 0.1
done
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/server")
mkdir "$work/served"
python3 - "$manifest" "$work/served/largescale.yaml" "http://127.0.0.1:$port/" <<'END'
import re, sys
head, *platforms = open(sys.argv[1]).read().split("  - selector:\n")
built = [platform for platform in platforms if "0" * 64 not in platform]
assert len(built) == 1, "expected one platform with its digest"
served = re.sub(r"uri: \S*/", "uri: " + sys.argv[3], built[0])
open(sys.argv[2], "w").write(head + "  - selector:\n" + served)
END
"$tools/validate-krew-manifest" -manifest "$work/served/largescale.yaml" 2>"$work/said" || fail "$(cat "$work/said")"
# Check that a wrong digest is detected.
sed 's/\(sha256: "\)[0-9a-f]\{8\}/\100000000/' "$work/served/largescale.yaml" >"$work/largescale.yaml"
if "$tools/validate-krew-manifest" -manifest "$work/largescale.yaml" 2>"$work/said"; then fail "a wrong digest was accepted"; fi
grep -q "checksum does not match" "$work/said" || fail "refused for another reason than the digest: $(cat "$work/said")"

echo "- krew installs it, and kubectl runs it"
export KREW_ROOT=$work/krew
kubectl krew install --manifest="$manifest" --archive="$dist/$archive" 2>"$work/said" || fail "$(cat "$work/said")"
export PATH=$KREW_ROOT/bin:$PATH
[ "$(kubectl largescale --version)" = "kubectl-largescale $version" ] || fail "kubectl runs another version"
kubectl plugin list >"$work/said" 2>/dev/null || true
grep -qx "$KREW_ROOT/bin/kubectl-largescale" "$work/said" || fail "kubectl does not list it"
install -m 755 "$work/unpacked/completions/kubectl_complete-largescale" "$KREW_ROOT/bin/"
kubectl __complete largescale rend >"$work/said" 2>/dev/null
grep -q "^render" "$work/said" || fail "kubectl completes nothing"

echo "dist: $archive is OK"
