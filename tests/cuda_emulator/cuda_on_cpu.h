// CUDA C on one CPU thread: what a kernel file needs to be compiled as C++ and run, for tests.
//
// Nothing of the C++ library is included, for it takes longer to read than a kernel to compile:
// what kernels call stands here. scheduler.cpp runs the threads.
//
// Stricter than a GPU: a barrier that some threads leave out, by returning early or by standing
// at another one, is an error, and shared memory is full of NaN before each block. Threads and
// blocks can run in reversed order: a result that depends on the order is a race.
//
// Not covered: warp intrinsics, inline PTX, races between blocks that run at the same time, how a
// GPU rounds (contraction to fused multiply-adds, denormals), speed.

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

// Runs a grid. Returns 0, or the line of a barrier that not every thread of a block came to.
int run(const unsigned* grid, const unsigned* block, bool reversed, Kernel kernel);

template <class Thread>
int run(const unsigned* grid, const unsigned* block, bool reversed, Thread thread) {
    auto call = [](void* arguments) { (*(Thread*)arguments)(); };
    long bytes = __stop_shared_memory - __start_shared_memory;
    return run(grid, block, reversed, Kernel{call, &thread, __start_shared_memory, bytes});
}

}  // namespace emulator
