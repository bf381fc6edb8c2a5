import numpy as np
import torch

rng = np.random.default_rng(3)
torch.manual_seed(3)
features = rng.normal(size=(2000, 8)).astype("float32")
price = (features[:, :1] * features[:, 1:2] + np.sin(2 * features[:, 2:3]) + 0.5 * features[:, 3:4]).astype("float32")
train_x, train_y = features[:1600], price[:1600]
val_x, val_y = torch.from_numpy(features[1600:]), torch.from_numpy(price[1600:])

model = torch.nn.Sequential(
    torch.nn.Linear(8, 64), torch.nn.GELU(), torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 1)
)
optim = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
loss_fn = torch.nn.MSELoss()
for epoch in range(15):
    x = torch.from_numpy(rng.permutation(train_x))
    y = torch.from_numpy(rng.permutation(train_y))
    for start in range(0, 1600, 40):
        prediction = model(x[start:start + 40])
        loss = loss_fn(prediction, y[start:start + 40])
        optim.zero_grad(set_to_none=True)
        loss.backward()
        optim.step()
    with torch.inference_mode():
        error = model(val_x) - val_y
        r2 = 1 - (error ** 2).sum() / ((val_y - val_y.mean()) ** 2).sum()
    print({"epoch": epoch, "r2": float(r2)})
