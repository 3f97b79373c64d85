#!/usr/bin/env bash
# Trains lite-gan, the light model for perceptual quality: builds a corpus, runs the recipe, and scores the result.
#
#   runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# runs/recipe.sh describes the arguments and resumes an interrupted run. Training starts from the output of
# runs/lite_rec.sh, or from the shipped lite-rec. The perceptual loss requires VGG16: run `srntt weights get lpips` once,
# or pass --set losses.features=VGG.safetensors.
#
# The full length of the recipe requires a GPU. The shipped weights were trained with
# --set schedule.minutes=50 --set pairs.target=128 --set pairs.reference=160. Evaluate this model by LPIPS, not by PSNR.
set -euo pipefail

photographs="${1:?usage: runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
pairs="${2:-}"
shift $(($# < 2 ? $# : 2))

start="${OUT:-out}/lite-rec/model.safetensors"
if [[ ! -e "$start" ]]; then start=lite-rec; fi
exec "$(dirname "$0")/recipe.sh" lite-gan "$photographs" "$pairs" --set "start=$start" "$@"
