// The complementary error function, element by element: a thread has one element.
//
// real     float or double
// index_t  counts the elements: unsigned int where that suffices

extern "C" __global__ void erfc_of(const real* __restrict__ x, real* __restrict__ y,
                                   index_t count) {
    index_t at = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) y[at] = erfc(x[at]);
}
