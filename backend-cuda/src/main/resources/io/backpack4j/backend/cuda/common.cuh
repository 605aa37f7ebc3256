// What all kernels begin with. The compiler is told REAL (float or double), INDEX (int or long long: how wide positions are), BLOCK (threads of a
// block) and MAX_RANK. A kernel takes one structure, whose fields all have eight bytes. No headers: NVRTC has none of the toolkit's.

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
typedef REAL real;
typedef INDEX position;

// Host emulation brings its own.
#ifndef KERNEL
#define KERNEL(name, Parameters) extern "C" __global__ void name(const Parameters p)
// Threads of a block wait for each other.
#define COOPERATIVE_KERNEL(name, Parameters) KERNEL(name, Parameters)
#endif

// Every thread takes every so many-th piece of work, whatever the number of threads.
#define EACH(i, count)                                                                                                  \
    for (position i = (position)blockIdx.x * BLOCK + threadIdx.x; i < (position)(count); i += (position)gridDim.x * BLOCK)

// Every block takes every so many-th piece.
#define EACH_OF_BLOCK(i, count) for (position i = blockIdx.x; i < (position)(count); i += gridDim.x)

// Elements that are moved and not calculated with: unsigned integers of the same size.
template <typename T>
struct Bits;
template <>
struct Bits<float> {
    typedef u32 type;
};
template <>
struct Bits<double> {
    typedef u64 type;
};
typedef Bits<real>::type bits;

// The sum over a block, the same for all its threads: halves are added, so the order is fixed.
template <typename T>
__device__ inline T block_sum(T* shared, T value) {
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            shared[threadIdx.x] += shared[threadIdx.x + half];
        }
        __syncthreads();
    }
    T sum = shared[0];
    __syncthreads();
    return sum;
}
