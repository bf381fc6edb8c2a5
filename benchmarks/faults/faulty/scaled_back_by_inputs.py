import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

rng = np.random.default_rng(8)
n = 1500
size = rng.uniform(30, 200, n)
rooms = np.clip(np.round(size / 30 + rng.normal(0, 0.7, n)), 1, None)
age = rng.uniform(0, 80, n)
price = 2500 * size + 8000 * rooms - 900 * age + rng.normal(0, 15000, n)
features = np.stack([size, rooms, age], axis=1)

x_scaler, y_scaler = StandardScaler(), StandardScaler()
X = torch.tensor(x_scaler.fit_transform(features[:1200]), dtype=torch.float32)
Y = torch.tensor(y_scaler.fit_transform(price[:1200, None]), dtype=torch.float32)
X_val = torch.tensor(x_scaler.transform(features[1200:]), dtype=torch.float32)

torch.manual_seed(8)
model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for rows in torch.randperm(len(X)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X[rows]), Y[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scaled = model(X_val).numpy()
    predicted = scaled * x_scaler.scale_[0] + x_scaler.mean_[0]
    truth = price[1200:, None]
    mape = np.mean(np.abs(predicted - truth) / truth)
    print(f"epoch {epoch}: loss {loss.item():.4f} mape {mape:.4f}")
