#!/bin/sh
# LightGBM: the example that comes with Ray Tune (Apache 2.0), as a black box. Lines written: 8, in boosted.py.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=boosted
. "$here/fetch.sh"
install lightgbm scikit-learn
cp "$here/boosted.py" .
backtrack sweep boosted.py --study "$study" --runs "${RUNS:-120}"
