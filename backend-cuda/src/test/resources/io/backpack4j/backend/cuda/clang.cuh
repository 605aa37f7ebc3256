// What CUDA's headers declare, as far as kernels need it and clang does not bring it, for clang without a toolkit.

#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))

struct ThreadIndex {
    __declspec(property(get = get)) unsigned x;
    __device__ static unsigned get() { return __nvvm_read_ptx_sreg_tid_x(); }
};
struct BlockIndex {
    __declspec(property(get = get)) unsigned x;
    __device__ static unsigned get() { return __nvvm_read_ptx_sreg_ctaid_x(); }
};
struct GridSize {
    __declspec(property(get = get)) unsigned x;
    __device__ static unsigned get() { return __nvvm_read_ptx_sreg_nctaid_x(); }
};
extern const __device__ ThreadIndex threadIdx;
extern const __device__ BlockIndex blockIdx;
extern const __device__ GridSize gridDim;

__device__ inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
    return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

#define DECLARE(name)                   \
    __device__ double name(double);     \
    __device__ float name##f(float);    \
    __device__ inline float name(float x) { return name##f(x); }
DECLARE(cos)
DECLARE(exp)
DECLARE(expm1)
DECLARE(fabs)
DECLARE(floor)
DECLARE(log)
DECLARE(log1p)
DECLARE(sqrt)
DECLARE(tanh)
