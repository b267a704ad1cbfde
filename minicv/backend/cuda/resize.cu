// A matrix product along one axis, over those weights alone that are not 0.
//
// Interpolation looks at two old positions for a new one, and its transpose at a run of new ones for
// an old one. A product with the whole matrix would read all others as well, and where one of them
// is infinite or NaN, its weight of 0 would not help: 0 times infinity is NaN.
//
// real     float or double
// index_t  counts the results: unsigned int where that suffices

// y[m, i, r] = Σ_k weights[i, k] x[m, k, r], over k from start[i] to stop[i] - 1: (outer, length,
// inner) -> (outer, new_length, inner). A thread for each result.
extern "C" __global__ void resize_axis(const real* __restrict__ x, const real* __restrict__ weights,
                                       const int* __restrict__ start, const int* __restrict__ stop,
                                       real* __restrict__ y, index_t count, index_t length,
                                       index_t new_length, index_t inner) {
    index_t thread = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= count) return;
    index_t r = thread % inner, i = thread / inner % new_length, m = thread / inner / new_length;
    const real* here = x + m * length * inner + r;
    real sum = 0;
    for (int k = start[i]; k < stop[i]; k++) sum += weights[i * length + k] * here[k * inner];
    y[thread] = sum;
}
