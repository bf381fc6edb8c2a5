import math

import torch

x = (torch.rand(60) * 6).double()
y = torch.sin(2 * x) + 0.1 * torch.randn(60).double()
x_new = torch.linspace(0, 6, 50).double()
y_new = torch.sin(2 * x_new)


class GaussianProcess(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.log_length = torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        self.log_scale = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))
        self.log_noise = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64))

    def kernel(self, a, b):
        d = (a[:, None] - b[None, :]) / self.log_length.exp()
        return self.log_scale.exp() * torch.exp(-0.5 * d**2)

    def factor(self):
        return torch.linalg.cholesky(self.kernel(x, x) + (self.log_noise.exp() + 1e-6) * torch.eye(len(x), dtype=torch.float64))

    def negative_log_likelihood(self):
        chol = self.factor()
        alpha = torch.cholesky_solve(y[:, None], chol)
        return 0.5 * (y @ alpha).squeeze() + chol.diagonal().log().sum() + 0.5 * len(x) * math.log(2 * math.pi)

    def predict(self, new):
        alpha = torch.cholesky_solve(y[:, None], self.factor())
        return (self.kernel(new, x) @ alpha).squeeze(1)


gp = GaussianProcess()
optimizer = torch.optim.Adam(gp.parameters(), lr=0.1)
for step in range(200):
    optimizer.zero_grad()
    nll = gp.negative_log_likelihood()
    nll.backward()
    optimizer.step()
    if step % 20 == 19:
        with torch.no_grad():
            rmse = (gp.predict(x_new) - y_new).pow(2).mean().sqrt()
        print(f"step {step + 1} nll {nll.item():.3f} rmse {rmse.item():.4f}")
