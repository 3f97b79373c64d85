#!/usr/bin/env bash
# Runs a recipe from photographs to a score: builds a corpus, trains, and evaluates.
#
#   runs/recipe.sh RECIPE PHOTOGRAPHS [PAIRS [OPTION...]]
#
# RECIPE       a TOML file, or a name listed by srntt train --list.
# PHOTOGRAPHS  folder of photographs, or a corpus built by srntt corpus build. docs/training.md lists sources.
# PAIRS        folder of evaluation pairs with an index.json; "" for none.
# OPTION...    options of srntt train, such as: --set schedule.minutes=120 --set schedule.batch=8 --device cuda
#
# Running the same command again resumes an interrupted run. OUT (default: out) is the output folder, and
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
    # 1: some files are unreadable and were named; 3: nothing to add
    if ((code != 0 && code != 1 && code != 3)); then exit "$code"; fi
fi

options=(--photographs "$corpus" -o "$run" "$@")
if [[ -n "$pairs" ]]; then options+=(--validation "$pairs"); fi
if [[ -e "$run/checkpoint.safetensors" ]]; then options+=(--resume); fi
"$srntt" train "$recipe" "${options[@]}"

if [[ -n "$pairs" ]]; then
    "$srntt" evaluate --data "$pairs" --model "$run/model.safetensors" --refs first,all,none,unrelated
fi
