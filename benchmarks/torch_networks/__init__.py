"""minicv's systems written for PyTorch, so that their training steps have something to race.

The same layers under the same names, the same losses, the same random draws: from the same weights
the same losses and gradients come out, and the benchmark checks that they do. The layers are
written as PyTorch's users write them: ReLU in place, statistics in `torch.nn.BatchNorm2d`.
"""
