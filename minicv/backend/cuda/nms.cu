// Greedy non-maximum suppression in two kernels: all overlaps at once, then one pass over them.
//
// Boxes are numbered from the best to the worst, and divided into blocks of 64. One word of 64 bits
// says which boxes of block k box i overlaps; all words are the mask (N, ceil(N / 64)). The
// arithmetic is that of the CPU, rounded at each step, so that both decide close cases alike.
//
// Several images of N boxes each are done at once: all arrays have one part for each image, except
// that images share their labels.
//
// real        float or double
// MOST_WORDS  in a row of the mask

typedef unsigned long long Word;

__device__ float product(float a, float b) { return __fmul_rn(a, b); }
__device__ double product(double a, double b) { return __dmul_rn(a, b); }

struct Box {
    real x1, y1, x2, y2, area;
    long long label;
};

// max(value, least), but NaN if value is NaN, as in NumPy.
__device__ real at_least(real value, real least) { return value < least ? least : value; }

__device__ Box box_at(const real* boxes, const long long* labels, bool by_label, long long i) {
    Box box;
    box.x1 = boxes[4 * i];
    box.y1 = boxes[4 * i + 1];
    box.x2 = boxes[4 * i + 2];
    box.y2 = boxes[4 * i + 3];
    box.area = product(at_least(box.x2 - box.x1, 0), at_least(box.y2 - box.y1, 0));
    box.label = by_label ? labels[i] : 0;
    return box;
}

__device__ bool overlap(const Box& a, const Box& b, real iou_threshold, real tiny) {
    if (a.label != b.label) return false;
    real width = min(a.x2, b.x2) - max(a.x1, b.x1);
    real height = min(a.y2, b.y2) - max(a.y1, b.y1);
    if (!(width > 0 && height > 0)) return false;  // most pairs are apart
    real intersection = product(width, height);
    real united = a.area + b.area - intersection;  // NaN if a corner is NaN: then no overlap
    return intersection / at_least(united, tiny) > iou_threshold;
}

// A block compares 64 boxes of an image with 64 that are not better; each thread writes the word of
// one box.
// order (N,): the boxes from best to worst. labels is read only if by_label.
extern "C" __global__ void overlap_mask(const real* __restrict__ boxes,
                                        const long long* __restrict__ order,
                                        const long long* __restrict__ labels, bool by_label,
                                        unsigned long long* __restrict__ mask, int count, int words,
                                        real iou_threshold, real tiny) {
    int block = blockIdx.y, other_block = blockIdx.x, t = threadIdx.x;
    if (other_block < block) return;
    long long image = blockIdx.z;
    boxes += image * count * 4;
    order += image * count;
    mask += image * count * words;
    __shared__ Box others[64];
    int number = block * 64 + t, other = other_block * 64 + t;
    if (other < count) others[t] = box_at(boxes, labels, by_label, order[other]);
    __syncthreads();
    if (number >= count) return;
    Box box = box_at(boxes, labels, by_label, order[number]);
    Word word = 0;
    int end = min(64, count - other_block * 64);
    for (int u = block == other_block ? t + 1 : 0; u < end; u++)
        if (overlap(box, others[u], iou_threshold, tiny)) word |= (Word)1 << u;
    mask[(long long)number * words + other_block] = word;
}

// A single block of threads does the suppression in an image, 64 boxes at a time. First one thread finds which
// of the 64 boxes survive, in 64 short steps, for each needs the outcome of the one before. Then
// all threads remove the boxes of later blocks that the survivors overlap. A thread reads every
// 64th word of a row, and every eighth row, so that its loads do not wait for each other.
// wanted (N,): boxes that are not wanted are neither kept nor remove others; read only if
// only_wanted. kept (most,): the survivors, best first, then zeros; kept_count: how many.
extern "C" __global__ void keep_best(const unsigned long long* __restrict__ mask,
                                     const long long* __restrict__ order,
                                     const bool* __restrict__ wanted, bool only_wanted,
                                     long long* __restrict__ kept, int* __restrict__ kept_count,
                                     int count, int words, int most) {
    __shared__ Word removed[MOST_WORDS];  // bit i of word k: whether box 64 k + i is removed
    __shared__ Word rivals[64];           // of each box: which of its own block it overlaps
    __shared__ int rank[64];              // of each survivor: its number among all survivors
    __shared__ Word survivors;
    __shared__ int survivor_count;  // of all blocks so far
    int t = threadIdx.x, survived = 0;
    long long image = blockIdx.x;
    mask += image * count * words;
    order += image * count;
    wanted += image * count;
    kept += image * most;
    Word beyond = count % 64 == 0 ? 0 : ~(Word)0 << count % 64;  // the last word's unused bits
    for (int k = t; k < words; k += blockDim.x) {
        Word out = k == words - 1 ? beyond : 0;
        for (int i = 64 * k; only_wanted && i < min(count, 64 * k + 64); i++)
            if (!wanted[order[i]]) out |= (Word)1 << i % 64;
        removed[k] = out;
    }
    if (t < 64) rivals[t] = t < count ? mask[(long long)t * words] : 0;
    __syncthreads();

    for (int block = 0; block < words && survived < most; block++) {
        if (t == 0) {
            Word out = removed[block];
#pragma unroll
            for (int i = 0; i < 64; i++) {
                rank[i] = survived;
                if (out >> i & 1) continue;
                out |= rivals[i];
                survived++;
            }
            survivors = ~out;
            survivor_count = survived;
        }
        __syncthreads();
        survived = survivor_count;

        Word alive = survivors;
        if (t < 64) {
            int next = (block + 1) * 64 + t;
            if (alive >> t & 1 && rank[t] < most) kept[rank[t]] = order[block * 64 + t];
            if (next < count) rivals[t] = mask[(long long)next * words + block + 1];
        }
        const Word* rows = mask + (long long)block * 64 * words;
        for (int word = block + 1 + t % 64; word < words; word += 64) {
            Word out = 0;
#pragma unroll
            for (int row = 0; row < 64; row += 8) {
                int i = row + t / 64;
                if (alive >> i & 1) out |= rows[(long long)i * words + word];
            }
            if (out) atomicOr(&removed[word], out);
        }
        __syncthreads();
    }
    survived = min(survived, most);
    for (int i = survived + t; i < most; i += blockDim.x) kept[i] = 0;
    if (t == 0) kept_count[image] = survived;
}
