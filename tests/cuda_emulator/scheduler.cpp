// Runs the threads of a grid on one CPU thread, one after another. Compiled once; every file of
// kernels meets it through cuda_on_cpu.h.
//
// A thread that comes to __syncthreads() is put aside, on a stack of its own, until all others of
// its block have come as far; so a kernel without barriers runs as plain nested loops.

#include <ucontext.h>

#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "cuda_on_cpu.h"

uint3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulator {

const size_t STACK = 1 << 17;

using Place = void*[5];  // in the program, with its stack
struct Fiber {  // runs threads until one of them meets a barrier, and that one from there on
    Place here;
    std::unique_ptr<char[]> stack{new char[STACK]};
    bool is_new = true;
    unsigned thread = 0;
    int barrier_line = 0;  // where its thread waits; 0 if it has none
};
using Fibers = std::vector<Fiber*>;

static std::deque<Fiber> fibers;
static Fibers idle;
static Fiber* current;
static Place scheduler;
static Kernel kernel;
static unsigned threads, started, finished;
static bool reversed_order;

static void run_threads();

// A function of its own: the compiler wants no jump in the function that marks a place.
__attribute__((noinline)) static void jump(Place& to) { __builtin_longjmp(to, 1); }

// The scheduler goes on when the fiber waits or has no thread to run. Jumps by the compiler are
// twenty times as fast as swapcontext(), which each time asks the operating system.
static void switch_to(Fiber* fiber) {
    if (__builtin_setjmp(scheduler)) return;
    if (!fiber->is_new) jump(fiber->here);
    fiber->is_new = false;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber->stack.get();
    context.uc_stack.ss_size = STACK;
    makecontext(&context, run_threads, 0);
    setcontext(&context);
}

static void switch_to_scheduler(Fiber* fiber) {
    if (!__builtin_setjmp(fiber->here)) jump(scheduler);
}

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
            kernel.call(kernel.arguments);
            finished++;
        }
        current->barrier_line = 0;
        switch_to_scheduler(current);
    }
}

void barrier(int line) {
    current->barrier_line = line;
    switch_to_scheduler(current);
}

static void resume(Fiber* fiber) {
    current = fiber;
    enter(fiber->thread);
    switch_to(fiber);
}

static Fiber* idle_fiber() {
    if (idle.empty()) {
        fibers.emplace_back();
        idle.push_back(&fibers.back());
    }
    Fiber* fiber = idle.back();
    idle.pop_back();
    return fiber;
}

static void step(Fiber* fiber, Fibers& waiting) {
    resume(fiber);
    (fiber->barrier_line ? waiting : idle).push_back(fiber);
}

// Returns 0, or the line of a barrier that not every thread of the block came to.
static int run_block() {
    started = finished = 0;
    Fibers waiting;
    while (started < threads) step(idle_fiber(), waiting);
    while (!waiting.empty()) {
        for (Fiber* fiber : waiting)
            if (fiber->barrier_line != waiting[0]->barrier_line) return fiber->barrier_line;
        if (finished) return waiting[0]->barrier_line;
        Fibers now;
        now.swap(waiting);
        for (Fiber* fiber : now) step(fiber, waiting);
    }
    return 0;
}

int run(const unsigned* grid, const unsigned* block, bool reversed, Kernel what) {
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    threads = blockDim.x * blockDim.y * blockDim.z;
    reversed_order = reversed;
    kernel = what;
    unsigned long long blocks = (unsigned long long)gridDim.x * gridDim.y * gridDim.z;
    for (unsigned long long i = 0; i < blocks; i++) {
        unsigned long long number = reversed ? blocks - 1 - i : i;
        blockIdx = {(unsigned)(number % gridDim.x), (unsigned)(number / gridDim.x % gridDim.y),
                    (unsigned)(number / ((unsigned long long)gridDim.x * gridDim.y))};
        if (kernel.shared_memory) memset(kernel.shared_memory, 0xff, kernel.shared_bytes);  // NaN
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
