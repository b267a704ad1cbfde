// Convolution as matrix products on the tensor cores, without columns in memory.
//
// A tensor core multiplies small matrices of TF32 numbers (float32 with a mantissa of 10 bits) and
// adds up in float32. One instruction of one warp, `mma`, makes 16 x 8 sums of 8 products each:
//
//     sums (16, 8)  +=  left (16, 8)  @  right (8, 8)
//
// All three lie in registers, spread over the 32 threads ("lanes") of the warp. Lane 4 g + t, with g
// from 0 to 7 and t from 0 to 3, holds
//
//     left, 4 numbers             right, 2 numbers        sums, 4 numbers
//           column t   t + 4          column g                column 2t  2t + 1
//     row g      [0]    [2]       row t    [0]            row g      [0]    [1]
//     row g + 8  [1]    [3]       row t+4  [1]            row g + 8  [2]    [3]
//
// So a column of `left` meets a row of `right` by their common number, 0 to 7, and nothing depends
// on which of the DEPTH columns and rows of a tile in shared memory gets which number. A lane takes
// columns 4t to 4t + 3 of the tile, which are neighbours, and calls them t and t + 4 of a first
// product, t and t + 4 of a second: one instruction then loads what two products need.
//
//                         tile in shared memory, DEPTH = 16 columns of left, rows of right
//     of lane (g, t):     4t              4t + 1          4t + 2          4t + 3
//     as column/row:      t, 1st product  t+4, 1st        t, 2nd product  t+4, 2nd
//
// A block of threads computes a tile of ROWS x COLUMNS sums, each of its warps WARP_ROWS x
// WARP_COLUMNS of them. It moves along the inner dimension in steps of DEPTH. What keeps tensor
// cores busy, which multiply ten times as fast as the other units:
//
// - Asynchronous copies (`cp.async`). A number goes from memory to shared memory through no
//   register, and its thread goes on at once. STAGES tiles are under way: while one is multiplied,
//   the next two arrive. A copy may also write zeros in place of what lies outside of the image.
// - Wide reads without bank conflicts. Shared memory delivers 32 neighbouring numbers at a time,
//   one from each of its 32 banks; eight lanes read four numbers each. Where they are not neighbours
//   by themselves, the tile is stored in another order ("swizzled"), see `swizzled`.
// - Large tiles. Each number that a warp reads from shared memory meets 64 others in registers.
//
// ROWS, COLUMNS             sums of a block
// WARP_ROWS, WARP_COLUMNS   sums of a warp; multiples of 32

#define DEPTH 16
#define STAGES 3  // with tiles of 128 x 128 all of the 48 KB that a block has everywhere
#define WARPS_ACROSS (COLUMNS / WARP_COLUMNS)
#define THREADS (32 * (ROWS / WARP_ROWS) * WARPS_ACROSS)
#define LEFTS (WARP_ROWS / 16)     // matrices `left` of a warp, and
#define RIGHTS (WARP_COLUMNS / 8)  // matrices `right`
#define STAGE (DEPTH * (ROWS + COLUMNS))
#define OUTSIDE (-(1 << 29))  // a position that is on no map, whatever is added to it

// Instructions that C++ has no name for. The emulator of the tests brings its own.
#ifndef TENSOR_CORES_ON_CPU
template <int BYTES>  // 4 or 16; only `present` of them are read, the others become zero
__device__ __forceinline__ void copy_async(float* shared, const float* memory, int present) {
#if __CUDA_ARCH__ >= 800
    unsigned int address = (unsigned int)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(memory),
                 "n"(BYTES), "r"(present)
                 : "memory");
#endif
}

// All copies of this thread since the last call are a group, even if there are none.
__device__ __forceinline__ void end_group_of_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int GROUPS>  // wait until at most so many groups of this thread are under way
__device__ __forceinline__ void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
#endif
}

// To the nearest TF32 number; of two that are equally near, the one farther from zero.
__device__ __forceinline__ float to_tf32(float value) {
    unsigned int bits = 0;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
#endif
    return __uint_as_float(bits);
}

// sums += left @ right; all lanes of a warp call it together.
__device__ __forceinline__ void mma(float (&sums)[4], const float (&left)[4],
                                    const float (&right)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(__float_as_uint(left[0])), "r"(__float_as_uint(left[1])),
          "r"(__float_as_uint(left[2])), "r"(__float_as_uint(left[3])),
          "r"(__float_as_uint(right[0])), "r"(__float_as_uint(right[1])));
#endif
}
#endif

struct alignas(16) Four {
    float value[4];
};

typedef float Sums[LEFTS][RIGHTS][4];

// Where a thread stands: its lane as (g, t), and the first sum of its warp within the tile.
struct Lane {
    int g, t, row, column;
};

__device__ __forceinline__ Lane lane_of(int thread) {
    int warp = thread / 32;
    return {thread % 32 / 4, thread % 4, warp / WARPS_ACROSS * WARP_ROWS,
            warp % WARPS_ACROSS * WARP_COLUMNS};
}

// The rows of a warp out of a tile [rows][DEPTH]. Lanes 0 to 7 read two whole rows, which are 32
// neighbouring numbers; so do the next eight.
template <bool ROUNDED>
__device__ __forceinline__ void read_left(float (&left)[2][LEFTS][4], const float* tile,
                                          Lane lane) {
    #pragma unroll
    for (int i = 0; i < LEFTS; i++) {
        const float* row = tile + (lane.row + 16 * i + lane.g) * DEPTH + 4 * lane.t;
        Four upper = *(const Four*)row, lower = *(const Four*)(row + 8 * DEPTH);
        #pragma unroll
        for (int n = 0; n < 4; n++) {
            float a = upper.value[n], b = lower.value[n];
            left[n / 2][i][n % 2 * 2] = ROUNDED ? a : to_tf32(a);
            left[n / 2][i][n % 2 * 2 + 1] = ROUNDED ? b : to_tf32(b);
        }
    }
}

// ------------------------------------------------------------------------------------------------
// Forward, and the gradient of the input
//
//     y (rows, columns)  =  weight (rows, channels * taps)  @  windows (channels * taps, columns)
//
// A column is a window, at one place of one image. The inner dimension goes through 16 channels
// under the first tap of the kernel, the same 16 under the second tap, and so on, and then through
// the next 16. So a step needs one look whether its pixel is inside, and of the 9 taps of a 3x3
// kernel 8 find their pixels in the L1 cache.

// The weight as the steps take it: packed[group][16 channels][tap][row][channel], rounded, and with
// zeros to fill up the channels and the rows. One thread for each number.
extern "C" __global__ void pack_weight(const float* __restrict__ weight, float* __restrict__ packed,
                                       unsigned int count, int rows, int padded_rows, int channels,
                                       int taps_y, int taps_x, int first_y, int first_x, int each_y,
                                       int each_x, int width, int of_row, int of_channel,
                                       int of_group) {
    unsigned int number = blockIdx.x * blockDim.x + threadIdx.x;
    if (number >= count) return;
    unsigned int rest = number / DEPTH;
    int row = rest % padded_rows;
    rest /= padded_rows;
    int x = first_x + rest % taps_x * each_x;
    rest /= taps_x;
    int y = first_y + rest % taps_y * each_y;
    rest /= taps_y;
    int chunks = (channels + DEPTH - 1) / DEPTH;
    int channel = rest % chunks * DEPTH + number % DEPTH;
    long long place = (long long)(rest / chunks) * of_group + (long long)row * of_row +
                      (long long)channel * of_channel + y * width + x;
    packed[number] = row < rows && channel < channels ? to_tf32(weight[place]) : 0;
}

// Where number (row, column) of a tile [DEPTH][COLUMNS] lies. Lanes g = 0 and 1 with t = 0 to 3 read
// four numbers each of columns 4g and of rows 4t + n: without the swizzle all four t would meet in
// the same banks. It moves row 4t + n by 8t columns; then the eight fill the 32 banks.
__device__ __forceinline__ int swizzled(int row, int column) {
    return row * COLUMNS + (column ^ (row / 4 * 8));
}

// Of 32 columns, lane g has 4g to 4g + 3, as column g of four matrices `right`.
__device__ __forceinline__ void multiply(Sums& sums, const float* stage, Lane lane) {
    float left[2][LEFTS][4];
    read_left<true>(left, stage, lane);
    #pragma unroll
    for (int part = 0; part < RIGHTS / 4; part++) {
        float numbers[4][4];
        #pragma unroll
        for (int n = 0; n < 4; n++) {
            int column = lane.column + 32 * part + 4 * lane.g;
            Four four = *(const Four*)(stage + ROWS * DEPTH + swizzled(4 * lane.t + n, column));
            #pragma unroll
            for (int j = 0; j < 4; j++) numbers[n][j] = to_tf32(four.value[j]);
        }
        #pragma unroll
        for (int product = 0; product < 2; product++)
            #pragma unroll
            for (int j = 0; j < 4; j++) {
                float right[2] = {numbers[2 * product][j], numbers[2 * product + 1][j]};
                #pragma unroll
                for (int i = 0; i < LEFTS; i++) mma(sums[i][4 * part + j], left[product][i], right);
            }
    }
}

struct Epilogue {  // of a sum: y = min(max(scale * sum + shift + shortcut, floor), ceiling)
    const float *scale, *shift, *shortcut;  // null where the step is left out
    float floor, ceiling;
};

struct Map {  // where the columns go in y: the pixels of a map, or every second of them, ...
    unsigned int windows, across;  // of an image, of a row
    int width, each_y, each_x, first_y, first_x;
    long long image, plane;  // numbers from an image to the next, from a channel to the next
};

// Column 2t of the matrices 4 part to 4 part + 3 stands for columns 8t to 8t + 3 of 32, and column
// 2t + 1 for the four after: a lane has eight neighbours, in two runs of four.
template <bool FOURS>  // four neighbours of y move in one instruction
__device__ void write(const Sums& sums, float* y, Epilogue epilogue, Map map, Lane lane,
                      int first_row, int rows, unsigned int first_column, unsigned int columns) {
    #pragma unroll
    for (int run = 0; run < 2 * (RIGHTS / 4); run++) {
        unsigned int start = first_column + lane.column + run / 2 * 32 + 8 * lane.t + run % 2 * 4;
        long long places[4];
        #pragma unroll
        for (int j = 0; j < (FOURS ? 1 : 4); j++) {
            unsigned int window = (start + j) % map.windows;
            places[j] = (start + j) / map.windows * map.image + blockIdx.z * rows * map.plane +
                        (int)(window / map.across * map.each_y + map.first_y) * map.width +
                        window % map.across * map.each_x + map.first_x;
        }
        #pragma unroll
        for (int i = 0; i < 2 * LEFTS; i++) {
            int row = first_row + lane.row + 8 * i + lane.g;
            if (row >= rows || start >= columns) continue;
            int channel = blockIdx.z * rows + row;
            float scale = epilogue.scale ? epilogue.scale[channel] : 1;
            float shift = epilogue.shift ? epilogue.shift[channel] : 0;
            Four result, added = {};
            if (FOURS && epilogue.shortcut)
                added = *(const Four*)(epilogue.shortcut + places[0] + row * map.plane);
            #pragma unroll
            for (int j = 0; j < 4; j++) {
                if (!FOURS && start + j >= columns) continue;
                if (!FOURS && epilogue.shortcut)
                    added.value[j] = epilogue.shortcut[places[j] + row * map.plane];
                float sum = sums[i / 2][run / 2 * 4 + j][i % 2 * 2 + run % 2];
                float value = sum * scale + shift + added.value[j];
                if (value < epilogue.floor) value = epilogue.floor;  // keeps a NaN
                if (value > epilogue.ceiling) value = epilogue.ceiling;
                result.value[j] = value;
                if (!FOURS) y[places[j] + row * map.plane] = value;
            }
            if (FOURS) *(Four*)(y + places[0] + row * map.plane) = result;
        }
    }
}

// x (N, groups * channels, H, W) -> y (N, groups * rows, YH, YW).
//
// `columns` windows lie on a grid, N times down x across of them. That at (i, j) has its tap (r, s)
// at the pixel (i step_y + origin_y + r tap_y, j step_x + origin_x + s tap_x) of x, and its sum goes
// to the pixel (i each_y + first_y, j each_x + first_x) of y.
// Blocks: (tiles, 1, groups), the tiles of the same columns one after the other.
extern "C" __global__ void __launch_bounds__(THREADS, 256 / THREADS)
    implicit_gemm_tf32(const float* __restrict__ x, const float* __restrict__ packed,
                       float* __restrict__ y, const float* __restrict__ scale,
                       const float* __restrict__ shift, const float* __restrict__ shortcut,
                       bool has_scale, bool has_shift, bool has_shortcut, float floor,
                       float ceiling, int rows, int padded_rows, unsigned int columns, int channels,
                       int h, int w, unsigned int down, unsigned int across, int taps_y, int taps_x,
                       int step_y, int step_x, int origin_y, int origin_x, int tap_y, int tap_x,
                       int yh, int yw, int each_y, int each_x, int first_y, int first_x) {
    alignas(16) __shared__ float stages[STAGES][STAGE];
    const int together = THREADS / COLUMNS;  // rows of a tile that the block copies at a time
    int thread = threadIdx.x, plane = h * w;
    unsigned int tiles_down = padded_rows / ROWS;
    int first_row = blockIdx.x % tiles_down * ROWS;
    unsigned int first_column = blockIdx.x / tiles_down * COLUMNS;
    int steps = (channels + DEPTH - 1) / DEPTH * taps_y * taps_x;

    // What the thread copies: one column of the windows, and fours of the weight.
    unsigned int column = first_column + thread % COLUMNS, window = column % (down * across);
    int channel = thread / COLUMNS;  // the next to copy, of the column's first tap
    const float* image = x + ((long long)(column / (down * across)) * gridDim.z + blockIdx.z) *
                                 channels * plane + (long long)channel * plane;
    int row_of_x = (int)(window / across) * step_y + origin_y;
    int column_of_x = (int)(window % across) * step_x + origin_x;
    if (column >= columns) row_of_x = OUTSIDE;
    int tap_r = 0, tap_s = 0;
    const float* weights =
        packed + ((long long)blockIdx.z * steps * padded_rows + first_row) * DEPTH + 4 * thread;

    auto fetch = [&](int stage) {
        float* tile = stages[stage];
        #pragma unroll
        for (int i = 0; i < ROWS * DEPTH / 4 / THREADS; i++)
            copy_async<16>(tile + 4 * (thread + i * THREADS), weights + 4 * i * THREADS, 16);
        weights += (long long)padded_rows * DEPTH;
        tile += ROWS * DEPTH;
        int r = row_of_x + tap_r * tap_y, s = column_of_x + tap_s * tap_x;
        bool inside = (unsigned int)r < h && (unsigned int)s < w;
        const float* pixel = inside ? image + r * w + s : x;
        int left = inside ? channels - channel : 0;
        #pragma unroll
        for (int i = 0; i < DEPTH / together; i++) {
            // swizzled(thread / COLUMNS + i * together, ...), of which most is known beforehand
            int place = i * together * COLUMNS +
                        (thread / COLUMNS * COLUMNS + (thread % COLUMNS ^ (i * together / 4 * 8)));
            copy_async<4>(tile + place, pixel, i * together < left ? 4 : 0);
            pixel += (long long)together * plane;
        }
        if (++tap_s < taps_x) return;
        tap_s = 0;
        if (++tap_r < taps_y) return;
        tap_r = 0;
        channel += DEPTH;
        image += (long long)DEPTH * plane;
    };

    Sums sums = {};
    Lane lane = lane_of(thread);
    for (int step = 0; step < STAGES - 1; step++) {
        if (step < steps) fetch(step);
        end_group_of_copies();
    }
    int stage = 0, next = STAGES - 1;
    for (int step = 0; step < steps; step++) {
        wait_for_copies<STAGES - 2>();  // of this thread, to the stage that comes now
        __syncthreads();  // of all threads; and all are done with the stage that is filled next
        if (step + STAGES - 1 < steps) fetch(next);
        end_group_of_copies();
        multiply(sums, stages[stage], lane);
        stage = stage + 1 < STAGES ? stage + 1 : 0;
        next = next + 1 < STAGES ? next + 1 : 0;
    }

    long long y_plane = (long long)yh * yw;
    Epilogue epilogue = {has_scale ? scale : 0, has_shift ? shift : 0, has_shortcut ? shortcut : 0,
                         floor, ceiling};
    Map map = {down * across, across, yw, each_y, each_x, first_y, first_x,
               y_plane * gridDim.z * rows, y_plane};
    bool aligned = ((unsigned long long)y | (unsigned long long)epilogue.shortcut) % 16 == 0;
    if (aligned && y_plane % 4 == 0 && down * across == y_plane)  // the windows are the pixels of y
        write<true>(sums, y, epilogue, map, lane, first_row, rows, first_column, columns);
    else
        write<false>(sums, y, epilogue, map, lane, first_row, rows, first_column, columns);
}

// ------------------------------------------------------------------------------------------------
// Gradient of the weight
//
//     dL/dweight (rows, channels of a tap)  =  dL/dy (rows, pixels)  @  x (channels, pixels)^T
//
// for each tap, with the pixels of x under that tap. The inner dimension is long and the result
// small, so the pixels are cut into parts, one for each blockIdx.y. Each part has sums of its own,
// and `add_parts` adds them in order: the same bits each time. Blocks that run at the same time have
// the same pixels, which then come from the L2 cache.

// `right` as a tile [COLUMNS][DEPTH]: neighbours in memory are pixels, as in `left`.
__device__ __forceinline__ void multiply_transposed(Sums& sums, const float* stage, Lane lane) {
    float left[2][LEFTS][4];
    read_left<false>(left, stage, lane);
    #pragma unroll
    for (int j = 0; j < RIGHTS; j++) {
        int column = ROWS + lane.column + 8 * j + lane.g;
        Four four = *(const Four*)(stage + column * DEPTH + 4 * lane.t);
        #pragma unroll
        for (int product = 0; product < 2; product++) {
            float right[2] = {to_tf32(four.value[2 * product]),
                              to_tf32(four.value[2 * product + 1])};
            #pragma unroll
            for (int i = 0; i < LEFTS; i++) mma(sums[i][j], left[product][i], right);
        }
    }
}

// grad (N, groups * rows, OH, OW), x (N, groups * channels, H, W) -> parts[part][group][tap][row]
// [channel]. Each part has `each` of the `count` = N OH OW pixels, a multiple of DEPTH.
// Blocks: (taps * tiles across * tiles down, parts, groups).
extern "C" __global__ void __launch_bounds__(THREADS, 256 / THREADS)
    grad_weight_tf32(const float* __restrict__ grad, const float* __restrict__ x,
                     float* __restrict__ parts, int rows, int channels, unsigned int count,
                     unsigned int each, int h, int w, int oh, int ow, int kh, int kw, int sh,
                     int sw, int ph, int pw, int dh, int dw) {
    alignas(16) __shared__ float stages[STAGES][STAGE];
    const int together = THREADS / DEPTH;  // rows of a tile that the block copies at a time
    int thread = threadIdx.x, plane = h * w, y_plane = oh * ow;
    int tiles_down = (rows + ROWS - 1) / ROWS, tiles_across = (channels + COLUMNS - 1) / COLUMNS;
    int first_row = blockIdx.x % tiles_down * ROWS;
    int first_column = blockIdx.x / tiles_down % tiles_across * COLUMNS;
    int tap = blockIdx.x / tiles_down / tiles_across;
    int tap_y = tap / kw * dh - ph, tap_x = tap % kw * dw - pw;

    // The thread's pixel of the next step; and of what a step copies, its first row and channel.
    unsigned int number = blockIdx.y * each + thread % DEPTH;
    unsigned int last = count - blockIdx.y * each < each ? count : (blockIdx.y + 1) * each;
    int steps = (last - blockIdx.y * each + DEPTH - 1) / DEPTH;
    long long image = number / y_plane;
    int i = number % y_plane / ow, j = number % ow;
    int row = first_row + thread / DEPTH, channel = first_column + thread / DEPTH;
    grad += (long long)(blockIdx.z * rows + row) * y_plane;
    x += (long long)(blockIdx.z * channels + channel) * plane;

    auto fetch = [&](int stage) {
        float* tile = stages[stage] + thread;
        int r = i * sh + tap_y, s = j * sw + tap_x;
        bool inside = (unsigned int)r < h && (unsigned int)s < w;
        const float* from = grad + image * gridDim.z * rows * y_plane + i * ow + j;
        int left = number < last ? rows - row : 0;
        #pragma unroll
        for (int k = 0; k < ROWS / together; k++) {
            copy_async<4>(tile + k * THREADS, from, k * together < left ? 4 : 0);
            from += (long long)together * y_plane;
        }
        tile += ROWS * DEPTH;
        from = x + image * gridDim.z * channels * plane + r * w + s;
        left = number < last && inside ? channels - channel : 0;
        #pragma unroll
        for (int k = 0; k < COLUMNS / together; k++) {
            copy_async<4>(tile + k * THREADS, from, k * together < left ? 4 : 0);
            from += (long long)together * plane;
        }
        number += DEPTH;
        for (j += DEPTH; j >= ow; j -= ow) i++;
        for (; i >= oh; i -= oh) image++;
    };

    Sums sums = {};
    Lane lane = lane_of(thread);
    for (int step = 0; step < STAGES - 1; step++) {
        if (step < steps) fetch(step);
        end_group_of_copies();
    }
    int stage = 0, next = STAGES - 1;
    for (int step = 0; step < steps; step++) {
        wait_for_copies<STAGES - 2>();
        __syncthreads();
        if (step + STAGES - 1 < steps) fetch(next);
        end_group_of_copies();
        multiply_transposed(sums, stages[stage], lane);
        stage = stage + 1 < STAGES ? stage + 1 : 0;
        next = next + 1 < STAGES ? next + 1 : 0;
    }

    parts += (((long long)blockIdx.y * gridDim.z + blockIdx.z) * kh * kw + tap) * rows * channels;
    #pragma unroll
    for (int a = 0; a < 2 * LEFTS; a++)
        #pragma unroll
        for (int b = 0; b < 2 * RIGHTS; b++) {
            int to_row = first_row + lane.row + 8 * a + lane.g;
            int to_channel = first_column + lane.column + b / 2 * 8 + 2 * lane.t + b % 2;
            if (to_row < rows && to_channel < channels)
                parts[(long long)to_row * channels + to_channel] =
                    sums[a / 2][b / 2][a % 2 * 2 + b % 2];
        }
}

// grad_weight[group][row][channel][tap], the sum of the parts. One thread for each number.
extern "C" __global__ void add_parts(const float* __restrict__ parts,
                                     float* __restrict__ grad_weight, unsigned int count,
                                     unsigned int rows, unsigned int channels, unsigned int taps,
                                     int number_of_parts) {
    unsigned int number = blockIdx.x * blockDim.x + threadIdx.x;
    if (number >= count) return;
    float sum = 0;
    for (int part = 0; part < number_of_parts; part++) sum += parts[(long long)part * count + number];
    unsigned int channel = number % channels, row = number / channels % rows;
    unsigned int tap = number / channels / rows % taps, group = number / channels / rows / taps;
    grad_weight[((long long)(group * rows + row) * channels + channel) * taps + tap] = sum;
}
