"""Every attack, by family."""

from attacks import base_models, documents, films, foreign, libraries, models, names, pictures
from attacks.attack import Attack

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "pictures": tuple(pictures.attacks()),
    "names": tuple(names.attacks()),
    "model files": tuple(models.attacks()),
    "base models": tuple(base_models.attacks()),
    "films": tuple(films.attacks()),
    "foreign weights": tuple(foreign.attacks()),
    "libraries": tuple(libraries.attacks()),
    "documents": tuple(documents.attacks()),
}
