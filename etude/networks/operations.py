"""How many floating-point operations something takes."""

from collections.abc import Callable


def operations(work: Callable[[], object]) -> int:
    """Those of ``work``, as PyTorch counts them; on the device "meta" nothing is computed for it."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()
