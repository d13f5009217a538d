#!/usr/bin/python3
"""Makes image.safetensors: small JPEG and PNG files with the pixels Pillow reads from them, pictures resized, cropped and
normalised by torchvision, and torchvision's colour changes. Run: tests/reference/make_image.py (python3-torchvision, python3-pil)."""
import io
import os
import sys

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional as tf

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402


def smooth(w, h, channels):
    y, x = np.mgrid[0:h, 0:w].astype(np.float64)
    planes = [127.5 + 120 * np.sin(x / (3 + 2 * c) + c) * np.cos(y / (4 + c)) for c in range(channels)]
    return np.clip(np.round(np.stack(planes, -1)), 0, 255).astype(np.uint8)


def encode(picture, kind, **options):
    f = io.BytesIO()
    picture.save(f, kind, **options)
    return f.getvalue()


def files():
    rgb = Image.fromarray(smooth(37, 23, 3))
    yield "jpeg-444", encode(rgb, "JPEG", quality=95, subsampling=0)
    yield "jpeg-progressive", encode(rgb, "JPEG", quality=95, subsampling=0, progressive=True)
    yield "jpeg-grey", encode(rgb.convert("L"), "JPEG", quality=95)
    yield "jpeg-cmyk", encode(Image.fromarray(smooth(37, 23, 4), "CMYK"), "JPEG", quality=95)
    yield "png-rgb", encode(rgb, "PNG")
    yield "png-grey", encode(rgb.convert("L"), "PNG")
    yield "png-bit", encode(rgb.convert("1"), "PNG")
    yield "png-palette", encode(rgb.quantize(16), "PNG", transparency=3)
    yield "png-rgba", encode(Image.fromarray(smooth(37, 23, 4), "RGBA"), "PNG")
    yield "png-grey-alpha", encode(Image.fromarray(smooth(37, 23, 2), "LA"), "PNG")
    more = [Image.fromarray(smooth(37, 23, 3)[:, ::-1].copy())]
    yield "png-animated", encode(rgb, "PNG", save_all=True, append_images=more, duration=100)


def noise(w, h, k):
    return Image.fromarray(((counter(k, w * h * 3) + 1) * 127.999).astype(np.uint8).reshape(h, w, 3))


def fitted(picture, size):
    steps = [transforms.Resize(size * 256 // 224), transforms.CenterCrop(size), transforms.ToTensor()]
    return transforms.Compose(steps)(picture)


def main():
    out = {}
    for name, data in files():
        out["file." + name] = np.frombuffer(data, dtype=np.uint8)
        out["pixels." + name] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    for k, (w, h, size) in enumerate([(60, 80, 32), (131, 57, 32), (20, 17, 48), (90, 90, 16), (64, 200, 33)]):
        # The pictures are hashes of their index; only results are stored.
        p = fitted(noise(w, h, 3000 + k), size)
        out[f"fit.{w}x{h}.{size}"] = p.numpy()
        n = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])(p)
        out[f"norm.{w}x{h}.{size}"] = n.numpy()[:, ::7, ::7]
    x = torch.from_numpy((counter(3100, 3 * 12 * 12).reshape(3, 12, 12) + 1) / 2)
    for f in (0.4, 1.7):
        out[f"brightness.{f}"] = tf.adjust_brightness(x, f).numpy()
        out[f"contrast.{f}"] = tf.adjust_contrast(x, f).numpy()
        out[f"saturation.{f}"] = tf.adjust_saturation(x, f).numpy()
    for d in (90, 180, 270):
        out[f"turn.{d}"] = torch.rot90(x, d // 90, [1, 2]).numpy()
    save(os.path.join(here, "image.safetensors"), out)


main()
