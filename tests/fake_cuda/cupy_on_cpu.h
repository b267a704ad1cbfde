// What CuPy's own kernels need to be compiled as C++ and run: they include headers of C++.
//
// minicv's kernels meet the stricter tests/cuda_emulator/cuda_on_cpu.h instead. Here a thread may
// end before others come to a barrier, as on a GPU, and a warp waits only where lanes exchange
// numbers.

#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define __CUDACC_RTC__ 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __restrict__
#define __launch_bounds__(...)
#define __constant__
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static
#define __syncthreads() cupy_cpu::wait(cupy_cpu::FOR_BLOCK)
#define __syncwarp(...) cupy_cpu::wait(cupy_cpu::FOR_WARP)

struct cupy_uint3 {
    unsigned x, y, z;
};
static cupy_uint3 gridDim, blockDim, blockIdx, threadIdx;
static const int warpSize = 32;
using namespace std;

// Threads run one at a time, so nothing comes between reading and writing.
template <class T, class Change>
static T change_atomically(T* address, Change change) {
    T before = *address;
    *address = change(before);
    return before;
}
template <class T, class U>
static T atomicAdd(T* a, U v) {
    return change_atomically(a, [=](T before) { return (T)(before + (T)v); });
}
template <class T, class U>
static T atomicMax(T* a, U v) {
    return change_atomically(a, [=](T before) { return max(before, (T)v); });
}
template <class T, class U>
static T atomicMin(T* a, U v) {
    return change_atomically(a, [=](T before) { return min(before, (T)v); });
}
template <class T, class U>
static T atomicOr(T* a, U v) {
    return change_atomically(a, [=](T before) { return (T)(before | (T)v); });
}
template <class T, class U>
static T atomicExch(T* a, U v) {
    return change_atomically(a, [=](T) { return (T)v; });
}
template <class T, class U, class V>
static T atomicCAS(T* a, U expected, V v) {
    return change_atomically(a, [=](T before) { return before == (T)expected ? (T)v : before; });
}

template <class To, class From>
static To bits_as(From from) {
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline float __int_as_float(int b) { return bits_as<float>(b); }
static inline int __float_as_int(float b) { return bits_as<int>(b); }
static inline double __longlong_as_double(long long b) { return bits_as<double>(b); }
static inline long long __double_as_longlong(double b) { return bits_as<long long>(b); }

// CuPy keeps a float16 as its bits, in a class `half` that its own header defines later.
static inline unsigned short __float2half_rn(float v) { return bits_as<unsigned short>((_Float16)v); }
static inline float __half2float(unsigned short bits) { return bits_as<_Float16>(bits); }
struct half;
template <class Half>
static unsigned short __half_as_ushort(Half value) {
    return bits_as<unsigned short>(value);
}
template <class Bits, class Half = half>
static Half __ushort_as_half(Bits bits) {
    return bits_as<Half>((unsigned short)bits);
}

template <class T>
static T __ldg(const T* address) {
    return *address;
}
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline float rsqrtf(float x) { return 1 / sqrtf(x); }
static inline float rsqrt(float x) { return 1 / sqrtf(x); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline void sincospi(double x, double* s, double* c) { *s = sin(M_PI * x), *c = cos(M_PI * x); }
static inline void __threadfence() {}
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __ffs(int x) { return __builtin_ffs(x); }

namespace cupy_cpu {

enum State { RUNS, FOR_BLOCK, FOR_WARP, ENDED };
enum Lane { UP, DOWN, XOR, INDEX };
const size_t STACK = 1 << 16;

struct Fiber {  // a thread with a stack of its own
    ucontext_t context;
    unique_ptr<char[]> stack{new char[STACK]};
    unsigned thread;
    State state;
};
static deque<Fiber> fibers;
static Fiber* current;
static ucontext_t scheduler;
static function<void()> body;
static long long exchanged[1024];

static void enter(unsigned thread) {
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y,
                 thread / (blockDim.x * blockDim.y)};
}

static void wait(State state) {
    Fiber* fiber = current;
    fiber->state = state;
    swapcontext(&fiber->context, &scheduler);
}

static void live() {
    for (;;) {
        body();
        wait(ENDED);
    }
}

template <class T>
static T shuffle(T value, int lane, Lane kind, int width) {
    unsigned thread = current->thread;
    memcpy(&exchanged[thread], &value, sizeof value);
    wait(FOR_WARP);
    int mine = thread % 32, first = mine / width * width, from = mine;
    if (kind == UP) from = mine - lane < first ? mine : mine - lane;
    if (kind == DOWN) from = mine + lane >= first + width ? mine : mine + lane;
    if (kind == XOR) from = mine ^ lane;
    if (kind == INDEX) from = first + lane % width;
    T result;
    memcpy(&result, &exchanged[thread - mine + from], sizeof result);
    wait(FOR_WARP);
    return result;
}

static void make_fibers(unsigned threads) {
    while (fibers.size() < threads) {
        fibers.emplace_back();
        Fiber& fiber = fibers.back();
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        makecontext(&fiber.context, live, 0);
        fiber.thread = fibers.size() - 1;
    }
}

static bool release(unsigned threads, State state) {
    bool any = false;
    for (unsigned t = 0; t < threads; t++)
        if (fibers[t].state == state) fibers[t].state = RUNS, any = true;
    return any;
}

static void run_block(unsigned threads) {
    make_fibers(threads);
    for (unsigned t = 0; t < threads; t++) fibers[t].state = RUNS;
    do {
        for (unsigned t = 0; t < threads; t++) {
            if (fibers[t].state != RUNS) continue;
            current = &fibers[t];
            enter(t);
            swapcontext(&scheduler, &current->context);
        }
    } while (release(threads, FOR_WARP) || release(threads, FOR_BLOCK));
}

template <class Thread>
static int run(const unsigned* grid, const unsigned* block, bool with_barriers, Thread thread) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    unsigned threads = block[0] * block[1] * block[2];
    body = thread;
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                blockIdx = {x, y, z};
                if (with_barriers)
                    run_block(threads);
                else
                    for (unsigned t = 0; t < threads; t++) enter(t), thread();
            }
    return 0;
}

}  // namespace cupy_cpu

#define SHUFFLE(name, kind)                                          \
    template <class T>                                               \
    static T name(unsigned, T value, int lane, int width = 32) {     \
        return cupy_cpu::shuffle(value, lane, cupy_cpu::kind, width); \
    }
SHUFFLE(__shfl_up_sync, UP)
SHUFFLE(__shfl_down_sync, DOWN)
SHUFFLE(__shfl_xor_sync, XOR)
SHUFFLE(__shfl_sync, INDEX)
