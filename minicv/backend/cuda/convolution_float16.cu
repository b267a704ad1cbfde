// Convolution of numbers that are stored in 16 bits: the two passes around the matrix product.
//
// cuBLAS multiplies float16 matrices on the tensor cores and adds up in float32. Before it, windows
// become columns, as in convolution_im2col.cu: numbers only move. After it, the epilogue of
// convolution_epilogue.cu reads 16 bits, computes in float32, and rounds to 16 bits.
//
// index_t   numbers columns: unsigned int while that suffices
// SH, SW    the stride, a constant: a division by it becomes a multiplication

// Between the bits of a float16 and a float: one instruction each. Every CUDA compiler has these.
extern "C" {
__device__ float __nv_half2float(unsigned short bits);
__device__ unsigned short __nv_float2half_rn(float value);
}

// A thread makes one column: it finds the window once, and copies it from several channels.
extern "C" __global__ void im2col_float16(const unsigned short* __restrict__ x,
                                          unsigned short* __restrict__ columns, index_t start,
                                          index_t count, index_t row_length, int channels, int h,
                                          int w, int oh, int ow, int kh, int kw, int ph, int pw,
                                          int dh, int dw) {
    index_t column = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= row_length) return;
    index_t window = start + column;
    int left = (int)(window % ow) * SW - pw;
    int top = (int)(window / ow % oh) * SH - ph;
    long long image = window / ow / oh;
    for (int c = blockIdx.y; c < channels; c += gridDim.y) {
        const unsigned short* map = x + (image * channels + c) * h * w;
        unsigned short* target = columns + (long long)c * kh * kw * row_length + column;
        for (int u = 0; u < kh; u++) {
            int row = top + u * dh;
            bool row_inside = row >= 0 && row < h && column < count;
            for (int v = 0; v < kw; v++) {
                int place = left + v * dw;
                bool inside = row_inside && place >= 0 && place < w;
                *target = inside ? map[(long long)row * w + place] : 0;  // the bits of 0.0
                target += row_length;
            }
        }
    }
}

// A thread finds its pixel once, and then loops over several channels. The product may be the
// memory of y itself (for one image): the same thread reads each number before it writes it.
extern "C" __global__ void epilogue_float16(const unsigned short* product, unsigned short* y,
                                            const float* __restrict__ scale,
                                            const float* __restrict__ shift,
                                            const unsigned short* __restrict__ shortcut,
                                            bool has_scale, bool has_shift, bool has_shortcut,
                                            float floor, float ceiling, index_t start,
                                            index_t count, index_t pixels, int channels,
                                            index_t row_length) {
    index_t j = (index_t)blockIdx.x * blockDim.x + threadIdx.x;  // in the product, of `count`
    if (j >= count) return;
    index_t column = start + j;  // among those of all images
    long long image = column / pixels;
    index_t pixel = column % pixels;
    for (int o = blockIdx.y; o < channels; o += gridDim.y) {
        long long place = (image * channels + o) * pixels + pixel;
        float value = __nv_half2float(product[(long long)o * row_length + j]);
        if (has_scale) value *= scale[o];
        if (has_shift) value += shift[o];
        if (has_shortcut) value += __nv_half2float(shortcut[place]);
        if (value < floor) value = floor;  // unlike max(), this keeps a NaN
        if (value > ceiling) value = ceiling;
        y[place] = __nv_float2half_rn(value);
    }
}
