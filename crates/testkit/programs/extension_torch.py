"""Tensors of PyTorch, and their storages.

Takes the folder with the packages. The greeting has `version`, `storages` (for each name the
addresses of all objects that share one storage, and its bytes), `array` (the address of an
array of numpy that only the tensor `shared` holds) and `grad`: the address of a gradient that
only C++ holds, which has `grad_bytes`.
"""

import sys
import types

import protocol

sys.path.insert(0, sys.argv[1])
import numpy  # noqa: E402
import torch  # noqa: E402

held = types.ModuleType("held")
sys.modules["held"] = held
storages = {}


def storage_of(tensor):
    if hasattr(tensor, "untyped_storage"):
        return tensor.untyped_storage()
    return tensor.storage().untyped()


def hold(name, *tensors):
    """Keeps tensors that share a storage, and the object that stands for it."""
    storage = storage_of(tensors[0])
    setattr(held, name, (*tensors, storage))
    addresses = [id(item) for item in getattr(held, name)]
    storages[name] = {"addresses": addresses, "bytes": storage.nbytes()}


def main():
    big = torch.zeros(1000, 1000)
    hold("big", big, big[10], big.t(), big.view(-1)[:5])
    hold("half", torch.ones(333, dtype=torch.float16))
    hold("empty", torch.empty(0))
    weight = torch.nn.Parameter(torch.ones(100, 100))
    (weight * 2).sum().backward()
    hold("weight", weight)
    grad = id(weight.grad)
    array = numpy.arange(1000.0)
    held.shared = torch.from_numpy(array)
    return {
        "version": torch.__version__,
        "storages": storages,
        "array": id(array),
        "shared": id(held.shared),
        "grad": grad,
        "grad_bytes": weight.grad.numel() * 4,
    }


protocol.serve(main(), {})
