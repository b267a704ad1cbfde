// The last pass of a convolution: from the matrix product to images, with the epilogue.
//
//     product (O, columns) or (N, O, OH OW)  ->  y (N, O, OH, OW)
//     y = min(max(scale · product + shift + shortcut, floor), ceiling)
//
// A matrix product of all images together gives each channel as one long row, image after image.
// Here the row is cut into the images, and since every number passes through a register anyway,
// scale, shift, shortcut and ReLU cost no memory traffic of their own. Products that were made image
// by image lie as y does already, and only take the epilogue.
//
// real      float or double
// index_t   numbers the columns of all images: unsigned int while that suffices

// A thread finds its pixel once, by a slow division, and then loops over several channels.
// Neighbouring threads have neighbouring pixels in both arrays, so their reads and writes are
// merged. The product may be the memory of y itself (for one image): the same thread reads each
// number before it writes it. From an image to the next it is `image_length` numbers: the pixels of
// an image where all images share a row, and O times as many where each has rows of its own.
extern "C" __global__ void epilogue(const real* product, real* y, const real* __restrict__ scale,
                                    const real* __restrict__ shift,
                                    const real* __restrict__ shortcut, bool has_scale,
                                    bool has_shift, bool has_shortcut, real floor, real ceiling,
                                    index_t start, index_t count, index_t pixels, int channels,
                                    index_t row_length, long long image_length) {
    index_t j = (index_t)blockIdx.x * blockDim.x + threadIdx.x;  // in the product, of `count`
    if (j >= count) return;
    index_t column = start + j;  // among those of all images
    long long image = column / pixels;
    index_t pixel = column % pixels;
    long long start_of_image = image * image_length + pixel - start;
    for (int o = blockIdx.y; o < channels; o += gridDim.y) {
        long long place = (image * channels + o) * pixels + pixel;
        real value = product[start_of_image + (long long)o * row_length];
        if (has_scale) value *= scale[o];
        if (has_shift) value += shift[o];
        if (has_shortcut) value += shortcut[place];
        if (value < floor) value = floor;  // unlike max(), this keeps a NaN
        if (value > ceiling) value = ceiling;
        y[place] = value;
    }
}
