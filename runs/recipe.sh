#!/usr/bin/env bash
# A recipe from photographs to its score: a corpus, the training, and an evaluation.
#
#   runs/recipe.sh RECIPE PHOTOGRAPHS [PAIRS [OPTION...]]
#
# RECIPE       a TOML file, or one of srntt train --list.
# PHOTOGRAPHS  folder of photographs, or a corpus that srntt corpus build made. docs/training.md says where to get them.
# PAIRS        folder with an index.json of pairs to score on; "" for none.
# OPTION...    of srntt train, such as: --set schedule.minutes=120 --set schedule.batch=8 --device cuda
#
# The same command again goes on where the last one was stopped. OUT (default: out) is where everything goes,
# SRNTT (default: srntt) the command.
set -euo pipefail

usage="usage: runs/recipe.sh RECIPE PHOTOGRAPHS [PAIRS [OPTION...]]"
recipe="${1:?$usage}"
photographs="${2:?$usage}"
pairs="${3:-}"
shift $(($# < 3 ? $# : 3))
srntt="${SRNTT:-srntt}"
out="${OUT:-out}"
run="$out/$(basename "$recipe" .toml)"

corpus="$photographs"
if ! grep -qs fingerprint "$photographs/MANIFEST.tsv"; then
    corpus="$out/corpus"
    code=0
    "$srntt" corpus build "$photographs" -o "$corpus" --recursive || code=$?
    # 1: some files cannot be read, and were named; 3: nothing was added, for all is there already
    if ((code != 0 && code != 1 && code != 3)); then exit "$code"; fi
fi

options=(--photographs "$corpus" -o "$run" "$@")
if [[ -n "$pairs" ]]; then options+=(--validation "$pairs"); fi
if [[ -e "$run/checkpoint.safetensors" ]]; then options+=(--resume); fi
"$srntt" train "$recipe" "${options[@]}"

if [[ -n "$pairs" ]]; then
    "$srntt" evaluate --data "$pairs" --model "$run/model.safetensors" --refs first,all,none,unrelated
fi
