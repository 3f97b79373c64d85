#!/usr/bin/env bash
# Trains lite-rec, the light model for fidelity: builds a corpus, runs the recipe, and scores the result.
#
#   runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]
#
# runs/recipe.sh describes the arguments and resumes an interrupted run.
#
# The full length of the recipe requires a GPU. On two CPU cores, a step of 8 pairs takes 0.6 s. The shipped weights were
# trained there with earlier versions of this recipe, for 117, 82 and 86 minutes. Expect their score
# (src/srntt/weights/lite-rec/README.md) from a run of at least this length.
set -euo pipefail

: "${1:?usage: runs/lite_rec.sh PHOTOGRAPHS [PAIRS [OPTION...]]}"
exec "$(dirname "$0")/recipe.sh" lite-rec "$@"
