"""Asks a language model cold: the product, the question, and its distribution over prices."""

from worker.specs import ZeroShotSpec
from worker.techniques.shared.prompting import Asking


class ZeroShot(Asking[ZeroShotSpec]):
    """Nothing is learned, unless the spec asks for a recalibration or a statistic chosen on validation rows."""
