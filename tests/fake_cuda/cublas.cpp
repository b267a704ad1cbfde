// libcublas.so without a GPU: matrix products, by loops. Matrices are in column-major order.
//
// TF32 rounds what it multiplies to 11 bits, as a tensor core does; all else is exact to the type.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "device.h"

enum { REAL32 = 0, REAL64 = 1, REAL16 = 2, BRAIN16 = 14 };  // cudaDataType
enum { COMPUTE_32F_FAST_TF32 = 77 };                        // cublasComputeType_t
enum { NOT_SUPPORTED = 15 };                                // cublasStatus_t
enum { TF32_MATH = 3 };                                     // cublasMath_t

static bool tf32_math;

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static float rounded(float value, uint32_t dropped) {  // the last bits become zero; ties to even
    uint32_t bits = to_bits(value);
    if (!std::isfinite(value)) return value;
    uint32_t half = (1u << (dropped - 1)) - 1 + (bits >> dropped & 1);
    return from_bits((bits + half) & ~((1u << dropped) - 1));
}

template <class Real>
static Real read(const void* memory, size_t i, int type) {
    if (type == REAL64) return ((const double*)memory)[i];
    if (type == REAL16) return (float)((const _Float16*)memory)[i];
    if (type == BRAIN16) return from_bits(((const uint16_t*)memory)[i] << 16);
    return ((const float*)memory)[i];
}

template <class Real>
static void write(void* memory, size_t i, int type, Real value) {
    if (type == REAL64)
        ((double*)memory)[i] = value;
    else if (type == REAL16)
        ((_Float16*)memory)[i] = (float)value;
    else if (type == BRAIN16)
        ((uint16_t*)memory)[i] = to_bits(rounded(value, 16)) >> 16;
    else
        ((float*)memory)[i] = value;
}

struct Matrix {
    const void* memory;
    int type, leading;
    bool transposed;
};

template <class Real>
static std::vector<Real> gathered(Matrix matrix, int rows, int columns, bool tf32) {
    std::vector<Real> values((size_t)rows * columns);
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++) {
            size_t place = matrix.transposed ? (size_t)i * matrix.leading + j
                                             : (size_t)j * matrix.leading + i;
            Real value = read<Real>(matrix.memory, place, matrix.type);
            values[(size_t)j * rows + i] = tf32 ? rounded(value, 13) : value;
        }
    return values;
}

// C = alpha A B + beta C, with A (m, k) and B (k, n).
template <class Real>
static void multiply(int m, int n, int k, Real alpha, Matrix a, Matrix b, Real beta, void* c,
                     int c_type, int c_leading, bool tf32) {
    auto left = gathered<Real>(a, m, k, tf32), right = gathered<Real>(b, k, n, tf32);
    std::vector<Real> sums(m);
    for (int j = 0; j < n; j++) {
        sums.assign(m, 0);
        for (int l = 0; l < k; l++) {
            Real factor = right[(size_t)j * k + l];
            const Real* column = &left[(size_t)l * m];
            for (int i = 0; i < m; i++) sums[i] += column[i] * factor;
        }
        for (int i = 0; i < m; i++) {
            size_t place = (size_t)j * c_leading + i;
            Real before = beta == 0 ? 0 : beta * read<Real>(c, place, c_type);
            write<Real>(c, place, c_type, alpha * sums[i] + before);
        }
    }
}

// One product, or a stack of them; `a_of`, `b_of`, `c_of` give the memory of number i.
template <class A, class B, class C>
static int product(const char* name, int transpose_a, int transpose_b, int m, int n, int k,
                   const void* alpha, A a_of, int a_type, int lda, B b_of, int b_type, int ldb,
                   const void* beta, C c_of, int c_type, int ldc, int count, bool tf32) {
    device::tell("launch", name, 0);
    if (device::is_recording()) return NOT_SUPPORTED;
    for (int i = 0; i < count; i++) {
        Matrix a{a_of(i), a_type, lda, transpose_a != 0}, b{b_of(i), b_type, ldb, transpose_b != 0};
        if (c_type == REAL64)
            multiply<double>(m, n, k, *(double*)alpha, a, b, *(double*)beta, c_of(i), c_type, ldc,
                             false);
        else
            multiply<float>(m, n, k, *(float*)alpha, a, b, *(float*)beta, c_of(i), c_type, ldc,
                            tf32 && a_type == REAL32);
    }
    return 0;
}

template <class Pointer>
static auto at(Pointer memory, long long stride, int type) {
    long long bytes = type == REAL64 ? 8 : type == REAL32 ? 4 : 2;
    return [=](int i) { return (void*)((char*)memory + i * stride * bytes); };
}

template <class Pointers>
static auto each(Pointers pointers) {
    return [=](int i) { return (void*)pointers[i]; };
}

extern "C" {

int cublasCreate_v2(void** handle) {
    static char only;
    *handle = &only;
    return 0;
}
int cublasDestroy_v2(void*) { return 0; }
int cublasSetStream_v2(void*, void*) { return 0; }
int cublasSetPointerMode_v2(void*, int) { return 0; }
int cublasGetPointerMode_v2(void*, int* mode) { return *mode = 0; }
int cublasSetMathMode(void*, int mode) {
    tf32_math = mode == TF32_MATH;
    return 0;
}
int cublasGetMathMode(void*, int* mode) {
    *mode = tf32_math ? TF32_MATH : 0;
    return 0;
}

int cublasGemmEx(void*, int ta, int tb, int m, int n, int k, const void* alpha, const void* a,
                 int a_type, int lda, const void* b, int b_type, int ldb, const void* beta, void* c,
                 int c_type, int ldc, int compute, int) {
    bool tf32 = tf32_math || compute == COMPUTE_32F_FAST_TF32;
    return product("cublasGemmEx", ta, tb, m, n, k, alpha, at(a, 0, a_type), a_type, lda,
                   at(b, 0, b_type), b_type, ldb, beta, at(c, 0, c_type), c_type, ldc, 1, tf32);
}
int cublasGemmStridedBatchedEx(void*, int ta, int tb, int m, int n, int k, const void* alpha,
                               const void* a, int a_type, int lda, long long stride_a,
                               const void* b, int b_type, int ldb, long long stride_b,
                               const void* beta, void* c, int c_type, int ldc, long long stride_c,
                               int count, int compute, int) {
    bool tf32 = tf32_math || compute == COMPUTE_32F_FAST_TF32;
    return product("cublasGemmStridedBatchedEx", ta, tb, m, n, k, alpha, at(a, stride_a, a_type),
                   a_type, lda, at(b, stride_b, b_type), b_type, ldb, beta, at(c, stride_c, c_type),
                   c_type, ldc, count, tf32);
}

#define PRODUCTS(letter, Real, type)                                                               \
    int cublas##letter##gemm_v2(void*, int ta, int tb, int m, int n, int k, const Real* alpha,     \
                                const Real* a, int lda, const Real* b, int ldb, const Real* beta,  \
                                Real* c, int ldc) {                                                \
        return product("cublas" #letter "gemm", ta, tb, m, n, k, alpha, at(a, 0, type), type, lda, \
                       at(b, 0, type), type, ldb, beta, at(c, 0, type), type, ldc, 1, tf32_math);  \
    }                                                                                              \
    int cublas##letter##gemmBatched(void*, int ta, int tb, int m, int n, int k, const Real* alpha, \
                                    const Real* const* a, int lda, const Real* const* b, int ldb,  \
                                    const Real* beta, Real* const* c, int ldc, int count) {        \
        return product("cublas" #letter "gemmBatched", ta, tb, m, n, k, alpha, each(a), type, lda, \
                       each(b), type, ldb, beta, each(c), type, ldc, count, tf32_math);            \
    }                                                                                              \
    int cublas##letter##gemmStridedBatched(                                                        \
        void*, int ta, int tb, int m, int n, int k, const Real* alpha, const Real* a, int lda,     \
        long long stride_a, const Real* b, int ldb, long long stride_b, const Real* beta, Real* c, \
        int ldc, long long stride_c, int count) {                                                  \
        return product("cublas" #letter "gemmStridedBatched", ta, tb, m, n, k, alpha,              \
                       at(a, stride_a, type), type, lda, at(b, stride_b, type), type, ldb, beta,   \
                       at(c, stride_c, type), type, ldc, count, tf32_math);                        \
    }
PRODUCTS(S, float, REAL32)
PRODUCTS(D, double, REAL64)

}  // extern "C"
