// The last pass over a convolution: from the matrix product to images, and what follows at once.
//
//     product (O, columns)  ->  y (N, O, OH, OW)
//     y = min(max(scale · product + shift + shortcut, floor), ceiling)
//
// A matrix product of all images together leaves each channel as one long row, image after image.
// The row is cut into the images here, and as every number passes through a register anyway, scale,
// shift, shortcut and ReLU cost no traffic of their own.
//
// real      float or double
// index_t   numbers the columns of all images: unsigned int while that suffices

// A thread finds its pixel once, by a slow division, and then walks over several channels. Threads
// side by side own pixels side by side, in both arrays: their reads and writes fall together.
// The product may lie in the memory of y already (one image): each number is read before it is
// written, by the same thread.
extern "C" __global__ void finish(const real* product, real* y, const real* __restrict__ scale,
                                  const real* __restrict__ shift,
                                  const real* __restrict__ shortcut, bool has_scale, bool has_shift,
                                  bool has_shortcut, real floor, real ceiling, index_t start,
                                  index_t count, index_t pixels, int channels, index_t row_length) {
    index_t j = (index_t)blockIdx.x * blockDim.x + threadIdx.x;  // in the product, of `count`
    if (j >= count) return;
    index_t column = start + j;  // among those of all images
    long long image = column / pixels;
    index_t pixel = column % pixels;
    for (int o = blockIdx.y; o < channels; o += gridDim.y) {
        long long place = (image * channels + o) * pixels + pixel;
        real value = product[(long long)o * row_length + j];
        if (has_scale) value *= scale[o];
        if (has_shift) value += shift[o];
        if (has_shortcut) value += shortcut[place];
        if (value < floor) value = floor;  // written so that a NaN stays
        if (value > ceiling) value = ceiling;
        y[place] = value;
    }
}
