// Scattering with atomicAdd, and gathering: one thread for each value.
//
// Values that go to the same place are added in whatever order their threads run;
// scatter_in_order.cu has a fixed order.
//
// real        float or double
// index_t     counts the threads: unsigned int, whose divisions are fast, while that suffices
// position_t  of the positions on a map, int or long long

__device__ index_t thread_number() { return (index_t)blockIdx.x * blockDim.x + threadIdx.x; }

// Value m of channel c of region r is added to map c of the region's image. A position that is not
// on the map is ignored. That is -1, and any wrong position: to check them, the host would have to
// wait. values and positions (R, channels, per_map), maps (N, channels, size)
extern "C" __global__ void scatter_by_region(const real* __restrict__ values,
                                             const position_t* __restrict__ positions,
                                             const long long* __restrict__ images,
                                             real* __restrict__ maps, index_t count, int channels,
                                             int per_map, long long size) {
    index_t i = thread_number();
    if (i >= count) return;
    position_t position = positions[i];
    if (position < 0 || position >= size) return;
    index_t map = i / per_map, region = map / channels;
    int channel = map - region * channels;
    atomicAdd(&maps[(images[region] * channels + channel) * size + position], values[i]);
}

// maps (..., size), positions and values (..., per_map). The value off the map is zero.
extern "C" __global__ void gather_from_maps(const real* __restrict__ maps,
                                            const position_t* __restrict__ positions,
                                            real* __restrict__ values, index_t count, int per_map,
                                            long long size) {
    index_t i = thread_number();
    if (i >= count) return;
    position_t position = positions[i];
    bool on_map = position >= 0 && position < size;
    values[i] = on_map ? maps[(long long)(i / per_map) * size + position] : 0;
}

// values (M, width), index (M,), sums (length, width)
extern "C" __global__ void scatter_add(const real* __restrict__ values,
                                       const long long* __restrict__ index,
                                       real* __restrict__ sums, index_t count, int width) {
    index_t i = thread_number();
    if (i >= count) return;
    index_t row = i / width;
    atomicAdd(&sums[index[row] * width + (i - row * width)], values[i]);
}
