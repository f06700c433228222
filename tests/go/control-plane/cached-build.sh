# A build that is done once for its sources, in a cache outside the checkout.
# To be sourced by a build.sh, for bash 3.2 (macOS) too.
#
#   cached_build NAME OUTPUT COMMAND...
#
# runs COMMAND in the current folder, a Go module, unless that has been done
# before for the same *.go, go.mod, go.sum, build scripts and Go, and puts the
# program at OUTPUT. COMMAND gets one argument more: where to write it.

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-64
}

cached_build() {
  local name=$1 output=$2
  shift 2
  command -v go >/dev/null || { echo "$name: needs go on the PATH" >&2; return 1; }

  # The scripts count as sources: they hold the flags of the build.
  local key
  key=$({
    go env GOVERSION GOOS GOARCH
    local file
    for file in *.go go.mod go.sum build.sh "${BASH_SOURCE[0]}"; do
      [ ! -e "$file" ] || echo "$(basename "$file") $(sha256 <"$file")"
    done
  } | sha256 | cut -c1-16)

  local cache=${LARGESCALE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-largescale}
  local built=$cache/$name-$key
  mkdir -p "$cache" "$(dirname "$output")"

  local how="taken from the cache"
  if [ ! -x "$built" ]; then
    # The lock only saves work: without flock two builds run side by side, and
    # the move makes either of them whole or absent.
    exec 9>"$cache/$name.lock"
    if command -v flock >/dev/null; then flock 9; fi
    if [ ! -x "$built" ]; then
      local part=$built.part.$$ began=$SECONDS
      if ! "$@" "$part"; then
        rm -f "$part"
        return 1
      fi
      mv -f "$part" "$built"
      how="built in $((SECONDS - began)) s"
    fi
    exec 9>&-
  fi

  # The same file under two names costs nothing; on another file system it has
  # to be a copy. mv refuses, or does nothing, if another run was first and
  # both names are one file already.
  if [ ! "$output" -ef "$built" ] && ! cmp -s "$output" "$built"; then
    local link=$output.part.$$
    ln "$built" "$link" 2>/dev/null || cp -p "$built" "$link"
    mv -f "$link" "$output" 2>/dev/null || [ "$output" -ef "$built" ]
    rm -f "$link"
  fi
  echo "$name: $how (key $key), at $output"
}
