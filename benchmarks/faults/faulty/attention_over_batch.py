"""GRU encoder and attention decoder that reverses digit strings."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LEN, BOS = 11, 7, 10


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)

    def forward(self, src):
        return self.rnn(self.emb(src))


class AttnDecoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.cell = nn.GRUCell(dim, dim)
        self.mix = nn.Linear(2 * dim, dim)
        self.out = nn.Linear(dim, VOCAB)

    def step(self, token, state, memory):
        state = self.cell(self.emb(token), state)
        scores = torch.bmm(memory, state.unsqueeze(2)).squeeze(2)
        weights = F.softmax(scores, dim=0)
        context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        mixed = torch.tanh(self.mix(torch.cat([state, context], dim=1)))
        return self.out(mixed), state


class Seq2Seq(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.encoder, self.decoder = Encoder(dim), AttnDecoder(dim)

    def forward(self, src, target=None):
        memory, last = self.encoder(src)
        state = torch.zeros_like(last[0])
        token = torch.full((len(src),), BOS)
        logits = []
        for t in range(LEN):
            out, state = self.decoder.step(token, state, memory)
            logits.append(out)
            token = target[:, t] if target is not None else out.argmax(1)
        return torch.stack(logits, 1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    data = torch.randint(0, 10, (2000, LEN))
    held = torch.randint(0, 10, (300, LEN))
    net = Seq2Seq()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        net.train()
        for batch in data[torch.randperm(len(data))].split(50):
            target = batch.flip(1)
            loss = F.cross_entropy(net(batch, target).reshape(-1, VOCAB), target.reshape(-1))
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
        net.eval()
        with torch.no_grad():
            accuracy = (net(held).argmax(2) == held.flip(1)).float().mean().item()
        print(f"epoch {epoch} loss {loss.item():.3f} token_accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
