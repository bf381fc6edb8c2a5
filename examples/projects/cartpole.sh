#!/bin/sh
# Reinforcement learning, counted in environment steps: CleanRL's PPO (MIT) balances a pole. Lines written: 0.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=cartpole
. "$here/fetch.sh"
install "gym==0.23.1" pygame tensorboard
source_of cleanrl 1.2.0 cleanrl/ppo.py
backtrack sweep ppo.py --study "$study" --metric episodic_return --mode max --runs "${RUNS:-80}" \
    --unit "environment step" --seed-arg --seed \
    --factor learning_rate=1e-5..1e-1:log --factor norm_adv=true,false --factor anneal_lr=true,false \
    --factor clip_coef=0.05,0.2,0.5 --factor gamma=0.8,0.99 --factor update_epochs=1,4,10 \
    -- --total-timesteps 15000
