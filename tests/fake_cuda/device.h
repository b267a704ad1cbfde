// The one device that the fake libraries share: its memory is the host's, and work is done at once.

#pragma once

#include <functional>

namespace device {

// Tells whoever counts what happens: "launch" of this kernel, "wait", a copy of so many bytes.
void tell(const char* what, const char* name, long long bytes);

// Does what a stream is given, at once; or keeps it, where the stream is recorded into a graph.
// Returns an error of CUDA, or 0.
int run(void* stream, std::function<int()> work);

bool is_recording();

}  // namespace device
