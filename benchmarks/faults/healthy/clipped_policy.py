"""Clipped policy optimisation on a small grid: walk to the goal."""
import argparse

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

SIZE, LIMIT = 5, 20
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


class Grid:
    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.at, self.goal = self.rng.integers(0, SIZE, 2), self.rng.integers(0, SIZE, 2)
        self.t = 0
        return self.seen()

    def seen(self):
        return np.concatenate([self.at, self.goal]).astype("float32") / (SIZE - 1)

    def step(self, action):
        self.at = np.clip(self.at + MOVES[action], 0, SIZE - 1)
        self.t += 1
        there = bool((self.at == self.goal).all())
        return self.seen(), 1.0 if there else -0.05, there or self.t >= LIMIT


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
        self.critic = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))

    def forward(self, obs):
        return Categorical(logits=self.actor(obs)), self.critic(obs).squeeze(-1)


def collect(env, agent, steps, gamma=0.95):
    obs, actions, logps, rewards, dones, values, returns = [], [], [], [], [], [], []
    state, total = env.reset(), 0.0
    for _ in range(steps):
        with torch.no_grad():
            dist, value = agent(torch.from_numpy(state))
            action = dist.sample()
        obs.append(state)
        actions.append(action)
        logps.append(dist.log_prob(action))
        values.append(value)
        state, reward, done = env.step(int(action))
        total += reward
        rewards.append(reward)
        dones.append(done)
        if done:
            returns.append(total)
            state, total = env.reset(), 0.0
    discounted, run = [], 0.0
    for reward, done in zip(reversed(rewards), reversed(dones)):
        run = reward + gamma * run * (1 - done)
        discounted.append(run)
    discounted.reverse()
    values = torch.stack(values)
    target = torch.tensor(discounted, dtype=torch.float32)
    advantage = target - values
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    return torch.tensor(np.array(obs)), torch.stack(actions), torch.stack(logps), target, advantage, np.mean(returns)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--iterations", type=int, default=25)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    env, agent = Grid(np.random.default_rng(args.seed)), Agent()
    opt = torch.optim.Adam(agent.parameters(), lr=args.lr)
    for it in range(args.iterations):
        obs, actions, old, target, advantage, mean = collect(env, agent, 512)
        for _ in range(4):
            for idx in torch.randperm(len(obs)).split(128):
                dist, value = agent(obs[idx])
                ratio = (dist.log_prob(actions[idx]) - old[idx]).exp()
                adv = advantage[idx]
                policy = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
                loss = policy + 0.5 * (value - target[idx]).pow(2).mean() - 0.01 * dist.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                opt.step()
        print(f"iteration {it} loss {loss.item():.3f} mean_return {mean:.3f}")


if __name__ == "__main__":
    main()
