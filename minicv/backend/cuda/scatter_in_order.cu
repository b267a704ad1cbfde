// Scattering in a fixed order: one thread adds up a sum, from the first value to the last.
//
// real        float or double
// position_t  of the positions on a map, int or long long
// CHUNK       threads of a block

// A block computes one map. It loops over all values of that map, CHUNK at a time. Of the values in
// a chunk that go to one position, the thread with the first value adds them all, in their order.
// So no two threads write to one place, and a barrier stands before the next chunk.
//
// values and positions (R, channels, per_map), maps (N, channels, size), filled with zeros.
// The regions of image n are regions[starts[n]] .. regions[starts[n + 1] - 1].
extern "C" __global__ void scatter_by_region(const real* __restrict__ values,
                                             const position_t* __restrict__ positions,
                                             const long long* __restrict__ regions,
                                             const long long* __restrict__ starts, real* maps,
                                             int channels, int per_map, long long size) {
    __shared__ position_t position[CHUNK];  // -1: none
    __shared__ real value[CHUNK];
    int image = blockIdx.x / channels, channel = blockIdx.x % channels, t = threadIdx.x;
    real* map = maps + blockIdx.x * size;
    long long first_region = starts[image];
    long long count = (starts[image + 1] - first_region) * per_map;

    for (long long start = 0; start < count; start += CHUNK) {
        position_t mine = -1;
        if (start + t < count) {
            long long number = (start + t) / per_map, m = start + t - number * per_map;
            long long from = (regions[first_region + number] * channels + channel) * per_map + m;
            mine = positions[from] < size ? positions[from] : -1;
            value[t] = values[from];
        }
        position[t] = mine;
        __syncthreads();

        bool first = mine >= 0;
        for (int u = 0; first && u < t; u++) first = position[u] != mine;
        if (first) {
            real sum = map[mine];
            for (int u = t; u < CHUNK; u++)
                if (position[u] == mine) sum += value[u];
            map[mine] = sum;
        }
        __syncthreads();
    }
}

// A thread computes one number of the result, as a sum over the rows that go there. The rows that
// go to row l are order[starts[l]] .. order[starts[l + 1] - 1], ascending. values (M, width), sums
// (length, width)
extern "C" __global__ void scatter_add(const real* __restrict__ values,
                                       const long long* __restrict__ order,
                                       const long long* __restrict__ starts,
                                       real* __restrict__ sums, long long count, int width) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    long long row = i / width, column = i - row * width;
    real sum = 0;
    for (long long m = starts[row]; m < starts[row + 1]; m++)
        sum += values[order[m] * width + column];
    sums[i] = sum;
}
