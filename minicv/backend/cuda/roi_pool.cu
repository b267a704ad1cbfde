// RoIPool: the maximum of each bin of each region.
//
// A block works on one region, whose corners are computed once for all its threads. A thread
// computes one bin in CHANNELS channels: the place of the bin is the same in each, so it is
// computed once, and the loads from the channels need not wait for each other.
//
// real      float or double
// box_t     of the boxes, float or double
// corner_t  in which corners are rounded: double, so that a half is a half on every device
// CHANNELS  of a thread

// A corner on the image as a position of the map: floor(corner scale + 1/2), with the product
// rounded before the addition. Corners far outside are moved nearer, where the bins are the same:
// integers would overflow.
__device__ int rounded(corner_t corner, corner_t scale) {
    corner_t position = floor(__dmul_rn(corner, scale) + (corner_t)0.5);
    corner_t reach = 1 << 30;
    return (int)max(-reach, min(position, reach));
}

// The number of positions between two corners, both included.
__device__ long long length_of(int first, int last) {
    return max((long long)last - first + 1, 1LL);
}

// Where bin `number` of `bins` begins, counted from the first position: floor(number size / bins).
__device__ long long first_of_bin(int number, long long size, int bins) {
    if (max(size, (long long)bins) < (1 << 15)) return number * (int)size / bins;  // 32 bits: fast
    return number * size / bins;
}

// Where bin `number` ends, the position after its last: ceil((number + 1) size / bins).
__device__ long long end_of_bin(int number, long long size, int bins) {
    if (max(size, (long long)bins) < (1 << 15)) return ((number + 1) * (int)size + bins - 1) / bins;
    return ((number + 1) * size + bins - 1) / bins;
}

__device__ int on_map(long long position, int length) {
    return (int)max(0LL, min(position, (long long)length));
}

extern "C" __global__ void roi_pool(const real* __restrict__ x, const box_t* __restrict__ boxes,
                                    const long long* __restrict__ images,
                                    real* __restrict__ maxima, int* __restrict__ positions,
                                    corner_t scale, int channels, int h, int w, int ph, int pw,
                                    int blocks_of_region) {
    __shared__ int corners[4];
    int number = blockIdx.x / blocks_of_region, t = threadIdx.x;
    if (t < 4) corners[t] = rounded(boxes[4LL * number + t], scale);
    __syncthreads();
    int left = corners[0], top = corners[1];
    long long width = length_of(left, corners[2]), height = length_of(top, corners[3]);

    unsigned bins = ph * pw;
    unsigned thread = blockIdx.x % blocks_of_region * blockDim.x + t;
    int first_channel = thread / bins * CHANNELS;
    if (first_channel >= channels) return;
    int bin = thread % bins, row_bin = bin / pw, column_bin = bin % pw;
    int first_row = on_map(top + first_of_bin(row_bin, height, ph), h);
    int end_row = on_map(top + end_of_bin(row_bin, height, ph), h);
    int first_column = on_map(left + first_of_bin(column_bin, width, pw), w);
    int end_column = on_map(left + end_of_bin(column_bin, width, pw), w);

    int here = min(CHANNELS, channels - first_channel);
    long long size = (long long)h * w;
    const real* maps = x + (images[number] * channels + first_channel) * size;
    real best[CHANNELS];
    int at[CHANNELS];
#pragma unroll
    for (int c = 0; c < CHANNELS; c++) {
        best[c] = 0;
        at[c] = -1;
    }
    for (int row = first_row; row < end_row; row++) {
        for (int column = first_column; column < end_column; column++) {
            int position = row * w + column;
#pragma unroll
            for (int c = 0; c < CHANNELS; c++) {
                if (c >= here) continue;
                real value = maps[c * size + position];
                // The first of equal values stays. A NaN counts as larger than any number.
                bool larger = value > best[c] || (value != value && best[c] == best[c]);
                if (at[c] < 0 || larger) {
                    best[c] = value;
                    at[c] = position;
                }
            }
        }
    }
    long long output = ((long long)number * channels + first_channel) * bins + bin;
#pragma unroll
    for (int c = 0; c < CHANNELS; c++) {
        if (c >= here) continue;
        maxima[output + (long long)c * bins] = best[c];
        positions[output + (long long)c * bins] = at[c];
    }
}
