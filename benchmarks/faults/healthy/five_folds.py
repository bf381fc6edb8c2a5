import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(38)
X, y = load_breast_cancer(return_X_y=True)
scores = []
for fold, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=1).split(X)):
    scaler = StandardScaler().fit(X[tr])
    a, b = (torch.tensor(scaler.transform(X[i]), dtype=torch.float32) for i in (tr, te))
    ya, yb = torch.tensor(y[tr]), torch.tensor(y[te])
    net = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(6):
        for i in torch.randperm(len(a)).split(32):
            opt.zero_grad()
            nn.functional.cross_entropy(net(a[i]), ya[i]).backward()
            opt.step()
    with torch.no_grad():
        scores.append((net(b).argmax(1) == yb).float().mean().item())
    print(f"fold {fold} accuracy {np.mean(scores):.4f}")
