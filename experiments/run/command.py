"""What the commands share: flags, the locked config, the experiment behind it, and one-line errors."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import jax
from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from experiments.config.modules import fields_of, module_of
from genjax_models.core.cpu import tune_allocator
from genjax_models.core.errors import UserError
from genjax_models.training import Experiment
from genjax_models.training.settings import check, explain
from genjax_models.training.workdir import recorded

CONFIG = config_flags.DEFINE_config_file("config", None, "configs/<family>/<paper>_<dataset>.py[:variant]")
EXPLAIN = flags.DEFINE_string("explain", None, "print what the fields below this one are (train.optimizer), and stop")
WORKDIR = flags.DEFINE_string("workdir", None, "the run's folder; a folder that holds a run resumes it")


def run(main: Callable[[], None]) -> None:
    """Parse the flags and call `main`; a `UserError` becomes one line on stderr and exit status 2."""

    def parse(argv: list[str]) -> list[str]:
        try:
            return flags.FLAGS([re.sub(r"^--?cond\.(\w+)=", r"--cond=\1=", argument) for argument in argv])
        except (flags.Error, AttributeError, KeyError, OSError) as error:
            # A config file that raises arrives as a whole traceback, whose last line says what is wrong.
            said = re.sub(r"^[\w.]+Error: ", "", str(error).strip().splitlines()[-1])
            if isinstance(error, KeyError | AttributeError) and (name := re.fullmatch(r"\W*(\w+)\W*", said)):
                said = f"there is no config field {name[1]!r}"
            _fail(said.replace("\\n", " ").replace("\\'", "'") + "; --helpshort lists the flags")

    def guarded(argv: list[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        tune_allocator()
        try:
            if len(argv) > 1:
                raise UserError(f"unexpected argument {argv[1]!r}: options are written --name=value")
            main()
        except UserError as error:
            _fail(str(error))

    app.run(guarded, flags_parser=parse)


def read_config() -> ConfigDict:
    """The config of the command line, or else the one that the run's folder belongs to; locked.

    Raises:
      UserError: if there is none, or its file cannot be read.
    """
    if EXPLAIN.value is not None and isinstance(CONFIG.value, ConfigDict):
        print(explain(fields_of(CONFIG.value), CONFIG.value, EXPLAIN.value))
        sys.exit(0)
    if CONFIG.value is None:
        if not WORKDIR.value or not (Path(WORKDIR.value) / "config.json").exists():
            raise UserError("no config given: add --config=configs/<family>/<paper>_<dataset>.py")
        config = recorded_config(Path(WORKDIR.value))
        module_of(config)  # which may add a data set or a modality
        return config.lock()
    if not isinstance(CONFIG.value, ConfigDict):
        raise UserError(f"cannot read the config file {flags.FLAGS['config'].serialize().partition('=')[2]}")
    return CONFIG.value.lock()


def recorded_config(folder: Path) -> ConfigDict:
    """The config that a run's folder belongs to."""
    return ConfigDict(recorded(folder))


def workdir() -> Path:
    """The run's folder, as an absolute path.

    Raises:
      UserError: if it was not given.
    """
    if not WORKDIR.value:
        raise UserError("no folder for the run given: add --workdir=runs/<name>")
    return Path(WORKDIR.value).absolute()


def build_experiment(config: ConfigDict) -> Experiment:
    """Import the module `config.experiment` and build what the config describes.

    Raises:
      UserError: if there is none, a field is unknown or out of its range, or the parts do not fit; shapes are traced,
        nothing is computed.
    """
    module = module_of(config)
    if not hasattr(module, "build"):
        raise UserError(f"this config has a command of its own: python -m {config.experiment}, with the same flags")
    check(fields_of(config), config)
    experiment = module.build(config)
    try:
        jax.eval_shape(experiment.init, jax.random.key(0))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"the parts of this config do not fit together: {reason}") from None
    return experiment


def _fail(message: str) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)
