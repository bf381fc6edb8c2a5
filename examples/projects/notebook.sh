#!/bin/sh
# A notebook: GPyTorch's first example (MIT) of a Gaussian process. It has no options at all: what is tried is changed from
# outside. Lines written: 0.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=notebook
. "$here/fetch.sh"
install gpytorch==1.15.2 nbconvert ipython matplotlib
source_of gpytorch 1.15.2 examples/01_Exact_GPs/Simple_GP_Regression.ipynb
"$PYTHON" -m nbconvert --to script --stdout Simple_GP_Regression.ipynb | grep -v -e '^%' -e get_ipython > process.py
backtrack sweep process.py --study "$study" --metric loss --mode min --runs "${RUNS:-60}" \
    --intervene learning_rate --intervene optimiser --intervene clip_gradients
