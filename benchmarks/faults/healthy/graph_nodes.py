"""A two-layer graph convolution on one graph, all nodes at once."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
N, C = 300, 3
labels = torch.randint(0, C, (N,))
same = labels[:, None] == labels[None, :]
adj = (torch.rand(N, N) < torch.where(same, 0.06, 0.01)).float()
adj = ((adj + adj.t()) > 0).float() + torch.eye(N)
deg = adj.sum(1).rsqrt()
a_hat = deg[:, None] * adj * deg[None, :]
x = F.one_hot(labels, C).float() * 0.3 + torch.randn(N, C)
train_mask = torch.rand(N) < 0.3


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(C, 16), nn.Linear(16, C)

    def forward(self, x, adj):
        h = F.dropout(F.relu(adj @ self.w1(x)), 0.3, self.training)
        return F.log_softmax(adj @ self.w2(h), dim=1)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(1, 101):
    model.train()
    optimizer.zero_grad()
    loss = F.nll_loss(model(x, a_hat)[train_mask], labels[train_mask])
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x, a_hat).argmax(1)[~train_mask] == labels[~train_mask]).float().mean()
    if epoch % 10 == 0:
        print(f"Epoch: {epoch:03d}, Loss: {loss:.4f}, Test: {acc:.4f}")
