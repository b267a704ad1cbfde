// Windows to columns and back: the two copies around the matrix product of a convolution.
//
// Column (n, i, j) of the matrix holds all pixels in the window of output (i, j) of image n, one in
// each row (c, u, v):
//
//     columns[(c·KH + u)·KW + v, (n·OH + i)·OW + j]  =  x[n, c, i·SH - ph + u·dh, j·SW - pw + v·dw]
//
// The matrix is KH·KW times as large as x, so only a run of its columns, from `start` on, exists at
// a time. Rows are `row_length` long, up to three numbers longer than the run; these are zeros.
//
// real      float or double
// index_t   numbers columns or pixels: unsigned int while that suffices
// SH, SW    the stride, a constant: a division by it becomes a multiplication

// A thread makes one column: it finds the window once, and copies it from several channels.
// Neighbouring threads have neighbouring columns, so each row is written without gaps.
extern "C" __global__ void im2col(const real* __restrict__ x, real* __restrict__ columns,
                                  index_t start, index_t count, index_t row_length, int channels,
                                  int h, int w, int oh, int ow, int kh, int kw, int ph, int pw,
                                  int dh, int dw) {
    index_t column = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= row_length) return;
    index_t window = start + column;
    int left = (int)(window % ow) * SW - pw;
    int top = (int)(window / ow % oh) * SH - ph;
    long long image = window / ow / oh;
    for (int c = blockIdx.y; c < channels; c += gridDim.y) {
        const real* map = x + (image * channels + c) * h * w;
        real* target = columns + (long long)c * kh * kw * row_length + column;
        for (int u = 0; u < kh; u++) {
            int row = top + u * dh;
            bool row_inside = row >= 0 && row < h && column < count;
            for (int v = 0; v < kw; v++) {
                int place = left + v * dw;
                bool inside = row_inside && place >= 0 && place < w;
                *target = inside ? map[(long long)row * w + place] : (real)0;
                target += row_length;
            }
        }
    }
}

// The window whose tap looks at a position, along one axis; -1 if there is none.
__device__ int window_of(int position, int tap, int stride, int padding, int dilation,
                         int windows) {
    int start = position + padding - tap * dilation;
    if (start < 0 || start % stride != 0) return -1;
    return start / stride < windows ? start / stride : -1;
}

// The transpose: each column is added to the pixels of its window. A thread computes one pixel, as
// a sum over all windows that cover it, so no two threads add to one number, and the order of the
// sum is always the same. Pixels are numbered from the first image of the run; the first `start`
// columns of that image belong to the run before.
extern "C" __global__ void col2im(const real* __restrict__ columns, real* __restrict__ x,
                                  index_t pixels, long long start, long long count,
                                  long long row_length, int channels, int h, int w, int oh, int ow,
                                  int kh, int kw, int ph, int pw, int dh, int dw) {
    index_t i = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) return;
    int column = i % w, row = i / w % h;
    int c = i / w / h % channels;
    long long image = i / w / h / channels;
    long long first = image * oh * ow - start;  // column of the image's first window in the run
    real sum = first >= 0 ? (real)0 : x[i];     // the sum that the run before began
    for (int u = 0; u < kh; u++) {
        int window_row = window_of(row, u, SH, ph, dh, oh);
        if (window_row < 0) continue;
        for (int v = 0; v < kw; v++) {
            int window_column = window_of(column, v, SW, pw, dw, ow);
            if (window_column < 0) continue;
            long long place = first + (long long)window_row * ow + window_column;
            if (place < 0 || place >= count) continue;
            sum += columns[((long long)(c * kh + u) * kw + v) * row_length + place];
        }
    }
    x[i] = sum;
}
