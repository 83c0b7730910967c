#!/bin/sh
# One scenario, one seed, the same bytes: g++ and clang, optimised and not.
# usage: same_bytes.sh SOURCE_DIR RELEASE_PROGRAM
set -eu
source=$1
release=$2
if ! command -v clang++ >/dev/null; then
  echo "skipped: no clang++"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for preset in clang dev; do
  (cd "$source" && cmake --preset $preset -DTIERCAST_TESTS=OFF -B "$source/build/same-bytes-$preset") >"$work/log" 2>&1 &&
    cmake --build "$source/build/same-bytes-$preset" --target tiercast >>"$work/log" 2>&1 || {
    tail -n 30 "$work/log"
    exit 1
  }
done
shared=${TIERCAST_SHARED:-$source/../shared}
set -- "$source/scenarios/quickstart.yaml"
if [ -d "$shared/bench" ]; then
  for name in w1 w1all mooncake; do set -- "$@" "$source/tests/bench/scenarios/$name.yaml"; done
fi
for scenario in "$@"; do
  for program in "$release" "$source/build/same-bytes-clang/tiercast" "$source/build/same-bytes-dev/tiercast"; do
    "$program" run "$scenario" --format json --reproducible --quiet >"$work/result.json"
    echo "$(sha256sum <"$work/result.json") $scenario $program"
    if [ -e "$work/first.json" ]; then
      cmp "$work/first.json" "$work/result.json"
    else
      cp "$work/result.json" "$work/first.json"
    fi
  done
  rm "$work/first.json"
done
