"""The named sets: recipes that lie on the shelf."""

from graphmax.checks import near_names
from graphmax.datasets.recipe import Recipe, read_recipe
from graphmax.shipped_data import dataset_path

FILE = "recipe.toml"


def recipe_names() -> list[str]:
    """List the named sets.

    Returns
    -------
    list of str
        Names, sorted.

    Examples
    --------
    >>> from graphmax.datasets import recipe_names
    >>> "independent" in recipe_names()
    True
    """
    shelf = dataset_path("CHECKSUMS").parent
    return sorted(path.parent.name for path in shelf.glob(f"*/{FILE}"))


def named_recipe(name: str) -> Recipe:
    """Read the recipe of a named set, or of a TOML file.

    Parameters
    ----------
    name : str
        A name, or a path that ends in ``.toml``.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    ValueError
        If there is no set of this name (near names are listed), or the recipe is wrong.

    Examples
    --------
    >>> from graphmax.datasets import named_recipe
    >>> named_recipe("independent").version
    1
    """
    if name.endswith(".toml"):
        return read_recipe(name)
    names = recipe_names()
    if name not in names:
        raise ValueError(
            f"`name` must be a named set or a recipe that ends in .toml, got {name!r}; "
            + near_names(name, names)
        )
    return read_recipe(dataset_path(f"{name}/{FILE}"))
