#!/usr/bin/env bash
# The light model for looks, from the one for fidelity: a corpus, the recipe lite-gan, and its score.
#
#   runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# PHOTOGRAPHS  folder of photographs, or a corpus that srntt corpus build made. docs/training.md says where to get them.
# PAIRS        folder with an index.json of pairs to score on; "" for none.
# OPTION...    of srntt train, such as: --set schedule.minutes=120 --set losses.features=VGG.safetensors
#
# Begins from what runs/lite_rec.sh left in OUT, or else from the lite-rec that ships. Needs VGG weights to look through:
# `srntt weights get vgg19` once, or losses.features. The same command again goes on where the last one was stopped.
# OUT (default: out) is where everything goes, SRNTT (default: srntt) the command.
#
# The recipe's full length is for a GPU. It is made for looks: judge it by LPIPS (`srntt weights get lpips`), not by PSNR.
set -euo pipefail

photographs="${1:?usage: runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
pairs="${2:-}"
shift $(($# < 2 ? $# : 2))
srntt="${SRNTT:-srntt}"
out="${OUT:-out}"
run="$out/lite-gan"

corpus="$photographs"
if ! grep -qs fingerprint "$photographs/MANIFEST.tsv"; then
    corpus="$out/corpus"
    code=0
    "$srntt" corpus build "$photographs" -o "$corpus" --recursive || code=$?
    # 1: some files cannot be read, and were named; 3: nothing was added, for all is there already
    if ((code != 0 && code != 1 && code != 3)); then exit "$code"; fi
fi

start="$out/lite-rec/model.safetensors"
if [[ ! -e "$start" ]]; then start=lite-rec; fi

options=(--photographs "$corpus" -o "$run" --set "start=$start" "$@")
if [[ -n "$pairs" ]]; then options+=(--validation "$pairs"); fi
if [[ -e "$run/checkpoint.safetensors" ]]; then options+=(--resume); fi
"$srntt" train lite-gan "${options[@]}"

if [[ -n "$pairs" ]]; then
    "$srntt" evaluate --data "$pairs" --model "$run/model.safetensors" --refs first,all,none,unrelated
fi
