// Depthwise convolution: every channel has one small kernel of its own (groups = C = O).
//
//     y[n, c, i, j]  =  Σ_{u, v}  weight[c, u, v] · x[n, c, i·SH - ph + u·DH, j·SW - pw + v·DW]
//
// There is nothing to sum over channels, so no matrix product helps, and a number of x is used only
// KH·KW times: most of the time goes into reading. Kernel size, stride and dilation are constants,
// so that the loops over them unroll and taps and sums stay in registers.
//
// real            float or double
// index_t         counts threads: unsigned int while that suffices
// KH, KW, SH, SW, DH, DW    kernel size, stride, dilation
// ROWS, THREADS   outputs of a thread forward; threads of a block in grad_weight

#define REACH ((ROWS - 1) * SH + (KH - 1) * DH + 1)  // rows of x that ROWS outputs look at

// A thread computes a strip of ROWS outputs, one below the other. It goes down the rows of x once,
// and adds each number that it reads to all outputs of the strip whose windows cover it.
// Neighbouring threads have neighbouring strips.
extern "C" __global__ void depthwise(const real* __restrict__ x, const real* __restrict__ weight,
                                     real* __restrict__ y, const real* __restrict__ scale,
                                     const real* __restrict__ shift,
                                     const real* __restrict__ shortcut, bool has_scale,
                                     bool has_shift, bool has_shortcut, real floor, real ceiling,
                                     index_t count, int channels, int h, int w, int oh, int ow,
                                     int strips, int ph, int pw) {
    index_t t = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= count) return;
    int column = t % ow, first = (int)(t / ow % strips) * ROWS;
    long long map = t / ow / strips;  // n·C + c
    int c = map % channels;
    real taps[KH * KW], sums[ROWS];
#pragma unroll
    for (int k = 0; k < KH * KW; k++) taps[k] = weight[c * KH * KW + k];
#pragma unroll
    for (int s = 0; s < ROWS; s++) sums[s] = 0;
#pragma unroll
    for (int r = 0; r < REACH; r++) {
        int row = first * SH - ph + r;
        bool row_inside = row >= 0 && row < h;
        const real* line = x + (map * h + row) * w;
#pragma unroll
        for (int v = 0; v < KW; v++) {
            int place = column * SW - pw + v * DW;
            real value = row_inside && place >= 0 && place < w ? line[place] : (real)0;
#pragma unroll
            for (int s = 0; s < ROWS; s++) {
                int offset = r - s * SH;  // from the top of the window of output s
                if (offset >= 0 && offset % DH == 0 && offset / DH < KH)
                    sums[s] += taps[offset / DH * KW + v] * value;
            }
        }
    }
#pragma unroll
    for (int s = 0; s < ROWS; s++) {
        if (first + s >= oh) break;
        long long place = (map * oh + first + s) * ow + column;
        real value = sums[s];
        if (has_scale) value *= scale[c];
        if (has_shift) value += shift[c];
        if (has_shortcut) value += shortcut[place];
        if (value < floor) value = floor;  // unlike max(), this keeps a NaN
        if (value > ceiling) value = ceiling;
        y[place] = value;
    }
}

// The window whose tap looks at a position, along one axis; -1 if there is none.
__device__ int window_of(int position, int tap, int stride, int padding, int dilation,
                         int windows) {
    int start = position + padding - tap * dilation;
    if (start < 0 || start % stride != 0) return -1;
    return start / stride < windows ? start / stride : -1;
}

// The gradient of x: a thread computes one pixel, as a sum over all windows that cover it.
extern "C" __global__ void depthwise_grad_input(const real* __restrict__ grad,
                                                const real* __restrict__ weight,
                                                real* __restrict__ grad_x, index_t count,
                                                int channels, int h, int w, int oh, int ow, int ph,
                                                int pw) {
    index_t t = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= count) return;
    int column = t % w, row = t / w % h;
    long long map = t / w / h;
    const real* taps = weight + map % channels * (KH * KW);
    real sum = 0;
#pragma unroll
    for (int u = 0; u < KH; u++) {
        int window_row = window_of(row, u, SH, ph, DH, oh);
        if (window_row < 0) continue;
#pragma unroll
        for (int v = 0; v < KW; v++) {
            int window_column = window_of(column, v, SW, pw, DW, ow);
            if (window_column >= 0)
                sum += taps[u * KW + v] * grad[(map * oh + window_row) * ow + window_column];
        }
    }
    grad_x[t] = sum;
}

// The gradient of the weight: a block computes one row u of a channel's kernel, as a sum over a
// share of the windows (there are gridDim.y shares, which are added afterwards). Each thread sums
// over every (gridDim.y THREADS)-th window; then the block adds up in shared memory, with half as
// many threads at every step. The order of all sums is fixed, so the result is the same every time.
extern "C" __global__ void depthwise_grad_weight(const real* __restrict__ grad,
                                                 const real* __restrict__ x,
                                                 real* __restrict__ shares, index_t windows,
                                                 int channels, int h, int w, int oh, int ow, int ph,
                                                 int pw) {
    __shared__ real tree[THREADS];
    int u = blockIdx.x % KH, c = blockIdx.x / KH, thread = threadIdx.x;
    real sums[KW];
#pragma unroll
    for (int v = 0; v < KW; v++) sums[v] = 0;
    for (index_t k = blockIdx.y * THREADS + thread; k < windows; k += gridDim.y * THREADS) {
        int j = k % ow, i = k / ow % oh;
        long long map = (long long)(k / ow / oh) * channels + c;
        int row = i * SH - ph + u * DH;
        if (row < 0 || row >= h) continue;
        real arriving = grad[(map * oh + i) * ow + j];
        const real* line = x + (map * h + row) * w;
#pragma unroll
        for (int v = 0; v < KW; v++) {
            int place = j * SW - pw + v * DW;
            if (place >= 0 && place < w) sums[v] += arriving * line[place];
        }
    }
    long long target = (((long long)blockIdx.y * channels + c) * KH + u) * KW;
#pragma unroll
    for (int v = 0; v < KW; v++) {
        tree[thread] = sums[v];
        __syncthreads();
        for (int half = THREADS / 2; half > 0; half /= 2) {
            if (thread < half) tree[thread] += tree[thread + half];
            __syncthreads();
        }
        if (thread == 0) shares[target + v] = tree[0];
    }
}
