// Boxes as offsets from proposals and back: what takes twenty kernels of plain array mathematics.
// A thread computes one box, whose four numbers lie side by side.
//
// real        float or double

// min and max that keep a NaN, as NumPy's.
__device__ real at_most(real value, real most) { return value > most ? most : value; }
__device__ real cut(real value, real most) { return value < 0 ? 0 : at_most(value, most); }

struct Place {
    real cx, cy, w, h;
};

__device__ Place place_of(const real* box) {
    Place place;
    place.w = box[2] - box[0];
    place.h = box[3] - box[1];
    place.cx = box[0] + (real)0.5 * place.w;
    place.cy = box[1] + (real)0.5 * place.h;
    return place;
}

__device__ void move_box(const Place& from, const real* delta, real wx, real wy, real ww, real wh,
                     real most, real* box) {
    real cx = delta[0] / wx * from.w + from.cx;
    real cy = delta[1] / wy * from.h + from.cy;
    real half_w = (real)0.5 * from.w * exp(at_most(delta[2] / ww, most));
    real half_h = (real)0.5 * from.h * exp(at_most(delta[3] / wh, most));
    box[0] = cx - half_w;
    box[1] = cy - half_h;
    box[2] = cx + half_w;
    box[3] = cy + half_h;
}

__device__ void clip(real* box, real height, real width) {
    box[0] = cut(box[0], width);
    box[1] = cut(box[1], height);
    box[2] = cut(box[2], width);
    box[3] = cut(box[3], height);
}

// boxes, proposals and offsets are (count, 4).
extern "C" __global__ void encode(const real* __restrict__ boxes,
                                  const real* __restrict__ proposals, real* __restrict__ offsets,
                                  long long count, real wx, real wy, real ww, real wh) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= count) return;
    Place to = place_of(boxes + 4 * i), from = place_of(proposals + 4 * i);
    offsets[4 * i] = wx * (to.cx - from.cx) / from.w;
    offsets[4 * i + 1] = wy * (to.cy - from.cy) / from.h;
    offsets[4 * i + 2] = ww * log(to.w / from.w);
    offsets[4 * i + 3] = wh * log(to.h / from.h);
}

// deltas and boxes are (count / classes, classes, 4), proposals (count / classes, 4).
extern "C" __global__ void decode(const real* __restrict__ deltas,
                                  const real* __restrict__ proposals, real* __restrict__ boxes,
                                  long long count, int classes, real wx, real wy, real ww, real wh,
                                  real most) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= count) return;
    Place from = place_of(proposals + 4 * (i / classes));
    move_box(from, deltas + 4 * i, wx, wy, ww, wh, most, boxes + 4 * i);
}

// The count boxes of images of one size.
extern "C" __global__ void clip_to_image(const real* __restrict__ boxes, real* __restrict__ clipped,
                                         long long count, real height, real width) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= count) return;
    real box[4];
    for (int k = 0; k < 4; k++) box[k] = boxes[4 * i + k];
    clip(box, height, width);
    for (int k = 0; k < 4; k++) clipped[4 * i + k] = box[k];
}

// Whether both sides have min_size, and more than 0.
__device__ bool is_large(const real* box, real min_size) {
    real w = box[2] - box[0], h = box[3] - box[1];
    return w >= min_size && h >= min_size && w > 0 && h > 0;
}

extern "C" __global__ void large_boxes(const real* __restrict__ boxes, bool* __restrict__ large,
                                       long long count, real min_size) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < count) large[i] = is_large(boxes + 4 * i, min_size);
}

// logits (N, anchors), deltas (N, anchors, 4), corners (anchors, 4), chosen (N, per_image), sizes
// (N, 2): height and width. boxes (N, per_image, 4), scores and large (N, per_image).
extern "C" __global__ void decode_candidates(const real* __restrict__ logits,
                                             const real* __restrict__ deltas,
                                             const real* __restrict__ corners,
                                             const long long* __restrict__ chosen,
                                             const real* __restrict__ sizes,
                                             real* __restrict__ boxes, real* __restrict__ scores,
                                             bool* __restrict__ large, long long count,
                                             long long per_image, long long anchors, real most,
                                             real min_size) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= count) return;
    long long image = i / per_image, anchor = chosen[i], at = image * anchors + anchor;
    real box[4];
    move_box(place_of(corners + 4 * anchor), deltas + 4 * at, 1, 1, 1, 1, most, box);
    clip(box, sizes[2 * image], sizes[2 * image + 1]);
    large[i] = is_large(box, min_size);
    for (int k = 0; k < 4; k++) boxes[4 * i + k] = box[k];
    real logit = at_most(logits[at], 50);
    scores[i] = 1 / (1 + exp(-(logit < -50 ? -50 : logit)));
}
