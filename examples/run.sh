#!/bin/sh
# Does the main job: turns two Services that were written by hand into a rendered directory. It needs no cluster, because
# nodes.json has the nodes as `kubectl get nodes -o json` prints them.
set -eu
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
example=$(cd "$(dirname "$0")/acs-engine" && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
cp "$example"/nodes.json "$example"/nginx.yaml .

run() {
    printf '\n$ kubectl largescale %s\n' "$*"
    "$program" "$@" 2>&1
}
run init app --nodes nodes.json --from nginx.yaml
run pools -f app
run render -f app
run diff -f app
printf '\n$ cat app/rendered/service-nginx-service1.yaml\n'
cat app/rendered/service-nginx-service1.yaml
