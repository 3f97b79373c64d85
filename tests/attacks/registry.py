"""Every attack, by family."""

from attacks import base_models, documents, foreign, models, names, pictures
from attacks.attack import Attack

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "pictures": tuple(pictures.attacks()),
    "names": tuple(names.attacks()),
    "model files": tuple(models.attacks()),
    "base models": tuple(base_models.attacks()),
    "foreign weights": tuple(foreign.attacks()),
    "documents": tuple(documents.attacks()),
}
