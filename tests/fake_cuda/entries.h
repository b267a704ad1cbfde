// How the fake driver starts a kernel that g++ compiled; see driver.cpp.

#pragma once

#include <type_traits>
#include <utility>

namespace entries {

template <class T>
using Plain = std::remove_cv_t<std::remove_reference_t<T>>;

// `run(thread)` runs all threads of the grid; a thread calls the kernel with the values.
template <class... Parameters, std::size_t... I, class Run>
int call(void (*kernel)(Parameters...), void** values, std::index_sequence<I...>, Run run) {
    return run([=] { kernel(*(Plain<Parameters>*)values[I]...); });
}

template <class... Parameters, class Run>
int call(void (*kernel)(Parameters...), void** values, Run run) {
    return call(kernel, values, std::index_sequence_for<Parameters...>{}, run);
}

template <class... Parameters>
const unsigned long* sizes(void (*)(Parameters...), unsigned* count) {
    static const unsigned long bytes[] = {sizeof(Plain<Parameters>)..., 0};
    *count = sizeof...(Parameters);
    return bytes;
}

}  // namespace entries

// `space` has `run(grid, block, how, thread)`: of emulator, in reversed order or not; of cupy_cpu,
// with barriers or not.
#define ENTRY(name, space, how)                                                                \
    extern "C" int launch_##name(const unsigned* grid, const unsigned* block, void** values) { \
        return entries::call(name, values, [=](auto thread) {                                  \
            return space::run(grid, block, how, thread);                                       \
        });                                                                                    \
    }                                                                                          \
    extern "C" const unsigned long* sizes_##name(unsigned* count) {                            \
        return entries::sizes(name, count);                                                    \
    }
