#!/usr/bin/env bash
# The light model for looks, from the one for fidelity: a corpus, the recipe lite-gan, and its score.
#
#   runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# runs/recipe.sh says what these are, and goes on where the last call was stopped. Begins from what runs/lite_rec.sh left,
# or else from the lite-rec that ships. Needs VGG16 to look through: `srntt weights get lpips` once, or the option
# --set losses.features=VGG.safetensors.
#
# The recipe's full length is for a GPU; --set schedule.minutes=50 --set pairs.target=128 --set pairs.reference=160 is what
# made the shipped weights. It is made for looks: judge it by LPIPS, not by PSNR.
set -euo pipefail

photographs="${1:?usage: runs/lite_gan.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
pairs="${2:-}"
shift $(($# < 2 ? $# : 2))

start="${OUT:-out}/lite-rec/model.safetensors"
if [[ ! -e "$start" ]]; then start=lite-rec; fi
exec "$(dirname "$0")/recipe.sh" lite-gan "$photographs" "$pairs" --set "start=$start" "$@"
