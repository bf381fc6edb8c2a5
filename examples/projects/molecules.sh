#!/bin/sh
# Hydra and Lightning, graphs with DataLoaders: SchNetPack (MIT) learns the energies of clusters of argon.
# Needs Python 3.12 for this version. Lines written: 0 (ten make the data).
set -e
here=$(cd "$(dirname "$0")" && pwd)
name=molecules
. "$here/fetch.sh"
install schnetpack==2.2.0
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1  # its checkpoints hold whole modules, which torch 2.6 and later would not load
test -f argon.db || "$PYTHON" -c '
import numpy, ase, ase.calculators.lj, schnetpack.data
rng, atoms, energies = numpy.random.default_rng(0), [], []
while len(atoms) < 400:
    one = ase.Atoms("Ar7", positions=rng.uniform(0, 5, (7, 3)), calculator=ase.calculators.lj.LennardJones(sigma=1.2))
    if one.get_all_distances()[~numpy.eye(7, dtype=bool)].min() > 1.1:
        atoms.append(one)
        energies.append({"energy": numpy.array([one.get_potential_energy()])})
kept = schnetpack.data.ASEAtomsData.create("argon.db", "Ang", {"energy": "eV"}, atomrefs={"energy": [0.0] * 100})
kept.add_systems(property_list=energies, atoms_list=atoms)
'
bin=$(dirname "$("$PYTHON" -c 'import sys; print(sys.executable)')")
PATH=$bin:$PATH
backtrack sweep --study "$study" --metric val_loss --mode min --runs "${RUNS:-48}" --seed-arg "+seed={seed}" \
    --factor lr=1e-5..1e-1:log --factor batch=5,20,80 --factor cutoff=1.5,5.0 --factor net=schnet,painn \
    --factor clipped=null,0.1 \
    --args "globals.lr={lr} data.batch_size={batch} globals.cutoff={cutoff} model/representation={net} \
trainer.gradient_clip_val={clipped}" \
    -- spktrain experiment=qm9_atomwise data=custom "data.datapath=$PWD/argon.db" globals.property=energy \
    data.num_train=300 data.num_val=100 data.num_test=0 data.num_workers=0 trainer.max_epochs=5 \
    print_config=false 'run.path={run}'
