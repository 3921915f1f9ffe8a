"""What the commands share: flags, the locked config, the experiment behind it, and one-line errors."""

import re
import sys
import traceback
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
from genjax_models.training.workdir import flatten, recorded

CONFIG = config_flags.DEFINE_config_file("config", None, "configs/<family>/<paper>_<dataset>.py[:variant]")
EXPLAIN = flags.DEFINE_string("explain", None, "print what the fields below this one are (train.optimizer), and stop")
ALLOW = flags.DEFINE_list("allow", [], "packages beside ours that the config.json of a run's folder may name")
DEBUG = flags.DEFINE_bool("debug", False, "show the trace of an error")
WORKDIR = flags.DEFINE_string("workdir", None, "the run's folder; a folder that holds a run resumes it")


def run(main: Callable[[], None]) -> None:
    """Parse the flags and call `main`; a `UserError` becomes one line on stderr and exit status 2."""

    def parse(argv: list[str]) -> list[str]:
        try:
            return flags.FLAGS([re.sub(r"^--?cond\.(\w+)=", r"--cond=\1=", argument) for argument in argv])
        except Exception as error:
            if "--debug" in argv:
                raise
            _fail(_in_config_file(argv, error) or _of_flags(error))

    def guarded(argv: list[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        tune_allocator()
        try:
            if len(argv) > 1:
                raise UserError(f"unexpected argument {argv[1]!r}: options are written --name=value")
            main()
        except KeyboardInterrupt:
            _fail("interrupted; a run goes on from its last checkpoint with the same command", status=130)
        except UserError as error:
            if DEBUG.value:
                raise
            _fail(str(error))
        except Exception as error:
            if DEBUG.value:
                raise
            _fail(f"{type(error).__name__}: {_first_line(error)}; {_kept_trace()}", status=1)

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
    """The config that a run's folder belongs to.

    A folder may come from somebody else, and what a config names is imported and called. So this one may name modules
    of our own packages alone, and of those that the flag `--allow` lists.

    Raises:
      UserError: if its `config.json` cannot be read, or names another package.
    """
    config = recorded(folder)
    allowed = {"genjax_models", "experiments", "optax", *ALLOW.value}
    for place, value in flatten(config).items():
        if place.split(".")[-1] not in ("name", "experiment") or not isinstance(value, str) or "." not in value:
            continue
        package = value.partition(".")[0]
        if package not in allowed:
            raise UserError(
                f"{folder / 'config.json'} names {value} as {place}: if you trust the folder, add --allow={package}"
            )
    return ConfigDict(config)


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


def _of_flags(error: Exception) -> str:
    """What is wrong with the flags. A config file's `UserError` arrives as a whole trace; its last line says it."""
    said = re.sub(r"^[\w.]+Error: ", "", (str(error).strip().splitlines() or [""])[-1])
    if isinstance(error, KeyError | AttributeError) and (name := re.fullmatch(r"\W*(\w+)\W*", said)):
        said = f"there is no config field {name[1]!r}"
    return said.replace("\\n", " ").replace("\\'", "'") + "; --helpshort lists the flags"


def _in_config_file(argv: list[str], error: Exception) -> str:
    """The line of the config file at which an error arose, and the error; empty where it arose elsewhere."""
    paths = [argument.partition("=")[2].partition(":")[0] for argument in argv if re.match("--?config=", argument)]
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    said = _first_line(error)
    if isinstance(error, SyntaxError) and error.filename in paths:
        lines, said = [error.lineno], error.msg
    return f"{paths[0]}, line {lines[-1]}: {type(error).__name__}: {said}" if lines else ""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]


def _kept_trace() -> str:
    """Write the trace of the error that is being handled into the run's folder; says where it is."""
    folder = Path(WORKDIR.value) if WORKDIR.value else None
    try:
        if folder is None or not folder.is_dir():
            raise OSError
        (folder / "error.txt").write_text(traceback.format_exc())
    except OSError:
        return "--debug shows the trace"
    return f"the trace is in {folder / 'error.txt'}"


def _fail(message: str, status: int = 2) -> NoReturn:
    line = " ".join(message.split()).encode(errors="replace").decode()
    print(f"error: {line}", file=sys.stderr)
    sys.exit(status)
