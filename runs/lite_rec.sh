#!/usr/bin/env bash
# The light model for fidelity, from photographs: a corpus, the recipe lite-rec, and its score.
#
#   runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# PHOTOGRAPHS  folder of photographs, or a corpus that srntt corpus build made. docs/training.md says where to get them.
# PAIRS        folder with an index.json of pairs to score on; "" for none.
# OPTION...    of srntt train, such as: --set schedule.minutes=120 --set schedule.batch=8 --device cuda
#
# The same command again goes on where the last one was stopped. OUT (default: out) is where everything goes,
# SRNTT (default: srntt) the command.
#
# The recipe's full length is for a GPU. On two CPU cores a step of 8 pairs takes 0.6 s. The shipped weights came from
# forerunners of this recipe in 117 and 82 minutes there; their score, src/srntt/weights/lite-rec/README.md, is to be
# expected of a run that is not shorter.
set -euo pipefail

photographs="${1:?usage: runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
pairs="${2:-}"
shift $(($# < 2 ? $# : 2))
srntt="${SRNTT:-srntt}"
out="${OUT:-out}"
run="$out/lite-rec"

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
"$srntt" train lite-rec "${options[@]}"

if [[ -n "$pairs" ]]; then
    "$srntt" evaluate --data "$pairs" --model "$run/model.safetensors" --refs first,all,none,unrelated
fi
