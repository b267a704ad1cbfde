// Max pooling of numbers that are stored in 16 bits: a thread for each window, as in pooling.cu.
//
// index_t   counts the threads: unsigned int, whose divisions are fast, while that suffices

// The float of the bits of a float16: one instruction. Every CUDA compiler has it.
extern "C" {
__device__ float __nv_half2float(unsigned short bits);
}

// A NaN counts as larger than any number; a window that lies outside of the map gives 0.
extern "C" __global__ void max_pool2d_float16(const unsigned short* __restrict__ x,
                                              unsigned short* __restrict__ maxima, index_t count,
                                              int h, int w, int oh, int ow, int kh, int kw, int sh,
                                              int sw, int ph, int pw, int dh, int dw) {
    index_t i = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    int left = (int)(i % ow) * sw - pw, top = (int)(i / ow % oh) * sh - ph;
    const unsigned short* map = x + (long long)(i / ow / oh) * h * w;
    unsigned short best_bits = 0;
    float best = 0;
    bool found = false;
    for (int u = 0; u < kh; u++) {
        int row = top + u * dh;
        if (row < 0 || row >= h) continue;
        for (int v = 0; v < kw; v++) {
            int column = left + v * dw;
            if (column < 0 || column >= w) continue;
            unsigned short bits = map[(long long)row * w + column];
            float value = __nv_half2float(bits);
            if (!found || value > best || (value != value && best == best)) {
                best = value;
                best_bits = bits;
                found = true;
            }
        }
    }
    maxima[i] = best_bits;
}
