"""The battery's checks: the promises of an environment, one class each."""

from envfactory_client.verify.check import Check
from envfactory_client.verify.checks.constraints import CONSTRAINTS
from envfactory_client.verify.checks.definitions import DEFINITIONS
from envfactory_client.verify.checks.experiments import EXPERIMENTS
from envfactory_client.verify.checks.metamorphic import Metamorphic
from envfactory_client.verify.checks.moments import MOMENTS
from envfactory_client.verify.checks.oracles import ORACLES
from envfactory_client.verify.checks.robustness import ROBUSTNESS
from envfactory_client.verify.checks.saving import SAVING
from envfactory_client.verify.checks.start import START
from envfactory_client.verify.checks.stateful import Stateful

CHECKS: tuple[Check, ...] = (
    *ORACLES,
    *EXPERIMENTS,
    Metamorphic(),
    Stateful(),
    *MOMENTS,
    *START,
    *SAVING,
    *DEFINITIONS,
    *CONSTRAINTS,
    *ROBUSTNESS,
)
