import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
N, GOAL, LIMIT = 9, 8, 30


class Corridor:
    """Walk from the left end to the right end; each step costs."""

    def reset(self):
        self.at, self.t = 0, 0
        return self.seen()

    def seen(self):
        return nn.functional.one_hot(torch.tensor(self.at), N).float()

    def step(self, action):
        self.at = max(0, self.at + (1 if action == 1 else -1))
        self.t += 1
        done = self.at == GOAL or self.t == LIMIT
        return self.seen(), (1.0 if self.at == GOAL else -0.05), done


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(N, 32), nn.Tanh())
        self.actor, self.critic = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, s):
        h = self.shared(s)
        return Categorical(logits=self.actor(h)), self.critic(h).squeeze(-1)


GAMMA, ENTROPY = 0.98, 5.0
env, agent = Corridor(), ActorCritic()
optimizer = torch.optim.Adam(agent.parameters(), lr=5e-3)
history = []
for episode in range(1, 251):
    state, done = env.reset(), False
    logs, values, rewards, entropies = [], [], [], []
    while not done:
        policy, value = agent(state)
        action = policy.sample()
        logs.append(policy.log_prob(action))
        values.append(value)
        entropies.append(policy.entropy())
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    returns, total = [], 0.0
    for r in reversed(rewards):
        total = r + GAMMA * total
        returns.insert(0, total)
    returns, values = torch.tensor(returns), torch.stack(values)
    advantage = returns - values.detach()
    loss = -(torch.stack(logs) * advantage).sum() + 0.5 * ((values - returns) ** 2).sum() - ENTROPY * torch.stack(entropies).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(sum(rewards))
    if episode % 50 == 0:
        print(f"episode {episode} mean_return {sum(history[-50:]) / 50:.3f}")
