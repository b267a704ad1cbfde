// Convolution as a matrix product whose second operand is never stored ("implicit GEMM"):
//
//     y (O, N·OH·OW)  =  weight (O, C·KH·KW)  times  columns (C·KH·KW, N·OH·OW)
//
// A column holds the pixels under one window. Each block of threads computes a tile of y, of ROWS x
// COLUMNS. It moves along the inner dimension in steps of DEPTH, and for each step fetches DEPTH
// columns of the weight and DEPTH rows of the columns: it reads from x what im2col would first have
// copied. What keeps the arithmetic units busy:
//
// - Tiles in shared memory. A number fetched from the device's memory serves a whole row or column
//   of the tile, 128 outputs in place of one.
// - Many outputs in each thread. With 8 x 8 of them in registers, 8 + 8 numbers from shared memory
//   serve 64 multiply-adds. With one output in each thread two numbers would serve one.
// - Two buffers. While one step is multiplied, the pixels of the next are loaded. They wait in
//   registers, and go to the other buffer after the multiplication: one barrier in each step.
// - No division for each pixel. The place of a window is computed once for each thread, and the
//   offset of a row of the columns (a `Tap`) once for each block.
// - Fours. Four neighbouring numbers move between registers and memory in one instruction.
//
// real            float or double
// index_t         numbers the pixels of x: unsigned int, or long long if there are too many
// ROWS, COLUMNS   of the tile of a block
// ROW_GROUPS, COLUMN_GROUPS   a thread computes so many groups of four rows by four columns

#define DEPTH 8  // 8 neighbours in a row of the weight are 32 bytes, the least that memory delivers
#define THREAD_ROWS (4 * ROW_GROUPS)
#define THREAD_COLUMNS (4 * COLUMN_GROUPS)
#define THREADS_ACROSS (COLUMNS / THREAD_COLUMNS)
#define THREADS (ROWS / THREAD_ROWS * THREADS_ACROSS)
#define WEIGHTS_EACH (ROWS * DEPTH / THREADS)  // fetched by a thread in a step
#define PIXELS_EACH (COLUMNS * DEPTH / THREADS)
#define TAPS 256              // that are computed together
#define OUTSIDE (-(1 << 29))  // a position that is on no map, whatever is added to it

// Rows of a thread are four of each group of rows in the tile, and likewise its columns.
#define ROW_OF(i) (i / 4 * (ROWS / ROW_GROUPS) + i % 4)
#define COLUMN_OF(j) (j / 4 * (COLUMNS / COLUMN_GROUPS) + j % 4)

struct alignas(16) Tap {  // a row of the columns: one pixel of every window, on one channel
    int offset;           // from the window's first pixel, in memory
    int row, column;      // from the window's first pixel, on the map
};

__device__ Tap tap_of(unsigned int number, unsigned int length, int h, int w, int kh, int kw,
                      int dh, int dw) {
    Tap tap;
    int channel = number / (kh * kw), rest = number % (kh * kw);
    tap.row = rest / kw * dh;
    tap.column = rest % kw * dw;
    tap.offset = (channel * h + tap.row) * w + tap.column;
    if (number >= length) tap.row = OUTSIDE;
    return tap;
}

struct Epilogue {  // of a sum: y = min(max(scale * sum + shift + shortcut, floor), ceiling)
    const real *scale, *shift, *shortcut;  // null where the step is left out
    real floor, ceiling;
};

// What each output channel of a thread has in `array`, or `otherwise` without an array.
__device__ void read_channels(real (&values)[THREAD_ROWS], const real* array, real otherwise,
                              int first_row, int rows) {
    #pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++) {
        int row = first_row + ROW_OF(i);
        values[i] = array && row < rows ? array[blockIdx.z * rows + row] : otherwise;
    }
}

// COUNT neighbours, which move in one instruction; COUNT is 1 where y is not aligned for four.
template <int COUNT>
struct alignas(COUNT == 4 ? 16 : sizeof(real)) Run {
    real value[COUNT];
};

// Write the sums of a thread to y, after the epilogue.
template <int COUNT>
__device__ void write(const real (&sums)[THREAD_ROWS][THREAD_COLUMNS], real* y, Epilogue epilogue,
                      int first_row, unsigned int first_column, int rows, unsigned int columns,
                      unsigned int pixels) {
    long long starts[THREAD_COLUMNS / COUNT];  // in y, of the columns on channel 0
    #pragma unroll
    for (int j = 0; j < THREAD_COLUMNS; j += COUNT) {
        unsigned int column = first_column + COLUMN_OF(j);
        long long image = column / pixels;
        starts[j / COUNT] = image * gridDim.z * rows * pixels + column % pixels;
        if (column >= columns) starts[j / COUNT] = -1;
    }
    real scale[THREAD_ROWS], shift[THREAD_ROWS];
    read_channels(scale, epilogue.scale, 1, first_row, rows);
    read_channels(shift, epilogue.shift, 0, first_row, rows);
    #pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++) {
        int row = first_row + ROW_OF(i);
        if (row >= rows) return;
        #pragma unroll
        for (int j = 0; j < THREAD_COLUMNS; j += COUNT) {
            if (starts[j / COUNT] < 0) continue;
            long long place = starts[j / COUNT] + (long long)(blockIdx.z * rows + row) * pixels;
            Run<COUNT> added = {}, result;
            if (epilogue.shortcut) added = *(const Run<COUNT>*)(epilogue.shortcut + place);
            #pragma unroll
            for (int k = 0; k < COUNT; k++) {
                real value = sums[i][j + k] * scale[i] + shift[i] + added.value[k];
                if (value < epilogue.floor) value = epilogue.floor;  // keeps a NaN
                if (value > epilogue.ceiling) value = epilogue.ceiling;
                result.value[k] = value;
            }
            *(Run<COUNT>*)(y + place) = result;
        }
    }
}

// x (N, groups·C, H, W), weight (groups·rows, length) with length = C·KH·KW, and shortcut and
// y (N, groups·rows, OH, OW) with `columns` = N·OH·OW. Blocks: (tiles across, tiles down, groups).
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS)
    implicit_gemm(const real* __restrict__ x, const real* __restrict__ weight,
                  real* __restrict__ y, const real* __restrict__ scale,
                  const real* __restrict__ shift, const real* __restrict__ shortcut,
                  bool has_scale, bool has_shift, bool has_shortcut, real floor, real ceiling,
                  int rows, unsigned int length, unsigned int columns, int image_size,
                  int group_size, int h, int w, int oh, int ow, int kh, int kw, int sh, int sw,
                  int ph, int pw, int dh, int dw) {
    // Four more than ROWS: then the 32 threads of a warp, which write 4 rows of 8 weights, use 32
    // different banks of shared memory.
    alignas(16) __shared__ real weights[2][DEPTH][ROWS + 4];
    alignas(16) __shared__ real pixels[2][DEPTH * COLUMNS];
    __shared__ Tap taps[TAPS];
    int thread = threadIdx.x;
    int tile_row = blockIdx.y * ROWS;
    unsigned int tile_column = blockIdx.x * COLUMNS;

    // What this thread fetches of the weight: one place of every step, in several rows.
    int weight_row = thread / DEPTH, weight_place = thread % DEPTH;
    weight += ((long long)blockIdx.z * rows + tile_row + weight_row) * length + weight_place;
    int rows_left = rows - tile_row - weight_row;

    // What it fetches of the columns: one column, in every step at several taps.
    unsigned int window = tile_column + thread % COLUMNS, image = window / (oh * ow);
    int pixel = window % (oh * ow), row = pixel / ow * sh - ph, column = pixel % ow * sw - pw;
    index_t start = (index_t)image * image_size + (index_t)blockIdx.z * group_size +
                    (index_t)row * w + column;
    if (window >= columns) row = OUTSIDE;

    // Its outputs. A warp is 4 x 8 threads: it reads 4 different fours of the weights and 8 of the
    // pixels, each delivered at once to all threads that read it.
    int warp = thread / 32, lane = thread % 32;
    int first_row = 4 * (warp / (THREADS_ACROSS / 8) * 4 + lane / 8);  // in the tile
    int first_column = 4 * (warp % (THREADS_ACROSS / 8) * 8 + lane % 8);
    real sums[THREAD_ROWS][THREAD_COLUMNS] = {};

    for (unsigned int step = 0; step < length + DEPTH; step += DEPTH) {
        int buffer = step / DEPTH % 2;  // the one to fill; the other one is multiplied
        bool fetching = step < length;
        real fetched_weights[WEIGHTS_EACH], fetched_pixels[PIXELS_EACH];
        if (fetching) {
            if (step % TAPS == 0) {
                for (int i = thread; i < TAPS; i += THREADS)
                    taps[i] = tap_of(step + i, length, h, w, kh, kw, dh, dw);
                __syncthreads();
            }
            #pragma unroll
            for (int i = 0; i < WEIGHTS_EACH; i++) {
                int down = i * (THREADS / DEPTH);
                bool inside = down < rows_left && step + weight_place < length;
                fetched_weights[i] = inside ? weight[(long long)down * length] : (real)0;
            }
            weight += DEPTH;
            #pragma unroll
            for (int i = 0; i < PIXELS_EACH; i++) {
                Tap tap = taps[step % TAPS + thread / COLUMNS + i * (THREADS / COLUMNS)];
                bool inside = (unsigned int)(row + tap.row) < h &&
                              (unsigned int)(column + tap.column) < w;
                fetched_pixels[i] = inside ? x[start + tap.offset] : (real)0;
            }
        }
        if (step > 0) {
            #pragma unroll
            for (int k = 0; k < DEPTH; k++) {
                real a[THREAD_ROWS], b[THREAD_COLUMNS];
                #pragma unroll
                for (int i = 0; i < THREAD_ROWS; i++)
                    a[i] = weights[1 - buffer][k][first_row + ROW_OF(i)];
                #pragma unroll
                for (int j = 0; j < THREAD_COLUMNS; j++)
                    b[j] = pixels[1 - buffer][k * COLUMNS + first_column + COLUMN_OF(j)];
                #pragma unroll
                for (int i = 0; i < THREAD_ROWS; i++)
                    #pragma unroll
                    for (int j = 0; j < THREAD_COLUMNS; j++) sums[i][j] += a[i] * b[j];
            }
        }
        if (fetching) {
            #pragma unroll
            for (int i = 0; i < WEIGHTS_EACH; i++)
                weights[buffer][weight_place][weight_row + i * (THREADS / DEPTH)] =
                    fetched_weights[i];
            #pragma unroll
            for (int i = 0; i < PIXELS_EACH; i++)
                pixels[buffer][thread + i * THREADS] = fetched_pixels[i];
        }
        __syncthreads();
    }

    Epilogue epilogue = {has_scale ? scale : 0, has_shift ? shift : 0, has_shortcut ? shortcut : 0,
                     floor, ceiling};
    bool aligned = ((unsigned long long)y | (unsigned long long)epilogue.shortcut) % 16 == 0;
    first_row += tile_row;
    if (aligned && oh * ow % 4 == 0)  // then four neighbouring columns are of one image
        write<4>(sums, y, epilogue, first_row, tile_column + first_column, rows, columns, oh * ow);
    else
        write<1>(sums, y, epilogue, first_row, tile_column + first_column, rows, columns, oh * ow);
}
