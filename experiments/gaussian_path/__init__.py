"""What the families on Gaussian paths share: one experiment, its names, guidance, teachers."""

from experiments.gaussian_path.experiment import FIELDS as FIELDS
from experiments.gaussian_path.experiment import Bound as Bound
from experiments.gaussian_path.experiment import Loss as Loss
from experiments.gaussian_path.experiment import MakeDenoiser as MakeDenoiser
from experiments.gaussian_path.experiment import Network as Network
from experiments.gaussian_path.experiment import build as build
from experiments.gaussian_path.experiment import ode_likelihood as ode_likelihood
