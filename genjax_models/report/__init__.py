"""Pictures of a run: sample grids, animations, plots of points, waveforms and music, training curves."""

from genjax_models.report.clouds import save_clouds as save_clouds
from genjax_models.report.curves import save_curves as save_curves
from genjax_models.report.grids import save_animation as save_animation
from genjax_models.report.grids import save_grid as save_grid
from genjax_models.report.grids import tile as tile
from genjax_models.report.paths import save_paths as save_paths
from genjax_models.report.piano_rolls import save_piano_rolls as save_piano_rolls
from genjax_models.report.points import save_points as save_points
from genjax_models.report.waveforms import save_waveforms as save_waveforms
