// Max and sum pooling, and their gradients: one thread for each number of the result.
//
// Forward, a thread computes one window and loops over its taps. Backward, it computes one position
// of the map and loops over the windows that cover it, so no two threads add to one number.
//
// real      float or double
// index_t   counts the threads: unsigned int, whose divisions are fast, while that suffices
// switch_t  the unsigned type of a tap's number: unsigned char up to 256 taps

struct Place {  // of one window on its map, or of one position among the windows
    long long map;
    int row, column;
};

__device__ Place place_of(index_t index, int height, int width) {
    Place place;
    place.column = index % width;
    place.row = index / width % height;
    place.map = index / width / height;
    return place;
}

__device__ index_t thread_number() { return (index_t)blockIdx.x * blockDim.x + threadIdx.x; }

// The number of the tap with the largest value. A NaN counts as larger than any number, and the
// first of equal taps wins; -1 if all taps lie outside of the map.
__device__ int best_tap(const real* map, Place window, int h, int w, int kh, int kw, int sh, int sw,
                        int ph, int pw, int dh, int dw, real* best) {
    int tap = -1;
    for (int u = 0; u < kh; u++) {
        int row = window.row * sh - ph + u * dh;
        if (row < 0 || row >= h) continue;
        for (int v = 0; v < kw; v++) {
            int column = window.column * sw - pw + v * dw;
            if (column < 0 || column >= w) continue;
            real value = map[(long long)row * w + column];
            bool larger = value > *best || (value != value && *best == *best);
            if (tap < 0 || larger) {
                *best = value;
                tap = u * kw + v;
            }
        }
    }
    return tap;
}

extern "C" __global__ void max_pool2d(const real* __restrict__ x, real* __restrict__ maxima,
                                      switch_t* __restrict__ switches, index_t count, int h,
                                      int w, int oh, int ow, int kh, int kw, int sh, int sw,
                                      int ph, int pw, int dh, int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place window = place_of(i, oh, ow);
    real best = 0;
    int tap = best_tap(x + window.map * h * w, window, h, w, kh, kw, sh, sw, ph, pw, dh, dw, &best);
    maxima[i] = best;
    switches[i] = tap;
}

extern "C" __global__ void max_pool2d_maxima(const real* __restrict__ x, real* __restrict__ maxima,
                                             index_t count, int h, int w, int oh, int ow, int kh,
                                             int kw, int sh, int sw, int ph, int pw, int dh,
                                             int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place window = place_of(i, oh, ow);
    real best = 0;
    best_tap(x + window.map * h * w, window, h, w, kh, kw, sh, sw, ph, pw, dh, dw, &best);
    maxima[i] = best;
}

// From the tap that holds each maximum to its flat position on the map.
extern "C" __global__ void max_pool2d_indices(const switch_t* __restrict__ switches,
                                              long long* __restrict__ indices, index_t count,
                                              int w, int oh, int ow, int kw, int sh, int sw, int ph,
                                              int pw, int dh, int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place window = place_of(i, oh, ow);
    int u = switches[i] / kw, v = switches[i] % kw;
    int row = window.row * sh - ph + u * dh, column = window.column * sw - pw + v * dw;
    indices[i] = (long long)row * w + column;
}

// The window whose tap looks at a position, along one axis; -1 if there is none.
__device__ int window_of(int position, int tap, int stride, int padding, int dilation,
                         int windows) {
    int start = position + padding - tap * dilation;
    if (start < 0 || start % stride != 0) return -1;
    return start / stride < windows ? start / stride : -1;
}

extern "C" __global__ void max_pool2d_backward(const real* __restrict__ grad,
                                               const switch_t* __restrict__ switches,
                                               real* __restrict__ grad_x, index_t count, int h,
                                               int w, int oh, int ow, int kh, int kw, int sh,
                                               int sw, int ph, int pw, int dh, int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place place = place_of(i, h, w);
    real sum = 0;
    for (int u = kh - 1; u >= 0; u--) {  // from the last tap: windows in reading order
        int row = window_of(place.row, u, sh, ph, dh, oh);
        if (row < 0) continue;
        for (int v = kw - 1; v >= 0; v--) {
            int column = window_of(place.column, v, sw, pw, dw, ow);
            if (column < 0) continue;
            long long window = (place.map * oh + row) * ow + column;
            if (switches[window] == u * kw + v) sum += grad[window];
        }
    }
    grad_x[i] = sum;
}

extern "C" __global__ void sum_pool2d(const real* __restrict__ x, real* __restrict__ sums,
                                      index_t count, int h, int w, int oh, int ow, int kh, int kw,
                                      int sh, int sw, int ph, int pw, int dh, int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place window = place_of(i, oh, ow);
    const real* map = x + window.map * h * w;
    real sum = 0;
    for (int u = 0; u < kh; u++) {
        int row = window.row * sh - ph + u * dh;
        if (row < 0 || row >= h) continue;
        for (int v = 0; v < kw; v++) {
            int column = window.column * sw - pw + v * dw;
            if (column >= 0 && column < w) sum += map[(long long)row * w + column];
        }
    }
    sums[i] = sum;
}

extern "C" __global__ void sum_pool2d_backward(const real* __restrict__ grad,
                                               real* __restrict__ grad_x, index_t count, int h,
                                               int w, int oh, int ow, int kh, int kw, int sh,
                                               int sw, int ph, int pw, int dh, int dw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place place = place_of(i, h, w);
    real sum = 0;
    for (int u = kh - 1; u >= 0; u--) {
        int row = window_of(place.row, u, sh, ph, dh, oh);
        if (row < 0) continue;
        for (int v = kw - 1; v >= 0; v--) {
            int column = window_of(place.column, v, sw, pw, dw, ow);
            if (column >= 0) sum += grad[(place.map * oh + row) * ow + column];
        }
    }
    grad_x[i] = sum;
}
