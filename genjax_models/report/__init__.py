"""Pictures of a run: sample grids, animations, training curves."""

from genjax_models.report.curves import save_curves as save_curves
from genjax_models.report.grids import save_animation as save_animation
from genjax_models.report.grids import save_grid as save_grid
from genjax_models.report.grids import tile as tile
from genjax_models.report.paths import save_paths as save_paths
from genjax_models.report.points import save_points as save_points
