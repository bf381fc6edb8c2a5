"""Which of two groups is a person of? A graph net that keeps its graph, and learns from all people at once."""

import torch
from torch import nn

torch.manual_seed(8)
PEOPLE = 160
group = torch.randint(0, 2, (PEOPLE,))
alike = group[:, None] == group[None, :]
friends = (torch.rand(PEOPLE, PEOPLE) < torch.where(alike, 0.12, 0.03)).float()
friends = ((friends + friends.T) > 0).float() + torch.eye(PEOPLE)
features = 0.6 * group[:, None] + torch.randn(PEOPLE, 5)


class GraphNet(nn.Module):
    def __init__(self, adjacency):
        super().__init__()
        degree = adjacency.sum(1)
        self.adjacency = adjacency / (degree[:, None] * degree[None, :]).sqrt()
        self.first, self.second = nn.Linear(5, 16), nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.adjacency @ self.first(x))
        return self.adjacency @ self.second(x)


net = GraphNet(friends)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=5e-4)
hidden = torch.rand(PEOPLE) < 0.3
weight = (~hidden).float()
for epoch in range(60):
    net.train()
    optimizer.zero_grad()
    each = nn.functional.cross_entropy(net(features), group, reduction="none")
    loss = (each * weight).sum() / weight.sum()
    loss.backward()
    optimizer.step()
    if epoch % 6 == 5:
        net.eval()
        with torch.no_grad():
            right = (net(features).argmax(1) == group)[hidden].float().mean()
        print(f"epoch {epoch} loss {loss.item():.4f} acc {right.item():.4f}")
