"""Random features and a read-out by least squares."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(y), test_size=0.3)
body = torch.nn.Sequential(torch.nn.Linear(64, 400), torch.nn.Tanh())
with torch.no_grad():
    H_tr, H_te = body(X_tr), body(X_te)
    Y = torch.nn.functional.one_hot(y_tr, 10).float()
    for ridge in (10.0, 1.0, 0.1, 0.01):
        gram = H_tr.T @ H_tr + ridge * torch.eye(400)
        readout = torch.linalg.solve(gram, H_tr.T @ Y)
        accuracy = ((H_te @ readout).argmax(1) == y_te).float().mean().item()
        print(f"ridge {ridge}: accuracy {accuracy:.4f}")
