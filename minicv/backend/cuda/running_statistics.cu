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
