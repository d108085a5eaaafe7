"""The sizes of the tensors of a real network."""


def conv(channels: int, filters: int, side: int) -> list[int]:
    """Sizes of a convolution and of the two vectors of its normalisation."""
    return [channels * filters * side**2, filters, filters]


def resnet50() -> list[int]:
    """The 161 tensors of ResNet-50, in the order of the forward pass."""
    sizes, channels = conv(3, 64, 7), 64
    for width, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(count):
            sizes += conv(channels, width, 1) + conv(width, width, 3) + conv(width, 4 * width, 1)
            if block == 0:
                sizes += conv(channels, 4 * width, 1)
            channels = 4 * width
    return [*sizes, 2048 * 1000, 1000]
