// The running statistics of a batch normalisation move towards those of a batch.
//
// A thread has one channel; the first one counts the batch.
//
// real     float or double

extern "C" __global__ void follow(const real* __restrict__ running_mean,
                                  const real* __restrict__ running_var,
                                  const long long* __restrict__ batches,
                                  const real* __restrict__ mean, const real* __restrict__ variance,
                                  real* __restrict__ new_mean, real* __restrict__ new_var,
                                  long long* __restrict__ new_batches, int channels, real momentum,
                                  real to_unbiased) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c == 0) *new_batches = *batches + 1;
    if (c >= channels) return;
    new_mean[c] = running_mean[c] + momentum * (mean[c] - running_mean[c]);
    new_var[c] = running_var[c] + momentum * (to_unbiased * variance[c] - running_var[c]);
}

// What a normalisation by running statistics does to a channel: scale · x + shift. weight and bias
// are read only if there are any.
extern "C" __global__ void fold(const real* __restrict__ running_mean,
                                const real* __restrict__ running_var,
                                const real* __restrict__ weight, const real* __restrict__ bias,
                                real* __restrict__ scale, real* __restrict__ shift, int channels,
                                bool has_weight, bool has_bias, real eps) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    real factor = (has_weight ? weight[c] : 1) / sqrt(running_var[c] + eps);
    scale[c] = factor;
    shift[c] = (has_bias ? bias[c] : 0) - running_mean[c] * factor;
}
