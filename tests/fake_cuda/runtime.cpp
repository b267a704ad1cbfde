// libcudart.so without a GPU: memory, copies, streams, events and graphs of one device.
//
// The host's memory is the device's. New memory is full of NaN. A stream does at once what it is
// given, so that waiting for it is only counted; while it is recorded into a graph, it does nothing,
// and what CUDA refuses then is refused: to wait for it, and to allocate memory.

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device.h"

extern "C" {
void fake_cuda_record(void* stream);
void* fake_cuda_end_record();
int fake_cuda_run_graph(void* graph);
}

static cudaStreamCaptureMode recording_mode;
static cudaError_t last_error = cudaSuccess;

static cudaError_t answer(cudaError_t error) { return error ? last_error = error : error; }

static cudaError_t wait() {
    if (device::is_recording()) return answer(cudaErrorStreamCaptureUnsupported);
    device::tell("wait", "", 0);
    return cudaSuccess;
}

static void* allocate(size_t bytes) { return aligned_alloc(512, (bytes + 511) / 512 * 512 + 512); }

static const char* name_of(cudaMemcpyKind kind) {
    if (kind == cudaMemcpyHostToDevice) return "copy to device";
    return kind == cudaMemcpyDeviceToHost ? "copy to host" : "copy on device";
}

static cudaError_t copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, void* stream) {
    device::tell(name_of(kind), "", bytes);
    return (cudaError_t)device::run(stream, [=] {
        memmove(to, from, bytes);
        return 0;
    });
}

static cudaError_t fill(void* to, int value, size_t bytes, void* stream) {
    device::tell("fill", "", bytes);
    return (cudaError_t)device::run(stream, [=] {
        memset(to, value, bytes);
        return 0;
    });
}

template <class Handle>
static cudaError_t create(Handle* handle) {
    *handle = (Handle)malloc(1);
    return cudaSuccess;
}

extern "C" {

// ---- errors and versions
const char* cudaGetErrorName(cudaError_t error) {
    if (error == cudaErrorMemoryAllocation) return "cudaErrorMemoryAllocation";
    if (error == cudaErrorStreamCaptureUnsupported) return "cudaErrorStreamCaptureUnsupported";
    return "cudaError";
}
const char* cudaGetErrorString(cudaError_t) { return "an error of the fake CUDA"; }
cudaError_t cudaGetLastError() {
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}
cudaError_t cudaPeekAtLastError() { return last_error; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }

// ---- the device: the numbers of an H100
cudaError_t cudaGetDevice(int* number) { return *number = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int number) {
    return number ? answer(cudaErrorInvalidDevice) : cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
    switch (which) {
        case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
        case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
        case cudaDevAttrMultiProcessorCount: *value = 132; break;
        case cudaDevAttrWarpSize: *value = 32; break;
        case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = 49152; break;
        default: *value = 1;
    }
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {};
    strcpy(properties->name, "a fake CUDA device");
    properties->major = 9;
    properties->multiProcessorCount = 132;
    properties->warpSize = 32;
    properties->totalGlobalMem = 80ull << 30;
    properties->sharedMemPerBlock = 49152;
    properties->maxThreadsPerBlock = 1024;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->maxGridSize[0] = 2147483647;
    properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return wait(); }

// ---- memory
cudaError_t cudaMalloc(void** address, size_t bytes) {
    if (device::is_recording() && recording_mode != cudaStreamCaptureModeRelaxed)
        return answer(cudaErrorStreamCaptureUnsupported);
    device::tell("allocate", "", bytes);
    *address = allocate(bytes);
    if (!*address) return answer(cudaErrorMemoryAllocation);
    memset(*address, 0xff, bytes);  // NaN
    return cudaSuccess;
}
cudaError_t cudaFree(void* address) { return free(address), cudaSuccess; }
cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned) {
    return (*address = allocate(bytes)) ? cudaSuccess : answer(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* address) { return free(address), cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t* unused, size_t* total) {
    return *unused = *total = 80ull << 30, cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
    *attributes = {};
    attributes->type = cudaMemoryTypeDevice;
    attributes->devicePointer = (void*)address;
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    copy(to, from, bytes, kind, nullptr);
    return wait();
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    return copy(to, from, bytes, kind, stream);
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) { return fill(to, value, bytes, nullptr); }
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
    return fill(to, value, bytes, stream);
}

// ---- streams and events
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return create(stream); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return create(stream); }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
    return create(stream);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return free(stream), cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return wait(); }
cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

cudaError_t cudaEventCreate(cudaEvent_t* event) { return create(event); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return create(event); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return free(event), cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
    return *milliseconds = 1, cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return wait(); }

// ---- graphs
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    if (!stream) return answer(cudaErrorStreamCaptureUnsupported);  // not the default stream
    recording_mode = mode;
    fake_cuda_record(stream);
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
    *graph = (cudaGraph_t)fake_cuda_end_record();
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    bool recorded = stream && device::is_recording();
    *status = recorded ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
    *executable = (cudaGraphExec_t)graph;
    return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
    device::tell("launch", "a graph", 0);
    return (cudaError_t)fake_cuda_run_graph(executable);
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }

}  // extern "C"
