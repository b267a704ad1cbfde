#!/usr/bin/env bash
# Ten minutes on a GPU: everything that one wants to know of a card, in one folder.
#
#   bash benchmarks/gpu_first_run.sh [FOLDER]          # default: runs/gpu_first_run
#
# environment   card, driver, versions; without a usable GPU the script ends here
# suite         pytest -m gpu: every kernel compiled by NVRTC, loaded, run, held against the CPU's
# benchmark     python -m benchmarks gpu: beside PyTorch, and beside the card's limits
# trainings     four systems on the device, one of them on the host too; losses, metric, memory
# memcheck      compute-sanitizer: reads and writes beside arrays,
# racecheck     and threads that race for shared memory
#
# Each part has a time limit of its own and a .log in the folder; a part that fails ends no other.
# parts.txt says how each of them ended (124: its time was up) and how long it took.
#
# PYTHON names the interpreter (default .venv/bin/python), with CuPy and the extra "test"; with
# PyTorch as well the benchmark compares. PARTS chooses parts. Run it in the repository.

set -u -o pipefail
export PYTHON=${PYTHON:-.venv/bin/python} PYTHONUNBUFFERED=1
OUT=${1:-runs/gpu_first_run}
export OUT
PARTS=${PARTS:-environment suite benchmark trainings memcheck racecheck}
WORKERS=${WORKERS:-auto}
mkdir -p "$OUT"
: >"$OUT/parts.txt"

part() { # NAME SECONDS COMMAND...
    local name=$1 limit=$2 began=$SECONDS status=0
    shift 2
    [[ " $PARTS " == *" $name "* ]] || return 0
    timeout --kill-after=5 "$limit" "$@" >"$OUT/$name.log" 2>&1 || status=$?
    echo "$name: status $status, $((SECONDS - began)) of $limit s" | tee -a "$OUT/parts.txt"
    return "$status"
}

environment() {
    nvidia-smi || echo "there is no nvidia-smi"
    git log -1 --format='commit %H' || echo "no git"
    $PYTHON -m pip list | grep -iE '^(cupy|numpy|scipy|torch|nvidia|cuda|pytest)'
    $PYTHON -c 'from minicv.backend import gpu_status; ok, said = gpu_status(); print(said); exit(not ok)'
}

# Training and evaluation of SYSTEM on DEVICE, with the peaks of memory.
train() {
    local system=$1 device=$2 folder=$OUT/$1_$2
    shift 2
    $PYTHON -m benchmarks.gpu_peaks minicv train "$system" "$@" --data farmyard:24 --epochs 1 \
        --overwrite --device "$device" --out "$folder" &&
        $PYTHON -m minicv eval --weights "$folder/best.npz" --data farmyard:24 \
            --device "$device" --json "$folder/values.json"
    echo "$system on $device: status $?"
}

trainings() {
    train faster_rcnn cuda >"$OUT/train_faster_rcnn.log" 2>&1 &
    train fcn8s cuda >"$OUT/train_fcn8s.log" 2>&1 &
    train segnet cuda >"$OUT/train_segnet.log" 2>&1 &
    train spp_net cuda --proposals sliding_window >"$OUT/train_spp_net.log" 2>&1 &
    train faster_rcnn cpu >"$OUT/train_on_the_host.log" 2>&1 &
    wait
    grep -hE '^epoch|AP50 |mIoU |peak|status' "$OUT"/train_*.log
    ! grep -hE 'status [1-9]' "$OUT"/train_*.log
}

export -f environment train trainings
if ! part environment 60 bash -c environment; then
    tail -n 1 "$OUT/environment.log"
    echo "there is no GPU to run on; see $OUT/environment.log"
    exit 3
fi
part suite 140 $PYTHON -m pytest -m gpu -n "$WORKERS" -p no:cacheprovider --maxfail=80 --tb=short \
    -rfE --durations=10
part benchmark 240 $PYTHON -m benchmarks gpu --minutes 3.5
[[ " $PARTS " == *" benchmark "* ]] && cp benchmarks/results/gpu.json "$OUT/" 2>/dev/null
part trainings 90 bash -c trainings
for tool in memcheck racecheck; do
    part $tool 35 compute-sanitizer --tool $tool --error-exitcode 9 $PYTHON -m benchmarks.gpu_sanitize
done
echo "all of it is in $OUT"
