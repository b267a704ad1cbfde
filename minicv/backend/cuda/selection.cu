// A product in which 0 blocks: 0 times infinity or NaN is 0.
//
// real        float or double
// index_t     counts the values

// factor is one number, or one for each value.
extern "C" __global__ void product_or_zero(const real* __restrict__ values,
                                           const real* __restrict__ factor,
                                           real* __restrict__ products, index_t count,
                                           bool one_factor) {
    index_t i = blockIdx.x * (index_t)blockDim.x + threadIdx.x;
    if (i >= count) return;
    real value = values[i], by = factor[one_factor ? 0 : i];
    products[i] = value == 0 || by == 0 ? 0 : value * by;
}
