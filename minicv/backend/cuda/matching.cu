// Matching boxes with targets: for each box the target that it overlaps most, and a label.
//
// The overlaps are never stored. They are computed twice, first by one block of threads for each
// target, which finds its best overlap, then by one thread for each box. The arithmetic is that of
// the CPU, rounded at each step, so that both decide close cases alike.
//
// real        float or double
// THREADS     in a block of the first kernel

__device__ float product(float a, float b) { return __fmul_rn(a, b); }
__device__ double product(double a, double b) { return __dmul_rn(a, b); }

// max(value, least), but NaN if value is NaN, as in NumPy.
__device__ real at_least(real value, real least) { return value < least ? least : value; }

// The larger of two; NaN if one is NaN.
__device__ real larger(real a, real b) { return a < b || b != b ? b : a; }

struct Box {
    real x1, y1, x2, y2, area;
};

__device__ Box box_at(const real* corners) {
    Box box;
    box.x1 = corners[0];
    box.y1 = corners[1];
    box.x2 = corners[2];
    box.y2 = corners[3];
    box.area = product(at_least(box.x2 - box.x1, 0), at_least(box.y2 - box.y1, 0));
    return box;
}

__device__ real overlap(const Box& target, const Box& box, real tiny) {
    real width = at_least(min(target.x2, box.x2) - max(target.x1, box.x1), 0);
    real height = at_least(min(target.y2, box.y2) - max(target.y1, box.y1), 0);
    real intersection = product(width, height);
    real united = target.area + box.area - intersection;  // NaN if a corner is NaN
    return intersection / at_least(united, tiny);
}

// places (images, 5): of each image its targets from the first to the last + 1, its boxes likewise,
// and where its results begin. Targets are numbered among those of all images.

// Block (g, image) finds the best overlap of the g-th target of the image.
extern "C" __global__ void best_overlaps(const real* __restrict__ targets,
                                         const real* __restrict__ boxes,
                                         const long long* __restrict__ places,
                                         real* __restrict__ best_of_target, real tiny) {
    const long long* place = places + 5 * blockIdx.y;
    long long g = place[0] + blockIdx.x;
    if (g >= place[1]) return;
    __shared__ real best[THREADS];
    int t = threadIdx.x;
    Box target = box_at(targets + 4 * g);
    best[t] = 0;
    for (long long i = place[2] + t; i < place[3]; i += THREADS)
        best[t] = larger(best[t], overlap(target, box_at(boxes + 4 * i), tiny));
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) best[t] = larger(best[t], best[t + half]);
    }
    if (t == 0) best_of_target[g] = best[0];
}

// A thread matches one box. best_of_target is read only if best_boxes_too.
extern "C" __global__ void match(const real* __restrict__ targets, const real* __restrict__ boxes,
                                 const long long* __restrict__ places,
                                 const real* __restrict__ best_of_target,
                                 long long* __restrict__ index, signed char* __restrict__ label,
                                 real* __restrict__ best, real high, real low, real floor,
                                 bool best_boxes_too, real tie, real tiny) {
    const long long* place = places + 5 * blockIdx.y;
    long long number = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (number >= place[3] - place[2]) return;
    Box box = box_at(boxes + 4 * (place[2] + number));
    long long best_target = place[0];
    real most = 0;
    bool is_best_box = false;
    for (long long g = place[0]; g < place[1]; g++) {
        real iou = overlap(box_at(targets + 4 * g), box, tiny);
        if (iou > most || (iou != iou && most == most)) {  // of equals the first; NaN is greatest
            most = iou;
            best_target = g;
        }
        if (best_boxes_too) is_best_box |= iou > 0 && iou >= best_of_target[g] - tie;
    }
    bool background = place[0] == place[1] || (most >= floor && most < low);
    bool positive = place[0] < place[1] && (most >= high || is_best_box);
    long long at = place[4] + number;
    index[at] = best_target;
    label[at] = positive ? 1 : background ? 0 : -1;
    best[at] = most;
}
