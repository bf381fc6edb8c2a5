#!/bin/sh
# A word-level language model, run as a program: OpenNMT-py's trainer (MIT) on the glosses that come with Backtrack.
# Its package asks for an older torch; this recipe leaves that aside. Lines written: 5, of its own configuration.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=word_model
. "$here/fetch.sh"
install configargparse pyonmttok ctranslate2 pyahocorasick sacrebleu rapidfuzz tensorboard spacy fasttext-wheel six flask waitress
install --no-deps OpenNMT-py==3.5.1
"$PYTHON" -c '
import pathlib, importlib.resources, pyarrow.parquet
file = importlib.resources.files("backtrack.tasks") / "data" / "glosses.parquet"
lines = [text.lower() for text in pyarrow.parquet.read_table(file)["definition"].to_pylist()]
pathlib.Path("train.txt").write_text("\n".join(lines[:8000]))
pathlib.Path("valid.txt").write_text("\n".join(lines[8000:8500]))
'
cat > lm.yaml <<'YAML'
data:
  glosses: {path_src: train.txt, transforms: [filtertoolong], src_seq_length: 40}
  valid: {path_src: valid.txt, transforms: []}
model_task: lm
src_vocab: vocab.txt
share_vocab: true
YAML
bin=$(dirname "$("$PYTHON" -c 'import sys; print(sys.executable)')")
PATH=$bin:$PATH
test -f vocab.txt || onmt_build_vocab -config lm.yaml -save_data data -n_sample -1
backtrack sweep --study "$study" --metric val_perplexity --mode min --runs "${RUNS:-48}" --unit step --seed-arg "-seed {seed}" \
    --factor rate=1e-4..1e-1:log --factor optim=sgd,adam,adagrad --factor norm=0,1 --factor dropout=0,0.5 --factor batch=8,32 \
    --args "-learning_rate {rate} -optim {optim} -max_grad_norm {norm} -dropout {dropout} -batch_size {batch}" \
    -- onmt_train -config lm.yaml -save_model '{run}/model' -encoder_type transformer_lm -decoder_type transformer_lm \
    -layers 1 -heads 2 -hidden_size 64 -word_vec_size 64 -transformer_ff 128 -src_vocab_size 3000 -num_workers 0 \
    -batch_type sents -train_steps 200 -valid_steps 50 -report_every 50 -save_checkpoint_steps 10000
