"""Which of four topics is a bag of words about?"""

import torch
import torch.nn as nn

torch.manual_seed(0)
WORDS = 800
topics = torch.distributions.Dirichlet(torch.full((4, WORDS), 0.05)).sample()
y = torch.randint(0, 4, (1200,))
X = torch.stack([torch.bincount(torch.multinomial(topics[k], 40, replacement=True), minlength=WORDS) for k in y])
X = torch.log1p(X.float())
net = nn.Sequential(nn.Linear(WORDS, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    net.train()
    for batch in torch.randperm(1000).split(25):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X[batch]), y[batch]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        accuracy = (net(X[1000:]).argmax(1) == y[1000:]).float().mean().item()
    print(f"epoch {epoch} accuracy {accuracy:.4f}")
