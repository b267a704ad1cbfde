// Softmax and cross entropy of (N, K, P) logits: N samples of P pixels, K scores at each pixel.
//
// With many pixels a thread takes one of them and loops over its K scores: neighbouring threads
// have neighbouring pixels, and each step of the loop reads memory without gaps. With P = 1 and
// many classes there would be few threads with long loops, far apart in memory; there LANES
// threads, a whole block, share one sample, and each takes every LANES-th class.
//
// The first loop finds the largest score, the second the sum of the exponentials, the third writes
// the softmax. The scores of a pixel are in the cache after the first loop.
//
// real     float or double
// label_t  the integer type of the labels
// LANES    threads for one pixel: 1, or all THREADS of a block
// THREADS  of a block

#define ROOT 16  // of THREADS

// Which pixel a thread works for, numbered n P + p, and where its scores start in (N, K, P).
__device__ long long pixel_of_thread() {
    return (long long)blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES;
}

__device__ int lane() { return threadIdx.x % LANES; }

__device__ long long first_score(long long pixel, int classes, int pixels) {
    unsigned int sample = (unsigned int)pixel / (unsigned int)pixels;
    return ((long long)sample * (classes - 1)) * pixels + pixel;  // (n K) P + p
}

// Every lane of a pixel gets the largest number of all its lanes, or their sum: first 16 lanes
// combine 16 columns, then every lane combines the 16 results. A single lane has the result
// already.
__device__ real over_lanes(real value, bool largest) {
    if (LANES == 1) return value;
    __shared__ real values[LANES], columns[ROOT];
    values[lane()] = value;
    __syncthreads();
    if (lane() < ROOT) {
        real result = values[lane()];
        for (int i = lane() + ROOT; i < LANES; i += ROOT)
            result = largest ? max(result, values[i]) : result + values[i];
        columns[lane()] = result;
    }
    __syncthreads();
    real result = columns[0];
    for (int i = 1; i < ROOT; i++)
        result = largest ? max(result, columns[i]) : result + columns[i];
    return result;
}

// A score minus the largest. Several scores of infinity are equal; minus infinity alone gives NaN.
__device__ real below(real score, real largest) {
    return score == largest && largest > 0 ? 0 : score - largest;
}

// losses and factor (N, P), softmax (N, K, P). A label that is no class gives a loss of NaN and
// the factor 1: nothing outside of the arrays is read, and the host need not wait for an error.
// Where the factor is 0 the softmax has 0 in place of NaN, so that the gradient is 0.
extern "C" __global__ void softmax_cross_entropy_forward(
    const real* __restrict__ logits, const label_t* __restrict__ labels,
    const real* __restrict__ weight, real* __restrict__ losses, real* __restrict__ factor,
    real* __restrict__ softmax, int count, int classes, int pixels, long long ignore_index) {
    long long pixel = pixel_of_thread();
    if (pixel >= count) return;
    long long first = first_score(pixel, classes, pixels);

    real largest = logits[first];
    for (int k = lane(); k < classes; k += LANES)
        largest = max(largest, logits[first + (long long)k * pixels]);
    largest = over_lanes(largest, true);
    real total = 0;
    for (int k = lane(); k < classes; k += LANES)
        total += exp(below(logits[first + (long long)k * pixels], largest));
    total = over_lanes(total, false);
    long long label = labels[pixel];
    bool counted = label != ignore_index;
    if (!counted) label = 0;
    bool is_class = label >= 0 && label < classes;
    real share = !counted ? 0 : is_class ? weight[label] : 1;
    bool spoiled = share == 0 && total != total;  // NaN that does not count
    for (int k = lane(); k < classes; k += LANES) {
        long long at = first + (long long)k * pixels;
        softmax[at] = spoiled ? 0 : exp(below(logits[at], largest)) / total;
    }
    if (lane() != 0) return;
    real at_label = is_class ? logits[first + label * pixels] : (real)__int_as_float(0x7fc00000);
    losses[pixel] = log(total) - below(at_label, largest);
    factor[pixel] = share;
}

// grad (softmax - 1 at the label), where grad (N, P) is 0 for a pixel that does not count. Where it
// is 0 so is the result, even if the softmax is NaN.
extern "C" __global__ void softmax_cross_entropy_backward(
    const real* __restrict__ grad, const real* __restrict__ softmax,
    const label_t* __restrict__ labels, real* __restrict__ grad_logits, int count, int classes,
    int pixels) {
    long long pixel = pixel_of_thread();
    if (pixel >= count) return;
    long long first = first_score(pixel, classes, pixels);
    long long label = labels[pixel];
    real g = grad[pixel];
    for (int k = lane(); k < classes; k += LANES) {
        long long at = first + (long long)k * pixels;
        grad_logits[at] = g == 0 ? 0 : g * (softmax[at] - (real)(k == label));
    }
}
