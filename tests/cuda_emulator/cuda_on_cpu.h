// CUDA C on one CPU thread: what a kernel file needs to be compiled as C++ and run, for tests.
//
// The blocks of a grid run one after another, and so do the threads of a block. A thread that meets
// __syncthreads() is put aside, on a stack of its own, until all others of its block have come as
// far; so a kernel without barriers runs as plain nested loops.
//
// Stricter than a GPU: a barrier that some threads leave out, by returning early or by standing
// at another one, is an error, and shared memory is full of NaN before each block. Threads and
// blocks can run in reversed order: a result that depends on the order is a race.
//
// Not covered: warp intrinsics, inline PTX, races between blocks that run at the same time, how a
// GPU rounds (contraction to fused multiply-adds, denormals), speed.

#pragma once
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

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

using namespace std;  // exp, floor, min and max for float and double, as CUDA has them

struct uint3 {
    unsigned x, y, z;
};
using dim3 = uint3;
static uint3 gridDim, blockDim, blockIdx, threadIdx;

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
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Products that are rounded by themselves, never fused with an addition.
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline double __dmul_rn(double a, double b) { return a * b; }

namespace emulator {

const size_t STACK = 1 << 17;

struct Fiber {  // runs threads until one of them meets a barrier, and that one from there on
    ucontext_t context;
    unique_ptr<char[]> stack{new char[STACK]};
    unsigned thread = 0;
    int barrier_line = 0;  // where its thread waits; 0 if it has none
};

static deque<Fiber> fibers;
static vector<Fiber*> idle;
static Fiber* current;
static ucontext_t scheduler;
static function<void()> body;
static unsigned threads, started, finished;
static bool reversed_order;

static void enter(unsigned thread) {
    current->thread = thread;
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y,
                 thread / (blockDim.x * blockDim.y)};
}

static void run_threads() {
    for (;;) {
        while (started < threads) {
            unsigned next = started++;
            enter(reversed_order ? threads - 1 - next : next);
            body();
            finished++;
        }
        current->barrier_line = 0;
        swapcontext(&current->context, &scheduler);
    }
}

static void barrier(int line) {
    current->barrier_line = line;
    Fiber* self = current;
    swapcontext(&self->context, &scheduler);
}

static void resume(Fiber* fiber) {
    current = fiber;
    enter(fiber->thread);
    swapcontext(&scheduler, &fiber->context);
}

static Fiber* idle_fiber() {
    if (idle.empty()) {
        fibers.emplace_back();
        Fiber& fiber = fibers.back();
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        makecontext(&fiber.context, run_threads, 0);
        idle.push_back(&fiber);
    }
    Fiber* fiber = idle.back();
    idle.pop_back();
    return fiber;
}

static bool step(Fiber* fiber, vector<Fiber*>& waiting) {
    resume(fiber);
    (fiber->barrier_line ? waiting : idle).push_back(fiber);
    return fiber->barrier_line == 0;
}

// Returns 0, or the line of a barrier that not every thread of the block came to.
static int run_block() {
    started = finished = 0;
    vector<Fiber*> waiting;
    while (started < threads) step(idle_fiber(), waiting);
    while (!waiting.empty()) {
        for (Fiber* fiber : waiting)
            if (fiber->barrier_line != waiting[0]->barrier_line) return fiber->barrier_line;
        if (finished) return waiting[0]->barrier_line;
        vector<Fiber*> now;
        now.swap(waiting);
        for (Fiber* fiber : now) step(fiber, waiting);
    }
    return 0;
}

#ifndef EMULATOR_SANITIZE
extern "C" char __start_shared_memory[] __attribute__((weak));
extern "C" char __stop_shared_memory[] __attribute__((weak));
static void poison_shared_memory() {
    if (__start_shared_memory)
        memset(__start_shared_memory, 0xff, __stop_shared_memory - __start_shared_memory);
}
#else
static void poison_shared_memory() {}
#endif

static int run(const unsigned* grid, const unsigned* block, bool reversed) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    threads = blockDim.x * blockDim.y * blockDim.z;
    reversed_order = reversed;
    unsigned long long blocks = (unsigned long long)gridDim.x * gridDim.y * gridDim.z;
    for (unsigned long long i = 0; i < blocks; i++) {
        unsigned long long number = reversed ? blocks - 1 - i : i;
        blockIdx = {(unsigned)(number % gridDim.x), (unsigned)(number / gridDim.x % gridDim.y),
                    (unsigned)(number / ((unsigned long long)gridDim.x * gridDim.y))};
        poison_shared_memory();
        int line = run_block();
        if (line) {
            fibers.clear();
            idle.clear();
            return line;
        }
    }
    return 0;
}

}  // namespace emulator
