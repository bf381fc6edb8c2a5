import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)


class Corridor:
    """Walk right along nine cells; a step costs a little."""

    def __init__(self, n):
        self.n = n
        self.reset()

    def reset(self):
        self.place = torch.randint(0, 5, (self.n,))
        return self.observe()

    def observe(self):
        return nn.functional.one_hot(self.place, 9).float()

    def step(self, action):
        self.place = (self.place + 2 * action - 1).clamp(0, 8)
        done = self.place == 8
        reward = done.float() - 0.02
        self.place = torch.where(done, torch.randint(0, 5, (self.n,)), self.place)
        return self.observe(), reward, done


policy = nn.Sequential(nn.Linear(9, 32), nn.Tanh(), nn.Linear(32, 2))
value = nn.Sequential(nn.Linear(9, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=3e-3)
env, T = Corridor(16), 24
state = env.reset()
for iteration in range(40):
    states, actions, rewards, dones, logs = [], [], [], [], []
    for _ in range(T):
        with torch.no_grad():
            dist = Categorical(logits=policy(state))
            action = dist.sample()
        nxt, reward, done = env.step(action)
        states.append(state), actions.append(action), rewards.append(reward), dones.append(done)
        logs.append(dist.log_prob(action))
        state = nxt
    with torch.no_grad():
        ret, returns = value(state).squeeze(1), []
        for r, d in zip(reversed(rewards), reversed(dones)):
            ret = r + 0.95 * ret * (~d).float()
            returns.append(ret)
    returns = torch.stack(returns[::-1]).flatten()
    s, a, old = torch.stack(states).flatten(0, 1), torch.stack(actions).flatten(), torch.stack(logs).flatten()
    for _ in range(4):
        for i in torch.randperm(len(s)).split(96):
            dist = Categorical(logits=policy(s[i]))
            v = value(s[i]).squeeze(1)
            adv = returns[i] - v.detach()
            adv = (adv - adv.mean()) / (adv.std() + 1e-6)
            ratio = (dist.log_prob(a[i]) - old[i]).exp()
            surrogate = torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv)
            loss = -surrogate.mean() + 0.5 * (returns[i] - v).pow(2).mean() - 0.01 * dist.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(f"iteration {iteration} reward {torch.stack(rewards).mean().item():.4f}")
