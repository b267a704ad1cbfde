// CUDA C on one CPU thread: what a kernel file needs to be compiled as C++ and run, for tests.
//
// Nothing of the C++ library is included, for it takes longer to read than a kernel to compile:
// what kernels call stands here. scheduler.cpp runs the threads.
//
// Stricter than a GPU: a barrier that some threads leave out, by returning early or by standing
// at another one, is an error, and shared memory is full of NaN before each block. Threads and
// blocks can run in reversed order: a result that depends on the order is a race.
//
// Inline PTX is not compiled: the functions that hold it stand here once more, for a kernel file to
// leave out its own where TENSOR_CORES_ON_CPU is defined. An asynchronous copy fills its place with
// NaN at once and arrives when its thread waits for it: as early and as late as a GPU might. The
// warps of a block run one after another from barrier to barrier.
//
// Not covered: warp intrinsics, races between blocks that run at the same time, how a GPU rounds
// (contraction to fused multiply-adds, denormals), speed.

#pragma once

#define __global__
#define __device__ static
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#ifdef EMULATOR_SANITIZE  // the sanitizer guards the edges of a variable only where it lies by itself
#define __shared__ static
#else
#define __shared__ static __attribute__((section("shared_memory")))
#endif
#define __syncthreads() emulator::barrier(__LINE__)

struct uint3 {
    unsigned x, y, z;
};
using dim3 = uint3;
extern uint3 gridDim, blockDim, blockIdx, threadIdx;

// Numbers of one type; CUDA takes also two of different types.
template <class T>
static inline T max(T a, T b) {
    return a < b ? b : a;
}
template <class T>
static inline T min(T a, T b) {
    return b < a ? b : a;
}

#define OF_FLOAT_AND_DOUBLE(name)                                        \
    static inline float name(float x) { return __builtin_##name##f(x); } \
    static inline double name(double x) { return __builtin_##name(x); }
OF_FLOAT_AND_DOUBLE(ceil)
OF_FLOAT_AND_DOUBLE(erfc)
OF_FLOAT_AND_DOUBLE(exp)
OF_FLOAT_AND_DOUBLE(fabs)
OF_FLOAT_AND_DOUBLE(floor)
OF_FLOAT_AND_DOUBLE(log)
OF_FLOAT_AND_DOUBLE(sqrt)
OF_FLOAT_AND_DOUBLE(tanh)

template <class T, class U>
static T atomicAdd(T* address, U value) {
    T before = *address;
    *address = before + (T)value;
    return before;
}
template <class T, class U>
static T atomicMax(T* address, U value) {
    T before = *address;
    *address = max(before, (T)value);
    return before;
}
template <class T, class U>
static T atomicOr(T* address, U value) {
    T before = *address;
    *address = before | (T)value;
    return before;
}

static inline float __int_as_float(int bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline float __uint_as_float(unsigned bits) { return __int_as_float((int)bits); }

// Between a float and the 16 bits of a float16, to the nearest, of two to the even one.
extern "C" {
static inline float __nv_half2float(unsigned short bits) {
    unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size;
    if (exponent == 0)
        size = (float)fraction * (1.0f / 16777216);  // steps of 2^-24
    else  // an exponent of 31 is infinity or NaN, and 255 in a float
        size = __int_as_float((int)((exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13));
    return bits >> 15 ? -size : size;
}
static inline unsigned short __nv_float2half_rn(float value) {
    unsigned bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    unsigned short sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return sign | 0x7e00;   // NaN
    if (bits >= 0x477ff000) return sign | 0x7c00;  // 65520 and more are infinite
    if (bits < 0x38800000)  // below 2^-14: adding 1/2 rounds to steps of 2^-24
        return sign | (__builtin_bit_cast(unsigned, __int_as_float((int)bits) + 0.5f) - 0x3f000000);
    return sign | ((bits + 0xfff + (bits >> 13 & 1) - 0x38000000) >> 13);
}
}

// Products that are rounded by themselves, never fused with an addition.
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline double __dmul_rn(double a, double b) { return a * b; }

// All shared memory of the file, where it has some.
extern "C" char __start_shared_memory[] __attribute__((weak));
extern "C" char __stop_shared_memory[] __attribute__((weak));

namespace emulator {

struct Kernel {  // one thread is `call(arguments)`
    void (*call)(void* arguments);
    void* arguments;
    char* shared_memory;
    long shared_bytes;
};

void barrier(int line);

// The numbers of all 32 lanes of a warp, when all have come to this line; valid until the next call.
const unsigned (*share_with_warp(const unsigned (&numbers)[6], int line))[6];

// Of some bytes, the first `present` are copied and the others become zero.
void copy_async(void* to, const void* from, int bytes, int present);
void end_group_of_copies();
void wait_for_copies(int groups);

// Runs a grid. Returns 0, or the line of a barrier that not every thread of a block came to.
int run(const unsigned* grid, const unsigned* block, bool reversed, Kernel kernel);

template <class Thread>
int run(const unsigned* grid, const unsigned* block, bool reversed, Thread thread) {
    auto call = [](void* arguments) { (*(Thread*)arguments)(); };
    long bytes = __stop_shared_memory - __start_shared_memory;
    return run(grid, block, reversed, Kernel{call, &thread, __start_shared_memory, bytes});
}

}  // namespace emulator

// What kernels write in PTX.
#define TENSOR_CORES_ON_CPU
template <int BYTES>
static inline void copy_async(float* shared, const float* memory, int present) {
    emulator::copy_async(shared, memory, BYTES, present);
}
static inline void end_group_of_copies() { emulator::end_group_of_copies(); }
template <int GROUPS>
static inline void wait_for_copies() {
    emulator::wait_for_copies(GROUPS);
}

static inline float to_tf32(float value) {
    unsigned bits = __float_as_uint(value);
    bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return finite ? __uint_as_float((bits + 0x1000u) & ~0x1fffu) : value;
}

// A tensor core ignores the 13 bits that TF32 lacks: numbers that were not rounded are cut off.
static inline void mma(float (&sums)[4], const float (&left)[4], const float (&right)[2],
                       int line = __builtin_LINE()) {
    unsigned numbers[6];
    for (int i = 0; i < 6; i++)
        numbers[i] = __float_as_uint(i < 4 ? left[i] : right[i - 4]) & ~0x1fffu;
    const unsigned(*lanes)[6] = emulator::share_with_warp(numbers, line);
    int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++) {
            unsigned a = lanes[4 * g + k % 4][i / 2 + k / 4 * 2];
            unsigned b = lanes[4 * (2 * t + i % 2) + k % 4][4 + k / 4];
            sums[i] += __uint_as_float(a) * __uint_as_float(b);
        }
}
