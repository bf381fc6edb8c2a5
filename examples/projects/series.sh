#!/bin/sh
# DataLoaders of structured batches, a model that returns a named tuple: N-BEATS of pytorch-forecasting (MIT), whose script
# has its settings at its top. Lines written: 0 (two edits make it shorter).
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=series
. "$here/fetch.sh"
install pytorch-forecasting==1.8.0
source_of pytorch-forecasting 1.8.0 examples/nbeats.py
sed -i.bak -e 's/max_epochs=100/max_epochs=3/' -e 's/num_workers=2/num_workers=0/' nbeats.py
backtrack sweep nbeats.py --study "$study" --metric val_loss --mode min --runs "${RUNS:-48}" \
    --factor batch_size=16,128 --factor max_encoder_length=20,60 --intervene learning_rate --intervene optimiser
