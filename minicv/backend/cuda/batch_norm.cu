// Batch normalisation with ReLU, and its gradient.
//
// A channel has many values and a network few channels: one block for each channel would leave most
// of a GPU idle. So the values of a channel are cut into parts. A block takes one part, 8 values
// for each of its 256 threads, and reduces it to one or two numbers; a second kernel, with a block
// for each channel, combines the numbers of the parts. The order of the sums depends on the shape
// alone, and nothing is added atomically: the same input gives the same bits.
//
// Arrays are (N, C, P): P pixels of a map. The values of a channel are numbered 0..N P - 1, map by
// map; neighbouring threads have neighbouring pixels.
//
// real     float or double
// index_t  counts the elements of x: unsigned int, whose divisions are fast, while that suffices

#define THREADS 256
#define ROOT 16   // of THREADS
#define VALUES 8  // of a thread

// Every thread gets the sum over the block of one number of each thread: first 16 threads add up 16
// columns, then every thread adds up the 16 sums. Two calls may follow each other without a
// barrier: no thread writes what another thread may still have to read.
__device__ real sum_of_block(real value) {
    __shared__ real values[THREADS], columns[ROOT];
    values[threadIdx.x] = value;
    __syncthreads();
    if (threadIdx.x < ROOT) {
        real sum = 0;
        for (int i = 0; i < ROOT; i++) sum += values[i * ROOT + threadIdx.x];
        columns[threadIdx.x] = sum;
    }
    __syncthreads();
    real sum = 0;
    for (int i = 0; i < ROOT; i++) sum += columns[i];
    return sum;
}

// Where the values of a thread lie in x: every 256th value of the part, found with a single
// division.
struct Walk {
    index_t map, pixel;            // of the current value
    index_t map_step, pixel_step;  // to the next value
    index_t pixels, channel, channels;
};

__device__ Walk start_walk(index_t value, index_t channel, index_t channels, index_t pixels) {
    Walk walk;
    walk.pixels = pixels;
    walk.channel = channel;
    walk.channels = channels;
    walk.map = value / pixels;
    walk.pixel = value % pixels;
    walk.map_step = THREADS / pixels;
    walk.pixel_step = THREADS % pixels;
    return walk;
}

__device__ index_t position(const Walk& walk) {
    return (walk.map * walk.channels + walk.channel) * walk.pixels + walk.pixel;
}

__device__ void step(Walk& walk) {
    walk.map += walk.map_step;
    walk.pixel += walk.pixel_step;
    if (walk.pixel >= walk.pixels) {
        walk.pixel -= walk.pixels;
        walk.map++;
    }
}

// For each part its mean, and the sum of the squared distances to that mean, both (C, parts). The
// values stay in registers between the two sums. Squares of the values themselves would not do: for
// values far from 0 the variance would be a small difference of large numbers.
extern "C" __global__ void batch_norm_parts(const real* __restrict__ x, real* __restrict__ means,
                                            real* __restrict__ squares, index_t values,
                                            index_t channels, index_t pixels, index_t parts) {
    index_t part = blockIdx.x % parts;
    index_t first = part * (THREADS * VALUES);
    index_t left = values - first;
    int count = left < THREADS * VALUES ? left : THREADS * VALUES;
    Walk walk = start_walk(first + threadIdx.x, blockIdx.x / parts, channels, pixels);

    real own[VALUES];
    real sum = 0;
    for (int i = 0; i < VALUES; i++) {
        bool inside = threadIdx.x + i * THREADS < count;
        own[i] = inside ? x[position(walk)] : (real)0;
        sum += own[i];
        step(walk);
    }
    real mean = sum_of_block(sum) / count;
    sum = 0;
    for (int i = 0; i < VALUES; i++) {
        real distance = threadIdx.x + i * THREADS < count ? own[i] - mean : (real)0;
        sum += distance * distance;
    }
    real square = sum_of_block(sum);
    if (threadIdx.x == 0) {
        means[blockIdx.x] = mean;
        squares[blockIdx.x] = square;
    }
}

// The number of values in a part: all parts but the last are full.
__device__ real size_of(index_t part, index_t parts, index_t values) {
    return part < parts - 1 ? THREADS * VALUES : values - part * (THREADS * VALUES);
}

// Mean and variance of a channel from its parts, by Chan's rule: the sum of squared distances to
// the mean of all values is the sum over the parts of their own squares, plus the size of each part
// times the squared distance of its mean (Chan, Golub & LeVeque 1983, Algorithms for computing the
// sample variance). One block for each channel.
extern "C" __global__ void batch_norm_statistics(
    const real* __restrict__ means, const real* __restrict__ squares, real* __restrict__ mean,
    real* __restrict__ variance, real* __restrict__ inverse_deviation, index_t values,
    index_t parts, real eps) {
    means += (long long)blockIdx.x * parts;
    squares += (long long)blockIdx.x * parts;
    real sum = 0;
    for (index_t part = threadIdx.x; part < parts; part += THREADS)
        sum += size_of(part, parts, values) * means[part];
    real mean_of_all = sum_of_block(sum) / values;
    sum = 0;
    for (index_t part = threadIdx.x; part < parts; part += THREADS) {
        real distance = means[part] - mean_of_all;
        sum += squares[part] + size_of(part, parts, values) * distance * distance;
    }
    real variance_of_all = sum_of_block(sum) / values;
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = mean_of_all;
        variance[blockIdx.x] = variance_of_all;
        inverse_deviation[blockIdx.x] = 1 / sqrt(variance_of_all + eps);
    }
}

// y = weight (x - mean) / deviation + bias, and ReLU up to a ceiling: a thread for each element.
extern "C" __global__ void batch_norm_apply(
    const real* __restrict__ x, const real* __restrict__ mean,
    const real* __restrict__ inverse_deviation, const real* __restrict__ weight,
    const real* __restrict__ bias, real* __restrict__ y, index_t count, index_t channels,
    index_t pixels, bool relu, real ceiling) {
    index_t i = (index_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    int c = i / pixels % channels;
    real value = (x[i] - mean[c]) * inverse_deviation[c] * weight[c] + bias[c];
    if (relu) value = value < 0 ? 0 : value > ceiling ? ceiling : value;  // NaN stays NaN
    y[i] = value;
}

// The gradient before the ReLU, if there was a ReLU; y is its result.
__device__ real before_relu(const real* grad, const real* y, index_t i, bool relu,
                            real ceiling) {
    return relu && !(y[i] > 0 && y[i] < ceiling) ? 0 : grad[i];
}

// For each part the sums of the gradient g and of g x̂, both (C, parts).
extern "C" __global__ void batch_norm_backward_parts(
    const real* __restrict__ grad, const real* __restrict__ x, const real* __restrict__ y,
    const real* __restrict__ mean, const real* __restrict__ inverse_deviation,
    real* __restrict__ sums, real* __restrict__ products, index_t values, index_t channels,
    index_t pixels, index_t parts, bool relu, real ceiling) {
    index_t channel = blockIdx.x / parts, part = blockIdx.x % parts;
    index_t first = part * (THREADS * VALUES);
    index_t left = values - first;
    int count = left < THREADS * VALUES ? left : THREADS * VALUES;
    Walk walk = start_walk(first + threadIdx.x, channel, channels, pixels);
    real center = mean[channel], sum = 0, product = 0;
    for (int i = 0; i < VALUES; i++) {
        if (threadIdx.x + i * THREADS < count) {
            index_t at = position(walk);
            real g = before_relu(grad, y, at, relu, ceiling);
            sum += g;
            product += g * (x[at] - center);
        }
        step(walk);
    }
    sum = sum_of_block(sum);
    product = sum_of_block(product) * inverse_deviation[channel];
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = sum;
        products[blockIdx.x] = product;
    }
}

// The gradients of bias and weight: sums over all parts of a channel. One block for each channel.
extern "C" __global__ void batch_norm_backward_sums(const real* __restrict__ sums,
                                                    const real* __restrict__ products,
                                                    real* __restrict__ grad_bias,
                                                    real* __restrict__ grad_weight,
                                                    index_t parts) {
    sums += (long long)blockIdx.x * parts;
    products += (long long)blockIdx.x * parts;
    real sum = 0, product = 0;
    for (index_t part = threadIdx.x; part < parts; part += THREADS) {
        sum += sums[part];
        product += products[part];
    }
    sum = sum_of_block(sum);
    product = sum_of_block(product);
    if (threadIdx.x == 0) {
        grad_bias[blockIdx.x] = sum;
        grad_weight[blockIdx.x] = product;
    }
}

// dL/dx = weight / deviation (g - mean of g - x̂ mean of g x̂): a thread for each element.
extern "C" __global__ void batch_norm_backward_apply(
    const real* __restrict__ grad, const real* __restrict__ x, const real* __restrict__ y,
    const real* __restrict__ mean, const real* __restrict__ inverse_deviation,
    const real* __restrict__ weight, const real* __restrict__ grad_bias,
    const real* __restrict__ grad_weight, real* __restrict__ grad_x, index_t count,
    index_t channels, index_t pixels, index_t values, bool relu, real ceiling) {
    index_t i = (index_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    int c = i / pixels % channels;
    real g = before_relu(grad, y, i, relu, ceiling);
    real normalized = (x[i] - mean[c]) * inverse_deviation[c];
    real mean_of_rest = (grad_bias[c] + normalized * grad_weight[c]) / values;
    grad_x[i] = weight[c] * inverse_deviation[c] * (g - mean_of_rest);
}
