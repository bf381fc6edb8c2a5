#!/bin/sh
# A plain argparse script: Opacus's character LSTM (Apache 2.0), without its privacy engine, tells men's, women's and
# family names apart. Lines written: 0.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=names
. "$here/fetch.sh"
install opacus==1.6.0 names==0.3.0
source_of opacus 1.6.0 examples/char-lstm-classification.py
"$PYTHON" -c '
import names, pathlib
pathlib.Path("data").mkdir(exist_ok=True)
for label, file in {"men": "male.first", "women": "female.first", "families": "all.last"}.items():
    lines = open(names.full_path("dist." + file)).read().splitlines()[:1200]
    pathlib.Path(f"data/{label}.txt").write_text("\n".join(line.split()[0].title() for line in lines))
'
backtrack sweep char-lstm-classification.py --study "$study" --metric accuracy --mode max --runs "${RUNS:-60}" \
    --factor learning_rate=0.01..10:log --factor mode=lstm,gru,rnn --factor hidden_size=16,64,128 \
    --factor bidirectional=false,true --factor n_layers=1,2 \
    -- --data-root "$PWD/data" --device cpu --disable-dp --epochs 3 --test-every 1 -b 50
