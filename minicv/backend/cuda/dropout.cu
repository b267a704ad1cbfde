// Dropout whose random numbers are computed, not drawn: a function of a key and of a counter.
//
// An ordinary generator makes one number after the other. Here every thread computes the numbers of
// its own counter, in any order and as often as needed. So the mask need not be saved: backward
// computes it again from the key, which is the seed of the call.
//
// real     float or double
// index_t  counts the elements: unsigned int where that suffices

struct Four {
    unsigned int a, b, c, d;
};

// Philox 4x32-10: ten rounds of multiplying and mixing turn a counter of 128 bits into four random
// numbers of 32 bits (Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3,
// SC 2011, section 3.3 and table 2, which have the constants as well).
__device__ Four philox(Four counter, unsigned int key, unsigned int key2) {
    for (int round = 0; round < 10; round++) {
        unsigned long long left = 0xD2511F53ull * counter.a, right = 0xCD9E8D57ull * counter.c;
        Four mixed;
        mixed.a = (unsigned int)(right >> 32) ^ counter.b ^ key;
        mixed.b = (unsigned int)right;
        mixed.c = (unsigned int)(left >> 32) ^ counter.d ^ key2;
        mixed.d = (unsigned int)left;
        counter = mixed;
        key += 0x9E3779B9u;  // the golden ratio and √3 - 1, as fractions of 2^32
        key2 += 0xBB67AE85u;
    }
    return counter;
}

// y = x / (1 - p) where a random number of 32 bits reaches the threshold p 2^32, else 0. It is its
// own gradient: the same with dL/dy for x. A counter serves four elements; they lie as far apart as
// there are threads, so that neighbouring threads read neighbouring elements each time.
extern "C" __global__ void dropout(const real* __restrict__ x, real* __restrict__ y, index_t count,
                                   index_t threads, unsigned long long seed,
                                   unsigned long long threshold, real scale) {
    index_t thread = (index_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= threads) return;
    Four counter;
    counter.a = (unsigned int)thread;
    counter.b = (unsigned int)((unsigned long long)thread >> 32);
    counter.c = counter.d = 0;
    Four random = philox(counter, (unsigned int)seed, (unsigned int)(seed >> 32));
    unsigned int bits[4] = {random.a, random.b, random.c, random.d};
    for (int i = 0; i < 4; i++) {
        index_t at = thread + i * threads;
        if (at < count) y[at] = bits[i] >= threshold ? x[at] * scale : 0;
    }
}
