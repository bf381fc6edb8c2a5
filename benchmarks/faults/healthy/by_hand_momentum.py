"""No optimiser: momentum in plain tensors."""
import torch

torch.manual_seed(0)
X = torch.randn(1800, 8)
y = (X[:, :2].prod(1) + X[:, 2] > 0).long()
W = [(torch.randn(8, 48) * 0.3).requires_grad_(), torch.zeros(48, requires_grad=True), (torch.randn(48, 2) * 0.15).requires_grad_(), torch.zeros(2, requires_grad=True)]
V = [torch.zeros_like(w) for w in W]
for epoch in range(25):
    for b in torch.randperm(1400).split(50):
        out = torch.tanh(X[b] @ W[0] + W[1]) @ W[2] + W[3]
        loss = torch.nn.functional.cross_entropy(out, y[b])
        loss.backward()
        with torch.no_grad():
            for w, v in zip(W, V):
                v.mul_(0.9).add_(w.grad)
                w -= 0.1 * v
                w.grad.zero_()
    with torch.no_grad():
        out = torch.tanh(X[1400:] @ W[0] + W[1]) @ W[2] + W[3]
    print(f"epoch {epoch} loss {loss.item():.4f} acc {(out.argmax(1) == y[1400:]).float().mean().item():.4f}")
