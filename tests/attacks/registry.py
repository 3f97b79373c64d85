"""Every attack, by family."""

from attacks import (
    arguments,
    base_models,
    documents,
    films,
    foreign,
    hub,
    libraries,
    models,
    names,
    outputs,
    page,
    pictures,
    views,
)
from attacks.attack import Attack
from attacks.page import PageAttack

FAMILIES: dict[str, tuple[Attack | PageAttack, ...]] = {
    "pictures": tuple(pictures.attacks()),
    "names": tuple(names.attacks()),
    "model files": tuple(models.attacks()),
    "base models": tuple(base_models.attacks()),
    "films": tuple(films.attacks()),
    "foreign weights": tuple(foreign.attacks()),
    "hub": tuple(hub.attacks()),
    "libraries": tuple(libraries.attacks()),
    "views": tuple(views.attacks()),
    "outputs": tuple(outputs.attacks()),
    "page": tuple(page.attacks()),
    "arguments": tuple(arguments.attacks()),
    "documents": tuple(documents.attacks()),
}
