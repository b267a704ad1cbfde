// RoIAlign: the mean of bilinear samples in each bin of each region, and its gradient.
//
// Forward, a block works on one region, whose place on the map is computed once for all its
// threads. A thread computes one bin in CHANNELS channels: samples and their weights are the same
// in each, so they are computed once, and the loads from the channels need not wait for each other.
// The gradient comes in two forms. By atomics, the same threads add their gradient to the map. In
// order, a thread computes one position of the map as a sum, which is the same every time.
//
// real      float or double
// box_t     of the boxes, float or double
// corner_t  in which regions are cut into bins and samples: double, as on the CPU
// CHANNELS  of a thread
// TILE_WIDTH, TILE_HEIGHT  of the part of the map that a block computes in the gradient in order

#define TILE (TILE_WIDTH * TILE_HEIGHT)
#define DOWN 0
#define ALONG 1

struct Axis {  // of a region: DOWN the rows or ALONG the columns
    real start, bin;  // where it starts on the map, and the size of a bin; position i lies at i
    real share;       // of one sample in its bin: 1 / samples
    int samples;      // of each bin
};

// In corner_t, because the last digit decides how many samples a bin gets. Products are rounded by
// themselves.
__device__ Axis axis_of(const box_t* box, int direction, corner_t scale, bool aligned, int bins,
                        int sampling_ratio) {
    corner_t shift = (corner_t)0.5 * aligned;
    corner_t start = __dmul_rn(box[1 - direction], scale) - shift;
    corner_t size = __dmul_rn(box[3 - direction], scale) - shift - start;
    if (!aligned) size = max(size, (corner_t)1);  // an aligned region keeps its size, however small
    corner_t bin = size / bins;
    Axis axis;
    axis.start = (real)start;
    axis.bin = (real)bin;
    axis.samples = sampling_ratio;
    if (sampling_ratio <= 0)  // none where the size is 0, below, or NaN
        axis.samples = bin > 0 ? (int)min(ceil(bin), (corner_t)1e9) : 0;
    axis.share = (real)1 / max(axis.samples, 1);
    return axis;
}

__device__ real place_of(Axis axis, int bin, int sample) {
    return axis.start + (bin + (sample + (real)0.5) * axis.share) * axis.bin;
}

struct Neighbours {  // the two positions that a sample lies between, and their weights
    int low, high;
    real low_weight, high_weight;
};

// False if the sample lies more than one position outside of the map; nearer, it is at the edge.
__device__ bool neighbours_of(real place, int length, real share, Neighbours* two) {
    if (!(place >= -1 && place <= length)) return false;
    place = min(max(place, (real)0), (real)(length - 1));
    two->low = (int)place;
    real fraction = place - two->low;
    two->high = two->low + (fraction > 0);  // a neighbour with weight 0 is not read
    two->high_weight = share * fraction;
    two->low_weight = share - two->high_weight;
    return true;
}

struct Bin {  // of a region, in some channels: what a thread computes
    int number, row, column, first_channel, channels;
};

__device__ Bin bin_of_thread(int blocks_of_region, int channels, int ph, int pw) {
    unsigned thread = blockIdx.x % blocks_of_region * blockDim.x + threadIdx.x, bins = ph * pw;
    Bin bin;
    bin.number = thread % bins;
    bin.row = bin.number / pw;
    bin.column = bin.number % pw;
    bin.first_channel = thread / bins * CHANNELS;
    bin.channels = min(CHANNELS, channels - bin.first_channel);  // 0 or less if none are left
    return bin;
}

extern "C" __global__ void roi_align(const real* __restrict__ x, const box_t* __restrict__ boxes,
                                     const long long* __restrict__ images, real* __restrict__ y,
                                     corner_t scale, int sampling_ratio, bool aligned, int channels,
                                     int h, int w, int ph, int pw, int blocks_of_region) {
    __shared__ Axis axes[2];
    int number = blockIdx.x / blocks_of_region, t = threadIdx.x;
    if (t < 2)
        axes[t] = axis_of(boxes + 4LL * number, t, scale, aligned, t ? pw : ph, sampling_ratio);
    __syncthreads();

    Bin bin = bin_of_thread(blocks_of_region, channels, ph, pw);
    if (bin.channels <= 0) return;
    long long size = (long long)h * w, bins = ph * pw;
    const real* maps = x + (images[number] * channels + bin.first_channel) * size;

    real sum[CHANNELS] = {0};
    Axis down = axes[DOWN], along = axes[ALONG];
    for (int i = 0; i < down.samples; i++) {
        Neighbours row;
        if (!neighbours_of(place_of(down, bin.row, i), h, down.share, &row)) continue;
        for (int j = 0; j < along.samples; j++) {
            Neighbours column;
            if (!neighbours_of(place_of(along, bin.column, j), w, along.share, &column)) continue;
            const real* upper = maps + row.low * w;
            const real* lower = maps + row.high * w;
#pragma unroll
            for (int c = 0; c < CHANNELS; c++, upper += size, lower += size) {
                if (c >= bin.channels) continue;
                sum[c] += row.low_weight * (column.low_weight * upper[column.low] +
                                            column.high_weight * upper[column.high]) +
                          row.high_weight * (column.low_weight * lower[column.low] +
                                             column.high_weight * lower[column.high]);
            }
        }
    }
    real* out = y + ((long long)number * channels + bin.first_channel) * bins + bin.number;
#pragma unroll
    for (int c = 0; c < CHANNELS; c++)
        if (c < bin.channels) out[c * bins] = sum[c];
}

// As forward, but each sample adds the gradient of its bin to the four positions around it.
extern "C" __global__ void roi_align_backward(const real* __restrict__ grad,
                                              const box_t* __restrict__ boxes,
                                              const long long* __restrict__ images,
                                              real* __restrict__ grad_x, corner_t scale,
                                              int sampling_ratio, bool aligned, int channels, int h,
                                              int w, int ph, int pw, int blocks_of_region) {
    __shared__ Axis axes[2];
    int number = blockIdx.x / blocks_of_region, t = threadIdx.x;
    if (t < 2)
        axes[t] = axis_of(boxes + 4LL * number, t, scale, aligned, t ? pw : ph, sampling_ratio);
    __syncthreads();

    Bin bin = bin_of_thread(blocks_of_region, channels, ph, pw);
    if (bin.channels <= 0) return;
    long long size = (long long)h * w, bins = ph * pw;
    real* maps = grad_x + (images[number] * channels + bin.first_channel) * size;
    const real* in = grad + ((long long)number * channels + bin.first_channel) * bins + bin.number;
    real g[CHANNELS];
#pragma unroll
    for (int c = 0; c < CHANNELS; c++) g[c] = c < bin.channels ? in[c * bins] : 0;
    Axis down = axes[DOWN], along = axes[ALONG];
    for (int i = 0; i < down.samples; i++) {
        Neighbours row;
        if (!neighbours_of(place_of(down, bin.row, i), h, down.share, &row)) continue;
        for (int j = 0; j < along.samples; j++) {
            Neighbours column;
            if (!neighbours_of(place_of(along, bin.column, j), w, along.share, &column)) continue;
            bool two_rows = row.high > row.low, two_columns = column.high > column.low;
            real* upper = maps + row.low * w;
            real* lower = maps + row.high * w;
#pragma unroll
            for (int c = 0; c < CHANNELS; c++, upper += size, lower += size) {
                if (c >= bin.channels) continue;
                real above = g[c] * row.low_weight, below = g[c] * row.high_weight;
                atomicAdd(upper + column.low, above * column.low_weight);
                if (two_columns) atomicAdd(upper + column.high, above * column.high_weight);
                if (two_rows) atomicAdd(lower + column.low, below * column.low_weight);
                if (two_rows && two_columns)
                    atomicAdd(lower + column.high, below * column.high_weight);
            }
        }
    }
}

// The weight of a position in a bin, along one axis: the sum over the samples.
__device__ real weight_in_bin(Axis axis, int bin, int position, int length) {
    real weight = 0;
    for (int sample = 0; sample < axis.samples; sample++) {
        Neighbours two;
        if (!neighbours_of(place_of(axis, bin, sample), length, axis.share, &two)) continue;
        if (two.low == position) weight += two.low_weight;
        if (two.high == position && two.high > two.low) weight += two.high_weight;
    }
    return weight;
}

// The bins whose samples may touch a position: those that reach into position - 1 .. position + 1.
__device__ void bins_near(Axis axis, int position, int bins, int* first, int* last) {
    *first = 0;
    *last = bins - 1;
    if (axis.bin == 0) return;  // all bins lie at the same place
    real a = (position - 1 - axis.start) / axis.bin, b = (position + 1 - axis.start) / axis.bin;
    *first = (int)max((real)0, min(floor(min(a, b)), (real)bins));
    *last = (int)max((real)-1, min(floor(max(a, b)), (real)(bins - 1)));
}

// Whether a region may touch the positions first .. last.
__device__ bool reaches(Axis axis, int bins, int first, int last) {
    real end = axis.start + bins * axis.bin;
    real low = min(axis.start, end), high = max(axis.start, end);
    return axis.samples > 0 && low <= last + 1 && high >= first - 1;
}

// A block computes a tile of the map in CHANNELS channels, and each thread one position of the
// tile. TILE regions are treated at a time: first each thread checks whether one of them reaches
// the tile; then all threads loop over the regions that do, in order.
extern "C" __global__ void roi_align_backward_in_order(
    const real* __restrict__ grad, const box_t* __restrict__ boxes,
    const long long* __restrict__ images, real* __restrict__ grad_x, corner_t scale,
    int sampling_ratio, bool aligned, int count, int channels, int h, int w, int ph, int pw) {
    __shared__ Axis regions[TILE][2];
    __shared__ bool wanted[TILE];
    int tiles_along = (w + TILE_WIDTH - 1) / TILE_WIDTH, t = threadIdx.x;
    int tiles = tiles_along * ((h + TILE_HEIGHT - 1) / TILE_HEIGHT);
    int tile = blockIdx.x % tiles, groups = (channels + CHANNELS - 1) / CHANNELS;
    int first_channel = blockIdx.x / tiles % groups * CHANNELS, image = blockIdx.x / tiles / groups;
    int top = tile / tiles_along * TILE_HEIGHT, left = tile % tiles_along * TILE_WIDTH;
    int row = top + t / TILE_WIDTH, column = left + t % TILE_WIDTH;
    int here = min(CHANNELS, channels - first_channel), bins = ph * pw;

    real sum[CHANNELS] = {0};
    for (int start = 0; start < count; start += TILE) {
        int mine = start + t;
        wanted[t] = false;
        if (mine < count && images[mine] == image) {
            const box_t* box = boxes + 4LL * mine;
            regions[t][DOWN] = axis_of(box, DOWN, scale, aligned, ph, sampling_ratio);
            regions[t][ALONG] = axis_of(box, ALONG, scale, aligned, pw, sampling_ratio);
            wanted[t] = reaches(regions[t][DOWN], ph, top, top + TILE_HEIGHT - 1) &&
                        reaches(regions[t][ALONG], pw, left, left + TILE_WIDTH - 1);
        }
        __syncthreads();
        for (int u = 0; u < TILE; u++) {
            if (!wanted[u] || row >= h || column >= w) continue;
            Axis down = regions[u][DOWN], along = regions[u][ALONG];
            const real* in = grad + ((long long)(start + u) * channels + first_channel) * bins;
            int first_row, last_row, first_column, last_column;
            bins_near(down, row, ph, &first_row, &last_row);
            bins_near(along, column, pw, &first_column, &last_column);
            for (int i = first_row; i <= last_row; i++) {
                real row_weight = weight_in_bin(down, i, row, h);
                if (row_weight == 0) continue;
                for (int j = first_column; j <= last_column; j++) {
                    real weight = row_weight * weight_in_bin(along, j, column, w);
                    if (weight == 0) continue;
#pragma unroll
                    for (int c = 0; c < CHANNELS; c++)
                        if (c < here) sum[c] += weight * in[(long long)c * bins + i * pw + j];
                }
            }
        }
        __syncthreads();
    }
    if (row >= h || column >= w) return;
    long long size = (long long)h * w, position = (long long)row * w + column;
    real* maps = grad_x + ((long long)image * channels + first_channel) * size;
#pragma unroll
    for (int c = 0; c < CHANNELS; c++)
        if (c < here) maps[c * size + position] = sum[c];
}
