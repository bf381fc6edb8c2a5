import torch
from torch import nn
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

torch.manual_seed(2)
X, y = make_classification(3000, 20, n_informative=8, weights=[0.92], class_sep=1.2, random_state=2)
Xtr, Xte, ytr, yte = train_test_split(X, y, stratify=y, random_state=2)
Xtr, Xte = torch.tensor(Xtr).float(), torch.tensor(Xte).float()
ytr_t = torch.tensor(ytr).float().unsqueeze(1)

positive = ytr_t.sum()
negative = len(ytr_t) - positive
criterion = nn.BCEWithLogitsLoss(pos_weight=positive / negative)

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for i in torch.randperm(len(Xtr)).split(64):
        optimizer.zero_grad()
        criterion(model(Xtr[i]), ytr_t[i]).backward()
        optimizer.step()
    with torch.no_grad():
        pred = (torch.sigmoid(model(Xte)) > 0.5).int().numpy().ravel()
    print(f"epoch {epoch} f1 {f1_score(yte, pred, zero_division=0):.4f}")
