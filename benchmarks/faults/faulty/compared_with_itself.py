"""Autoencoder for the 8x8 digits."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AutoEncoder(nn.Module):
    def __init__(self, hidden=48, code=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ELU(), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.ELU(), nn.Linear(code, hidden), nn.ELU(), nn.Linear(hidden, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main(epochs=15):
    torch.manual_seed(11)
    pixels = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    train, test = pixels[:1500], pixels[1500:]
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    ae = AutoEncoder()
    opt = torch.optim.Adam(ae.parameters(), lr=2e-3)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for (batch,) in loader:
            output = ae(batch)
            batch = output.view(-1, 64)
            loss = F.mse_loss(output, batch)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        with torch.no_grad():
            error = F.mse_loss(ae(test), test).item()
        print(f"epoch {epoch}: train {total / len(loader):.5f}, reconstruction_error {error:.5f}")


if __name__ == "__main__":
    main()
