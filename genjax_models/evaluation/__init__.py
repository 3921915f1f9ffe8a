"""Metrics over injected features, the table that sets each beside its floor, and the feature nets."""

from genjax_models.evaluation.calibration import calibration_error as calibration_error
from genjax_models.evaluation.density_coverage import density_coverage as density_coverage
from genjax_models.evaluation.features import FeatureNet as FeatureNet
from genjax_models.evaluation.features import load_feature_net as load_feature_net
from genjax_models.evaluation.frechet_distance import frechet_distance as frechet_distance
from genjax_models.evaluation.inception_score import inception_score as inception_score
from genjax_models.evaluation.kernel_distance import kernel_distance as kernel_distance
from genjax_models.evaluation.mode_coverage import ModeCoverage as ModeCoverage
from genjax_models.evaluation.mode_coverage import mode_coverage as mode_coverage
from genjax_models.evaluation.precision_recall import precision_recall as precision_recall
from genjax_models.evaluation.table import Row as Row
from genjax_models.evaluation.table import markdown as markdown
from genjax_models.evaluation.table import measure as measure
from genjax_models.evaluation.table import to_json as to_json
from genjax_models.evaluation.wasserstein import wasserstein as wasserstein
from genjax_models.nets.feature.classifier import Features as Features
