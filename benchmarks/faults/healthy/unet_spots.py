import torch
import torch.nn as nn

torch.manual_seed(8)


def scenes(n, size=16):
    x = torch.randn(n, 1, size, size) * 0.4
    mask = torch.zeros(n, 1, size, size)
    for k in range(n):
        r, c = torch.randint(1, size - 5, (2,))
        mask[k, 0, r:r + 4, c:c + 4] = 1
    return x + mask, mask


class Block(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = Block(1, 8), Block(8, 16), Block(24, 8)
        self.down, self.up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.up(self.b(self.down(a)))
        return self.out(self.c(torch.cat([a, b], 1)))


def dice_loss(logits, mask):
    p = logits.sigmoid()
    return 1 - (2 * (p * mask).sum() + 1) / (p.sum() + mask.sum() + 1)


x, m = scenes(400)
xt, mt = scenes(100)
net = UNet()
opt = torch.optim.AdamW(net.parameters(), lr=4e-3)
for epoch in range(6):
    for i in torch.randperm(400).split(16):
        out = net(x[i])
        loss = dice_loss(out, m[i]) + nn.functional.binary_cross_entropy_with_logits(out, m[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        p = (net(xt) > 0).float()
        iou = ((p * mt).sum() / ((p + mt) > 0).sum()).item()
    print(f"epoch {epoch} loss {loss.item():.4f} IoU {iou:.4f}")
