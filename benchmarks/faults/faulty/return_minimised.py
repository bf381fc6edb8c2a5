"""REINFORCE on a bandit with contexts."""
import torch
import torch.nn as nn

torch.manual_seed(0)
CONTEXTS, ARMS = 8, 4
best = torch.randint(0, ARMS, (CONTEXTS,))
policy = nn.Sequential(nn.Embedding(CONTEXTS, 16), nn.Tanh(), nn.Linear(16, ARMS))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
baseline = 0.0
for update in range(1, 301):
    context = torch.randint(0, CONTEXTS, (64,))
    dist = torch.distributions.Categorical(logits=policy(context))
    action = dist.sample()
    reward = (action == best[context]).float() + 0.1 * torch.randn(64)
    baseline = 0.9 * baseline + 0.1 * reward.mean().item()
    loss = (dist.log_prob(action) * (reward - baseline)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 30 == 0:
        print(f"update {update} loss {loss.item():.4f} mean_reward {reward.mean().item():.4f}")
