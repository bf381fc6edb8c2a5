import torch
import torch.nn as nn

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
x = torch.randn(2048, 16, device=device)
y = (x[:, :4].sum(1) > x[:, 4:8].prod(1)).float()[:, None]
model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 1)).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.BCEWithLogitsLoss()
static_x, static_y = x[:128].clone(), y[:128].clone()


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_fn(model(static_x), static_y)
    loss.backward()
    optimizer.step()
    return loss


if device == "cuda":
    s = torch.cuda.Stream()
    s.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(s):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(s)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        static_loss = step()
for epoch in range(10):
    for i in range(0, 1920, 128):
        static_x.copy_(x[i:i + 128])
        static_y.copy_(y[i:i + 128])
        if device == "cuda":
            graph.replay()
        else:
            step()
    with torch.no_grad():
        acc = ((model(x[1920:]) > 0).float() == y[1920:]).float().mean().item()
    print(f"epoch {epoch} accuracy {acc:.4f}")
