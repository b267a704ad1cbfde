// The transforms of Winograd's F(2x2, 3x3), around a matrix product for each of 16 points:
//
//     U = G w Gᵀ          (O, C, 3, 3)  ->  (16, O, C)
//     V = Bᵀ x B          (N, C, H, W)  ->  (16, C, tiles)
//     M = U @ V                              (16, O, tiles)
//     y = Aᵀ M A          (16, O, tiles)  ->  (N, O, OH, OW)
//
// A tile is a block of 2 x 2 outputs, and the 4 x 4 pixels under their windows. Tiles are numbered
// in reading order, image after image; a launch takes `tiles` of them from `first_tile` on.
//
// The weight has one thread for each pair of channels; images and results have one for each channel
// of each tile. A thread holds its 16 numbers in registers. Neighbouring threads have neighbouring
// tiles, so the numbers of a warp go to 16 runs of memory without gaps.
//
// real      float or double
// index_t   counts the threads: unsigned int, whose divisions are fast, while that suffices

__device__ index_t thread_number() { return (index_t)blockIdx.x * blockDim.x + threadIdx.x; }

struct Place {  // of the first output of a tile
    long long image;
    int row, column;
};

__device__ Place place_of(unsigned int tile, int oh, int ow) {
    int down = (oh + 1) / 2, across = (ow + 1) / 2;
    Place place;
    place.column = 2 * (tile % across);
    place.row = 2 * (tile / across % down);
    place.image = tile / across / down;
    return place;
}

// G of three numbers.
__device__ void transform_taps(const real* taps, int apart, real* points) {
    real ends = taps[0] + taps[2 * apart], middle = taps[apart];
    points[0] = taps[0];
    points[1] = (real)0.5 * (ends + middle);
    points[2] = (real)0.5 * (ends - middle);
    points[3] = taps[2 * apart];
}

// weight (count = O·C, 3, 3), u (16, count).
extern "C" __global__ void transform_weight(const real* __restrict__ weight, real* __restrict__ u,
                                            index_t count) {
    index_t i = thread_number();
    if (i >= count) return;
    real taps[9], columns[3][4], points[4];  // w, then (G w)ᵀ
    #pragma unroll
    for (int k = 0; k < 9; k++) taps[k] = weight[(long long)i * 9 + k];
    #pragma unroll
    for (int k = 0; k < 3; k++) transform_taps(taps + k, 3, columns[k]);
    #pragma unroll
    for (int k = 0; k < 4; k++) {
        transform_taps(&columns[0][k], 4, points);
        #pragma unroll
        for (int l = 0; l < 4; l++) u[(4 * k + l) * (long long)count + i] = points[l];
    }
}

// Bᵀ of four numbers, in their place.
__device__ void transform_pixels(real* pixels, int apart) {
    real second = pixels[apart], third = pixels[2 * apart];
    pixels[0] -= third;
    pixels[apart] = second + third;
    pixels[2 * apart] = third - second;
    pixels[3 * apart] = second - pixels[3 * apart];
}

// x (N, C, H, W), v (16, count = C·tiles).
extern "C" __global__ void transform_image(const real* __restrict__ x, real* __restrict__ v,
                                           index_t count, unsigned int tiles,
                                           unsigned int first_tile, int c, int h, int w, int oh,
                                           int ow, int ph, int pw) {
    index_t i = thread_number();
    if (i >= count) return;
    Place place = place_of(first_tile + i % tiles, oh, ow);
    int row = place.row - ph, column = place.column - pw;
    const real* map = x + (place.image * c + i / tiles) * h * w;
    real pixels[16];
    #pragma unroll
    for (int k = 0; k < 4; k++)
        #pragma unroll
        for (int l = 0; l < 4; l++) {
            bool inside = (unsigned int)(row + k) < h && (unsigned int)(column + l) < w;
            pixels[4 * k + l] = inside ? map[(long long)(row + k) * w + column + l] : (real)0;
        }
    #pragma unroll
    for (int k = 0; k < 4; k++) transform_pixels(pixels + k, 4);
    #pragma unroll
    for (int k = 0; k < 4; k++) transform_pixels(pixels + 4 * k, 1);
    #pragma unroll
    for (int k = 0; k < 16; k++) v[k * (long long)count + i] = pixels[k];
}

struct alignas(2 * sizeof(real)) Pair {  // moves in one instruction
    real left, right;
};

// m (16, count = O·tiles); shortcut and y (N, O, OH, OW).
// y = min(max(scale * Aᵀ M A + shift + shortcut, floor), ceiling)
extern "C" __global__ void transform_result(
    const real* __restrict__ m, real* __restrict__ y, const real* __restrict__ scale,
    const real* __restrict__ shift, const real* __restrict__ shortcut, bool has_scale,
    bool has_shift, bool has_shortcut, real floor, real ceiling, index_t count, unsigned int tiles,
    unsigned int first_tile, int o, int oh, int ow) {
    index_t i = thread_number();
    if (i >= count) return;
    int channel = i / tiles;
    Place tile = place_of(first_tile + i % tiles, oh, ow);
    real points[16], sums[2][4];
    #pragma unroll
    for (int k = 0; k < 16; k++) points[k] = m[k * (long long)count + i];
    #pragma unroll
    for (int l = 0; l < 4; l++) {
        real middle = points[4 + l], last = points[8 + l];
        sums[0][l] = points[l] + middle + last;
        sums[1][l] = middle - last - points[12 + l];
    }
    real factor = has_scale ? scale[channel] : (real)1;
    real term = has_shift ? shift[channel] : (real)0;
    #pragma unroll
    for (int k = 0; k < 2; k++) {
        if (tile.row + k >= oh) return;
        long long place = ((tile.image * o + channel) * oh + tile.row + k) * ow + tile.column;
        bool two = tile.column + 1 < ow;
        real values[2] = {sums[k][0] + sums[k][1] + sums[k][2],
                          sums[k][1] - sums[k][2] - sums[k][3]};
        #pragma unroll
        for (int l = 0; l < 2; l++) {
            values[l] = values[l] * factor + term;
            if (has_shortcut && (l == 0 || two)) values[l] += shortcut[place + l];
            if (values[l] < floor) values[l] = floor;  // unlike max(), this keeps a NaN
            if (values[l] > ceiling) values[l] = ceiling;
        }
        if (ow % 2 == 0) {
            *(Pair*)(y + place) = {values[0], values[1]};
        } else {
            y[place] = values[0];
            if (two) y[place + 1] = values[1];
        }
    }
}
