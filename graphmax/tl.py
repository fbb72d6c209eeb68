"""Tools in the manner of scverse: they write their answer into an AnnData object."""

from typing import Any

from graphmax.maxima import local_maxima as _local_maxima

__all__ = ["local_maxima"]


def local_maxima(
    adata: Any,
    values: Any,
    hops: Any = None,
    *,
    key_added: str = "is_maximum",
    copy: bool = False,
    **options: Any,
) -> Any:
    """Mark the cells that are local maxima on the graph of an AnnData object.

    Parameters
    ----------
    adata : anndata.AnnData
        Its graph is ``obsp["connectivities"]``, else the only matrix of ``obsp``.
    values : str or array (n_obs,)
        A column of ``obs``, a gene of ``var_names``, or one value per cell.
    hops : int or Rule, optional
        Radius of the neighborhood in hops; 1 by default.
    key_added : str, default "is_maximum"
        Column of ``obs`` that is written.
    copy : bool, default False
        Whether to write into a copy, which is returned, and leave `adata` as it is.
    **options
        What `graphmax.local_maxima` takes by keyword.

    Returns
    -------
    anndata.AnnData or None
        The copy, if one was asked for.

    Raises
    ------
    TypeError, ValueError
        As `graphmax.local_maxima` does.

    Examples
    --------
    >>> import anndata, numpy as np, scipy.sparse as sp
    >>> from graphmax import tl
    >>> path = sp.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> cells = anndata.AnnData(np.array([[5.0], [1.0], [7.0]]), obsp={"connectivities": path})
    >>> tl.local_maxima(cells, "0")
    >>> cells.obs["is_maximum"].tolist()
    [True, False, True]
    """
    if isinstance(values, str) and values not in adata.obs and values in adata.var_names:
        values = adata.obs_vector(values)
    mask = _local_maxima(adata, values, hops, **options)
    target = adata.copy() if copy else adata
    target.obs[key_added] = mask
    return target if copy else None
