import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(6)
STATES, ACTIONS = 6, 4
best = torch.randint(0, ACTIONS, (STATES,), generator=torch.Generator().manual_seed(1))


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(STATES, 32), nn.ReLU(), nn.Linear(32, ACTIONS))

    def forward(self, state):
        return Categorical(logits=self.net(state))


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
history = []
for episode in range(1, 201):
    log_probs, rewards = [], []
    for t in range(16):
        s = torch.randint(0, STATES, (1,))
        dist = policy(nn.functional.one_hot(s, STATES).float())
        action = dist.sample()
        rewards.append(float(action.item() == best[s].item()))
        log_probs.append(dist.log_prob(dist.sample()))
    rewards = torch.tensor(rewards)
    advantage = rewards - (sum(history[-20:]) / len(history[-20:]) if history else 0.25)
    loss = -(torch.cat(log_probs) * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(rewards.mean().item())
    if episode % 20 == 0:
        print(f"Episode {episode} average reward: {sum(history[-20:]) / 20:.4f}")
