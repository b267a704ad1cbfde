// Runs the threads of a grid on one CPU thread, one after another. Compiled once; every file of
// kernels meets it through cuda_on_cpu.h.
//
// A thread that comes to __syncthreads() is put aside, on a stack of its own, until all others of
// its block have come as far; so a kernel without barriers runs as plain nested loops. Where lanes
// of a warp exchange numbers, they wait for one another, and then go on before any other warp does.

#include <ucontext.h>

#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "cuda_on_cpu.h"

uint3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulator {

const size_t STACK = 1 << 17;
const unsigned WARP = 32;

using Place = void*[5];  // in the program, with its stack
struct Fiber {  // runs threads until one of them meets a barrier, and that one from there on
    Place here;
    std::unique_ptr<char[]> stack{new char[STACK]};
    bool is_new = true;
    unsigned thread = 0;
    uint3 index;  // threadIdx of its thread
    int line = 0;  // where its thread waits; 0 if it has none
    bool for_warp = false;  // it waits for its warp alone
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
    current->index = {thread % blockDim.x, thread / blockDim.x % blockDim.y,
                      thread / (blockDim.x * blockDim.y)};
    threadIdx = current->index;
}

static void run_threads() {
    for (;;) {
        while (started < threads) {
            unsigned next = started++;
            enter(reversed_order ? threads - 1 - next : next);
            kernel.call(kernel.arguments);
            finished++;
        }
        current->line = 0;
        switch_to_scheduler(current);
    }
}

static void wait(int line, bool for_warp) {
    current->line = line;
    current->for_warp = for_warp;
    switch_to_scheduler(current);
}

void barrier(int line) { wait(line, false); }

// Two tables by turns: when a lane writes to one again, all have read what it held before.
const unsigned (*share_with_warp(const unsigned (&numbers)[6], int line))[6] {
    static unsigned shared[2][1024][6];
    static bool turn[1024];
    unsigned thread = current->thread;
    auto table = shared[turn[thread] = !turn[thread]];
    memcpy(table[thread], numbers, sizeof numbers);
    wait(line, true);
    return table + thread / WARP * WARP;
}

struct Copy {
    char* to;
    const char* from;
    int bytes, present, group;
};
struct Copies {
    std::deque<Copy> under_way;
    int group = 0;  // of the next copy
};
static std::vector<Copies> copies(1024);  // by thread
static bool copies_used;

void copy_async(void* to, const void* from, int bytes, int present) {
    Copies& mine = copies[current->thread];
    copies_used = true;
    memset(to, 0xff, bytes);  // NaN
    bool misaligned = (size_t)to % bytes || (present && (size_t)from % bytes);
    if (misaligned) return;  // a GPU stops here; this copy never arrives
    mine.under_way.push_back({(char*)to, (const char*)from, bytes, present, mine.group});
}

void end_group_of_copies() { copies[current->thread].group++; }

void wait_for_copies(int groups) {
    Copies& mine = copies[current->thread];
    auto& queue = mine.under_way;
    for (; !queue.empty() && queue.front().group < mine.group - groups; queue.pop_front()) {
        Copy& copy = queue.front();
        memset(copy.to, 0, copy.bytes);
        memcpy(copy.to, copy.from, copy.present);
    }
}

static void resume(Fiber* fiber) {
    current = fiber;
    threadIdx = fiber->index;
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

static Fibers waiting, waiting_for_warp;

static void step(Fiber* fiber) {
    resume(fiber);
    (!fiber->line ? idle : fiber->for_warp ? waiting_for_warp : waiting).push_back(fiber);
}

// Lanes that wait for their warp go on until none does. Returns 0, or the line where some wait for
// lanes that are elsewhere.
static int finish_warp() {
    while (!waiting_for_warp.empty()) {
        Fibers now;
        now.swap(waiting_for_warp);
        for (Fiber* fiber : now)
            if (now.size() != WARP || fiber->line != now[0]->line ||
                fiber->thread / WARP != now[0]->thread / WARP)
                return fiber->line;
        for (Fiber* fiber : now) step(fiber);
    }
    return 0;
}

// Returns 0, or the line of a barrier that not every thread of the block, or of the warp, came to.
static int run_block() {
    started = finished = 0;
    waiting.clear();
    waiting_for_warp.clear();
    if (copies_used) copies.assign(1024, {});
    copies_used = false;
    while (started < threads) {
        step(idle_fiber());
        if (started % WARP && started < threads) continue;
        if (int line = finish_warp()) return line;
    }
    while (!waiting.empty()) {
        for (Fiber* fiber : waiting)
            if (fiber->line != waiting[0]->line) return fiber->line;
        if (finished) return waiting[0]->line;
        Fibers now;
        now.swap(waiting);
        for (size_t i = 0; i < now.size(); i++) {
            bool last_of_warp =
                i + 1 == now.size() || now[i + 1]->thread / WARP != now[i]->thread / WARP;
            step(now[i]);
            if (!last_of_warp) continue;
            if (int line = finish_warp()) return line;
        }
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
