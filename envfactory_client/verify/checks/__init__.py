"""The battery's checks, in the order in which they are reported."""

from envfactory_client.verify.check import Check
from envfactory_client.verify.checks.experiments import EXPERIMENTS
from envfactory_client.verify.checks.oracles import ORACLES
from envfactory_client.verify.checks.stateful import Stateful

CHECKS: tuple[Check, ...] = (*ORACLES, *EXPERIMENTS, Stateful())
