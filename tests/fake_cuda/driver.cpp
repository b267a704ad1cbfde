// libcuda.so.1 without a GPU: loads kernels that g++ compiled, and launches them on the CPU.
//
// A module is the shared library that nvrtc.py made, between a header and nothing. Each kernel of
// it has two functions there: launch_NAME(grid, block, values) runs all threads of a grid, and
// sizes_NAME(count) gives the bytes of each parameter.

#include <cuda.h>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "device.h"

using Launch = int (*)(const unsigned* grid, const unsigned* block, void** values);
using Sizes = const unsigned long* (*)(unsigned* count);

struct CUfunc_st {
    std::string name;
    Launch launch;
    Sizes sizes;
};

// ---- what the libraries share

static void (*listener)(const char* what, const char* name, long long bytes);
static std::vector<std::function<int()>>* recording;
static void* recorded_stream;

extern "C" {

void fake_cuda_listen(void (*function)(const char*, const char*, long long)) { listener = function; }

// A graph is a list of what a stream was given. Streams are recorded one at a time.
void fake_cuda_record(void* stream) {
    recorded_stream = stream;
    recording = new std::vector<std::function<int()>>;
}

void* fake_cuda_end_record() {
    auto graph = recording;
    recording = nullptr;
    return graph;
}

int fake_cuda_run_graph(void* graph) {
    for (auto& work : *(std::vector<std::function<int()>>*)graph)
        if (int error = work()) return error;
    return 0;
}

}  // extern "C"

void device::tell(const char* what, const char* name, long long bytes) {
    if (listener) listener(what, name, bytes);
}

bool device::is_recording() { return recording != nullptr; }

int device::run(void* stream, std::function<int()> work) {
    if (!recording || stream != recorded_stream) return work();
    recording->push_back(work);
    return 0;
}

// ---- the driver's functions that CuPy calls

static void* load(const char* image) {
    long long bytes;
    memcpy(&bytes, image + 8, 8);
    int file = memfd_create("kernels", 0);
    if (file < 0 || write(file, image + 16, bytes) != bytes) return nullptr;
    std::string path = "/proc/self/fd/" + std::to_string(file);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "fake CUDA: %s\n", dlerror());
    return library;  // the file stays open: the loader tells libraries apart by their paths
}

static int refuse(const char* name, const char* why) {
    fprintf(stderr, "fake CUDA: %s: %s\n", name, why);
    return CUDA_ERROR_LAUNCH_FAILED;
}

extern "C" {

CUresult cuGetErrorName(CUresult error, const char** name) {
    *name = error == CUDA_ERROR_LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR";
    return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult, const char** text) {
    *text = "an error of the fake CUDA";
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext* context) {
    static char only;
    *context = (CUcontext)&only;
    return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }
CUresult cuCtxGetDevice(CUdevice* number) {
    *number = 0;
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule* module, const void* image) {
    if (memcmp(image, "FAKECUDA", 8)) return CUDA_ERROR_INVALID_IMAGE;
    device::tell("load", "", 0);
    *module = (CUmodule)load((const char*)image);
    return *module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
}
CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    auto launch = (Launch)dlsym(module, (std::string("launch_") + name).c_str());
    auto sizes = (Sizes)dlsym(module, (std::string("sizes_") + name).c_str());
    if (!launch || !sizes) return CUDA_ERROR_NOT_FOUND;
    *function = new CUfunc_st{name, launch, sizes};
    return CUDA_SUCCESS;
}
CUresult cuModuleGetGlobal(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
    *address = (CUdeviceptr)dlsym(module, name);
    *bytes = 0;
    return *address ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

// Values are copied at once, as CUDA does: a recorded launch outlives the caller's.
CUresult cuLaunchKernel(CUfunction kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned,
                        CUstream stream, void** values, void**) {
    device::tell("launch", kernel->name.c_str(), 0);
    bool no_threads = !grid_x || !grid_y || !grid_z || !block_x || !block_y || !block_z;
    if (no_threads || grid_y > 65535 || grid_z > 65535 || block_z > 64 ||
        (unsigned long long)block_x * block_y * block_z > 1024)
        return CUDA_ERROR_INVALID_VALUE;
    unsigned count;
    const unsigned long* sizes = kernel->sizes(&count);
    std::vector<std::string> copies;
    for (unsigned i = 0; i < count; i++) copies.emplace_back((char*)values[i], sizes[i]);
    return (CUresult)device::run(stream, [=] {
        alignas(16) static thread_local char memory[4096];
        const unsigned grid[3] = {grid_x, grid_y, grid_z}, block[3] = {block_x, block_y, block_z};
        std::vector<void*> addresses;
        size_t used = 0;
        for (const std::string& copy : copies) {
            if (used + copy.size() > sizeof memory) return refuse(kernel->name.c_str(), "arguments");
            addresses.push_back(memcpy(memory + used, copy.data(), copy.size()));
            used += (copy.size() + 15) / 16 * 16;
        }
        int line = kernel->launch(grid, block, addresses.data());
        if (!line) return 0;
        std::string why = "line " + std::to_string(line) + ": not all threads came to a barrier";
        return refuse(kernel->name.c_str(), why.c_str());
    });
}

CUresult cuFuncGetAttribute(int* value, CUfunction_attribute which, CUfunction) {
    *value = which == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : 0;
    return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute, int) { return CUDA_SUCCESS; }
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction, int, size_t) {
    *blocks = 2;
    return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxPotentialBlockSize(int* grid, int* block, CUfunction, CUoccupancyB2DSize,
                                          size_t, int) {
    *grid = 132;
    *block = 256;
    return CUDA_SUCCESS;
}

}  // extern "C"
