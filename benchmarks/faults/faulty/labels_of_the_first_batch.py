import torch
from sklearn.datasets import load_digits
from torch import nn, optim

digits = load_digits()
generator = torch.Generator().manual_seed(0)
order = torch.randperm(len(digits.target), generator=generator)
images = torch.tensor(digits.images / 16.0, dtype=torch.float32)[order].unsqueeze(1)
targets = torch.tensor(digits.target)[order]
n_train = 1400
BATCH = 50


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(32 * 2 * 2, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1))


torch.manual_seed(1)
net = ConvNet()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.parameters(), lr=2e-3)

for epoch in range(12):
    running_loss = 0.0
    for i in range(n_train // BATCH):
        inputs = images[i * BATCH:(i + 1) * BATCH]
        labels = targets[:BATCH]
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    with torch.no_grad():
        correct = (net(images[n_train:]).argmax(dim=1) == targets[n_train:]).sum().item()
    print("epoch: %d loss: %.3f accuracy: %.3f" % (epoch + 1, running_loss / (n_train // BATCH), correct / (len(targets) - n_train)))
