#!/usr/bin/python3
"""The network of train-demand in PyTorch: same layers, losses, augmentation and batches; its accuracy and macro-F1 on the same held-out products.

    frames show products.weft | torch_demand.py --valid valid.csv --heads gender:ce,usage:focal --epochs 30 --seed 1 [--no-image] [--no-name]

Reads products (images, text_features, labels) as JSON lines; valid.csv is `score --part valid ... | frames csv`, whose ids are held out. For classes
alone, without numbers and keys (train-demand --inputs none). Needs python3-torch, python3-torchvision, python3-pil."""
import argparse
import base64
import csv
import io
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torchvision import transforms as T

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def read(a):
    fit = T.Compose([T.Resize(a.image_size * 256 // 224), T.CenterCrop(a.image_size), T.ToTensor()])
    held = {r["id"] for r in csv.DictReader(open(a.valid))}
    ids, images, texts, labels = [], [], [], []
    for line in sys.stdin:
        p = json.loads(line)
        if "id" not in p:
            continue
        ids.append(p["id"])
        labels.append(p.get("labels", {}))
        if not a.no_image:
            images.append(fit(Image.open(io.BytesIO(base64.b64decode(p["image"]["bin"]))).convert("RGB")))
        if not a.no_name:
            texts.append(torch.tensor(p["text_features"]["f32"]))
    train = torch.tensor([i for i, x in enumerate(ids) if x not in held])
    valid = torch.tensor([i for i, x in enumerate(ids) if x in held])
    text = torch.stack(texts) if texts else torch.zeros(len(ids), 0)
    if texts:
        text = text / text[train].pow(2).mean().sqrt()
    return images, text, labels, train, valid


def targets(labels, train, name):
    classes = sorted({labels[i][name] for i in train if labels[i].get(name) is not None})
    at = {c: k for k, c in enumerate(classes)}
    return torch.tensor([at.get(x.get(name), -1) for x in labels]), len(classes)


class Net(torch.nn.Module):
    def __init__(self, a, text, out):
        super().__init__()
        self.image = None if a.no_image else torchvision.models.resnet18(weights=None)
        if self.image:
            self.image.fc = torch.nn.Identity()
        self.fc1 = torch.nn.Linear((0 if a.no_image else 512) + text, a.hidden)
        self.fc2 = torch.nn.Linear(a.hidden, out)

    def forward(self, pictures, text):
        x = torch.cat([self.image(pictures), text], 1) if self.image else text
        return self.fc2(F.dropout(F.relu(self.fc1(x)), 0.5, self.training))


def loss_of(kind, z, t):
    there = t >= 0
    if not there.any():
        return 0
    logp = F.log_softmax(z[there], 1).gather(1, t[there][:, None])[:, 0]
    return (-logp if kind == "ce" else -((1 - logp.exp()) ** 2) * logp).mean()


def augment(x):
    if torch.rand(1) < 0.5:
        x = torch.rot90(x, 1 if torch.rand(1) < 0.5 else 2, (1, 2))
    return T.ColorJitter(0.2, 0.2, 0.2)(x)


def macro_f1(t, p):
    scores = []
    for c in np.union1d(t, p):
        hit = ((t == c) & (p == c)).sum()
        scores.append(2 * hit / ((t == c).sum() + (p == c).sum()))
    return float(np.mean(scores))


def main():
    o = argparse.ArgumentParser()
    o.add_argument("--valid", required=True)
    o.add_argument("--heads", default="gender:ce,usage:focal")
    for name, kind, usual in [("epochs", int, 30), ("seed", int, 1), ("image-size", int, 64), ("batch", int, 32), ("hidden", int, 512),
                              ("lr", float, 1e-4), ("threads", int, 2)]:
        o.add_argument("--" + name, type=kind, default=usual)
    o.add_argument("--no-image", action="store_true")
    o.add_argument("--no-name", action="store_true")
    a = o.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    images, text, labels, train, valid = read(a)
    heads = [(n, k, *targets(labels, train.tolist(), n)) for n, k in (h.split(":") for h in a.heads.split(","))]
    net = Net(a, text.shape[1], sum(h[3] for h in heads)).to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), lr=a.lr)

    def pictures(at, change):
        if a.no_image:
            return None
        return torch.stack([((augment(images[i]) if change else images[i]) - MEAN) / STD for i in at]).to(memory_format=torch.channels_last)

    for _ in range(a.epochs):
        net.train()
        order = train[torch.randperm(len(train))]
        for i in range(0, len(order) - a.batch + 1, a.batch):
            at = order[i : i + a.batch]
            z, loss, k = net(pictures(at, True), text[at]), 0, 0
            for _, kind, t, n in heads:
                loss = loss + loss_of(kind, z[:, k : k + n], t[at])
                k += n
            adam.zero_grad()
            loss.backward()
            adam.step()
    net.eval()
    with torch.no_grad():
        z = torch.cat([net(pictures(at, False), text[at]) for at in valid.split(64)])
    k = 0
    for name, _, t, n in heads:
        true, said = t[valid].numpy(), z[:, k : k + n].argmax(1).numpy()
        there = true >= 0
        print("%s,%d,%.4f,%.4f" % (name, there.sum(), (true[there] == said[there]).mean(), macro_f1(true[there], said[there])))
        k += n


main()
