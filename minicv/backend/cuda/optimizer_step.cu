// The steps of the optimizers. A thread for each weight reads the weight, its gradient and its
// moments once, and writes what changes. As separate array operations, a step would read and write
// everything several times.
//
// real     float or double
// index_t  counts the weights: unsigned int where that suffices

__device__ index_t thread_number() { return (index_t)blockIdx.x * blockDim.x + threadIdx.x; }

// p ← p - lr g
extern "C" __global__ void sgd_step(real* __restrict__ data, const real* __restrict__ grad,
                                    index_t count, real lr, real weight_decay) {
    index_t i = thread_number();
    if (i >= count) return;
    data[i] -= lr * (grad[i] + weight_decay * data[i]);
}

// v ← momentum v + share g, where the share is 1 - dampening, and p ← p - lr v
extern "C" __global__ void sgd_step_with_momentum(real* __restrict__ data,
                                                  const real* __restrict__ grad,
                                                  real* __restrict__ velocity, index_t count,
                                                  real lr, real momentum, real share,
                                                  real weight_decay, bool nesterov) {
    index_t i = thread_number();
    if (i >= count) return;
    real p = data[i];
    real g = grad[i] + weight_decay * p;
    real v = momentum * velocity[i] + share * g;
    velocity[i] = v;
    data[i] = p - lr * (nesterov ? g + momentum * v : v);
}

// m ← beta1 m + share1 g and v ← beta2 v + share2 g², then p ← p - lr m / (√v / root + eps). The
// host computes what is the same for all weights: share1 = 1 - beta1, share2 = 1 - beta2, lr and
// root with the corrections for the number of the step.
extern "C" __global__ void adam_step(real* __restrict__ data, const real* __restrict__ grad,
                                     real* __restrict__ mean, real* __restrict__ mean_of_square,
                                     index_t count, real lr, real beta1, real share1, real beta2,
                                     real share2, real root, real eps, real weight_decay,
                                     real largest, real root_of_largest) {
    index_t i = thread_number();
    if (i >= count) return;
    real p = data[i];
    real g = grad[i] + weight_decay * p;
    if (share2 * g * g > largest && fabs(g) <= largest)  // an infinite v would stop p for ever
        g = g > 0 ? root_of_largest : -root_of_largest;
    real m = beta1 * mean[i] + share1 * g;
    real v = beta2 * mean_of_square[i] + share2 * g * g;
    mean[i] = m;
    mean_of_square[i] = v;
    data[i] = p - lr * m / (sqrt(v) / root + eps);
}
