#!/bin/sh
# A GAN with two optimisers: CTGAN (Business Source Licence), a library, called from a black box. Lines written: 10, in gan.py.
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=gan
. "$here/fetch.sh"
install ctgan==0.12.1
cp "$here/gan.py" .
backtrack sweep gan.py --study "$study" --runs "${RUNS:-64}"
