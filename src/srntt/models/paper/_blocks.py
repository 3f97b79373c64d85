"""Parts of both the content extractor and the texture transfer, registered in the order of the official files."""

from torch import Tensor, nn

from srntt._shapes import Float

CHANNELS = 64


def conv3(channels: int, width: int, *, bias: bool = True) -> nn.Conv2d:
    """3x3 convolution that keeps the size; one followed by a batch normalisation has no bias."""
    return nn.Conv2d(channels, width, 3, padding=1, bias=bias)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the official epsilon; running averages keep 0.9 of the past, as TensorLayer's do."""
    # PAPER: TensorFlow keeps the biased variance of the batch, PyTorch the unbiased one.
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class ResidualBlock(nn.Module):
    """conv3, BN, ReLU, conv3, BN, + skip."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = conv3(CHANNELS, CHANNELS, bias=False)
        self.norm1 = batch_norm(CHANNELS)
        self.conv2 = conv3(CHANNELS, CHANNELS, bias=False)
        self.norm2 = batch_norm(CHANNELS)

    def forward(self, x: Float[Tensor, "b 64 h w"]) -> Float[Tensor, "b 64 h w"]:
        return x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu_()))


class ResidualBody(nn.Module):
    """Residual blocks, then conv3 and BN. The skip around it all is the caller's: its start varies."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualBlock() for _ in range(blocks)))
        self.conv = conv3(CHANNELS, CHANNELS, bias=False)
        self.norm = batch_norm(CHANNELS)

    def forward(self, x: Float[Tensor, "b 64 h w"]) -> Float[Tensor, "b 64 h w"]:
        return self.norm(self.conv(self.blocks(x)))


class SubPixelUpscale(nn.Module):
    """conv3 to four times the channels, shuffled into twice the size; ReLU (Shi et al., arXiv:1609.05158)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = conv3(channels, 4 * width)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b _ 2*h 2*w"]:
        return self.shuffle(self.conv(x)).relu_()
