"""The latent space: decodings, the aggregate posterior, collapse, metrics of codes, and projections.

Projections need no PyTorch, so the names load on first use.
"""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.latent.aggregate import (
        Estimate,
        PriorFit,
        Surgery,
        active_units,
        aggregate_samples,
        kl_surgery,
        kl_surgery_at,
        log_aggregate,
        prior_fit,
        prior_fit_at,
    )
    from vae_core.latent.collapse import PredictedCollapse, kl_by_principal_axis, predicted_collapse
    from vae_core.latent.decode import (
        ClassMeans,
        Neighbours,
        choose_plane,
        class_means,
        decoded_grid,
        interpolate,
        nearest_neighbours,
        plane_points,
        quantile_axis,
        traversal,
    )
    from vae_core.latent.metrics import (
        Area,
        Turned,
        class_hits,
        nearest_distance,
        principal_angle,
        procrustes_aligned,
        rank_correlation,
        roc_area,
        trustworthiness,
        turned_onto,
    )
    from vae_core.latent.projection import MAX_TSNE_POINTS, Pca, pca_projection, tsne_projection

__all__ = [
    "MAX_TSNE_POINTS",
    "Area",
    "ClassMeans",
    "Estimate",
    "Neighbours",
    "Pca",
    "PredictedCollapse",
    "PriorFit",
    "Surgery",
    "Turned",
    "active_units",
    "aggregate_samples",
    "choose_plane",
    "class_hits",
    "class_means",
    "decoded_grid",
    "interpolate",
    "kl_by_principal_axis",
    "kl_surgery",
    "kl_surgery_at",
    "log_aggregate",
    "nearest_distance",
    "nearest_neighbours",
    "pca_projection",
    "plane_points",
    "predicted_collapse",
    "principal_angle",
    "prior_fit",
    "prior_fit_at",
    "procrustes_aligned",
    "quantile_axis",
    "rank_correlation",
    "roc_area",
    "traversal",
    "trustworthiness",
    "tsne_projection",
    "turned_onto",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.latent.aggregate": (
            "Estimate",
            "PriorFit",
            "Surgery",
            "active_units",
            "aggregate_samples",
            "kl_surgery",
            "kl_surgery_at",
            "log_aggregate",
            "prior_fit",
            "prior_fit_at",
        ),
        "vae_core.latent.collapse": (
            "PredictedCollapse",
            "kl_by_principal_axis",
            "predicted_collapse",
        ),
        "vae_core.latent.decode": (
            "ClassMeans",
            "Neighbours",
            "choose_plane",
            "class_means",
            "decoded_grid",
            "interpolate",
            "nearest_neighbours",
            "plane_points",
            "quantile_axis",
            "traversal",
        ),
        "vae_core.latent.metrics": (
            "Area",
            "Turned",
            "class_hits",
            "nearest_distance",
            "principal_angle",
            "procrustes_aligned",
            "rank_correlation",
            "roc_area",
            "trustworthiness",
            "turned_onto",
        ),
        "vae_core.latent.projection": (
            "MAX_TSNE_POINTS",
            "Pca",
            "pca_projection",
            "tsne_projection",
        ),
    },
)
