"""Training: a state of arrays, one pure step, and the loop, checkpoints and devices around them."""

from genjax_models.training.config import optimizer_config as optimizer_config
from genjax_models.training.config import training_config as training_config
from genjax_models.training.ema import make_ema as make_ema
from genjax_models.training.experiment import Experiment as Experiment
from genjax_models.training.experiment import Inference as Inference
from genjax_models.training.experiment import SampleRequest as SampleRequest
from genjax_models.training.experiment import initial_state as initial_state
from genjax_models.training.optimizers import forced_unit_directions as forced_unit_directions
from genjax_models.training.optimizers import make_optimizer as make_optimizer
from genjax_models.training.state import Objective as Objective
from genjax_models.training.state import Player as Player
from genjax_models.training.state import TrainState as TrainState
from genjax_models.training.state import init_state as init_state
from genjax_models.training.step import train_step as train_step
