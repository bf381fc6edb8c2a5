import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(21)
d = load_digits()
img = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1)
lab = torch.tensor(d.target)
tr, te = slice(0, 1300), slice(1300, None)
MOMENTUM = 0.0
net = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12, momentum=MOMENTUM), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24, momentum=MOMENTUM), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(24 * 4, 10),
)
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(5):
    net.train()
    for b in torch.randperm(1300).split(50):
        loss = nn.functional.cross_entropy(net(img[tr][b]), lab[tr][b])
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    net.eval()
    with torch.no_grad():
        o = net(img[te])
    print("epoch %d loss %.3f accuracy %.3f" % (epoch, nn.functional.cross_entropy(o, lab[te]), (o.argmax(1) == lab[te]).float().mean()))
