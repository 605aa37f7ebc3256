// Lets kernels run on the host, one thread of the device after the other. Included before a kernel's source.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

using std::cos;
using std::exp;
using std::expm1;
using std::fabs;
using std::floor;
using std::log;
using std::log1p;
using std::sqrt;
using std::tanh;

#define __device__
#define __shared__ static thread_local

namespace emulation {

struct Index {
    unsigned x;
};

struct Fiber {
    ucontext_t context;
    jmp_buf resume;
    std::vector<char> stack;
    bool started;
    bool finished;
};

static thread_local jmp_buf scheduler;
static thread_local Fiber* running;
static thread_local const std::function<void()>* body;

// A fiber runs one thread after the other; making one takes system calls.
static void enter() {
    for (;;) {
        (*body)();
        running->finished = true;
        if (_setjmp(running->resume) == 0) {
            _longjmp(scheduler, 1);
        }
    }
}

// Runs a fiber until it waits or ends.
static void step(Fiber& fiber) {
    running = &fiber;
    if (_setjmp(scheduler) != 0) {
        return;
    }
    if (fiber.started) {
        _longjmp(fiber.resume, 1);
    }
    fiber.started = true;
    setcontext(&fiber.context);
}

static inline void wait() {
    if (_setjmp(running->resume) == 0) {
        _longjmp(scheduler, 1);
    }
}

}  // namespace emulation

static thread_local emulation::Index threadIdx, blockIdx, gridDim;

static inline void __syncthreads() {
    emulation::wait();
}

static inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
    unsigned long long old = *address;
    *address += value;
    return old;
}

namespace emulation {

// Threads one after the other, forwards or backwards: kernels must not care.
static void alone(unsigned blocks, unsigned threads, bool backwards, const std::function<void()>& thread) {
    gridDim.x = blocks;
    for (unsigned block = 0; block < blocks; block++) {
        blockIdx.x = backwards ? blocks - 1 - block : block;
        for (unsigned i = 0; i < threads; i++) {
            threadIdx.x = backwards ? threads - 1 - i : i;
            thread();
        }
    }
}

// The threads of a block in turns, from one barrier to the next, which all or none must reach.
static void together(unsigned blocks, unsigned threads, bool backwards, const std::function<void()>& thread) {
    static thread_local std::vector<Fiber> fibers;
    if (fibers.size() < threads) {
        fibers.resize(threads);
        for (Fiber& fiber : fibers) {
            fiber.stack.resize(64 << 10);
            fiber.started = false;
            getcontext(&fiber.context);
            fiber.context.uc_stack.ss_sp = fiber.stack.data();
            fiber.context.uc_stack.ss_size = fiber.stack.size();
            fiber.context.uc_link = nullptr;
            makecontext(&fiber.context, enter, 0);
        }
    }
    gridDim.x = blocks;
    body = &thread;
    for (unsigned block = 0; block < blocks; block++) {
        blockIdx.x = backwards ? blocks - 1 - block : block;
        for (unsigned i = 0; i < threads; i++) {
            fibers[i].finished = false;
        }
        unsigned finished = 0;
        while (finished < threads) {
            finished = 0;
            for (unsigned i = 0; i < threads; i++) {
                unsigned index = backwards ? threads - 1 - i : i;
                threadIdx.x = index;
                if (!fibers[index].finished) {
                    step(fibers[index]);
                }
                finished += fibers[index].finished;
            }
            if (finished > 0 && finished < threads) {
                std::fprintf(stderr, "Some threads of a block ended while others wait at a barrier.\n");
                std::abort();
            }
        }
    }
}

}  // namespace emulation

#define EMULATED_KERNEL(name, Parameters, run)                                                                          \
    static void name##_thread(const Parameters& p);                                                                     \
    extern "C" unsigned long name##_bytes() {                                                                           \
        return sizeof(Parameters);                                                                                      \
    }                                                                                                                   \
    extern "C" void name##_run(const void* words, unsigned blocks, unsigned threads, bool backwards) {                  \
        const Parameters& p = *(const Parameters*)words;                                                                \
        run(blocks, threads, backwards, [&] { name##_thread(p); });                                                     \
    }                                                                                                                   \
    static void name##_thread(const Parameters& p)

#define KERNEL(name, Parameters) EMULATED_KERNEL(name, Parameters, emulation::alone)
#define COOPERATIVE_KERNEL(name, Parameters) EMULATED_KERNEL(name, Parameters, emulation::together)
