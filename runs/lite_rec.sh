#!/usr/bin/env bash
# The light model for fidelity, from photographs: a corpus, the recipe lite-rec, and its score.
#
#   runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# runs/recipe.sh says what these are, and goes on where the last call was stopped.
#
# The recipe's full length is for a GPU. On two CPU cores a step of 8 pairs takes 0.6 s. The shipped weights came from
# forerunners of this recipe in 117, 82 and 86 minutes there; their score, src/srntt/weights/lite-rec/README.md, is to be
# expected of a run that is not shorter.
set -euo pipefail

: "${1:?usage: runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
exec "$(dirname "$0")/recipe.sh" lite-rec "$@"
