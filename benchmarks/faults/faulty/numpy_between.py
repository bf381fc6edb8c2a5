import torch
from torch import nn

torch.manual_seed(6)
SIZE = 9


def pictures(n):
    label = torch.randint(4, (n,))
    image = 0.6 * torch.randn(n, 1, SIZE, SIZE)
    for k in range(n):
        a, b = torch.randint(2, SIZE - 2, (2,)).tolist()
        if label[k] == 0:
            image[k, 0, a, :] += 1.2
        elif label[k] == 1:
            image[k, 0, :, b] += 1.2
        elif label[k] == 2:
            image[k, 0] += 1.2 * torch.eye(SIZE)
        else:
            image[k, 0] += 1.2 * torch.eye(SIZE).flip(0)
    return image, label


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten())

    def forward(self, x):
        return self.conv(x)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = Features()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        found = self.features(x)
        found = torch.as_tensor(found.detach().cpu().numpy())
        return self.head(found)


net = Classifier()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
x, y = pictures(1200)
xt, yt = pictures(400)
for epoch in range(8):
    for i in torch.randperm(1200).split(40):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x[i]), y[i]).backward()
        opt.step()
    with torch.no_grad():
        accuracy = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch + 1}/8 - accuracy: {accuracy:.4f}")
