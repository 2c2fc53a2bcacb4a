// What CUDA adds to C++, for one thread of a processor: blocks run one after the other, in a given order, the threads of
// a block as contexts that take turns at barriers.

#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

struct Index {
    unsigned int x, y, z;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

static inline unsigned int __float_as_uint(float value)
{
    unsigned int bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

static inline float __int_as_float(int bits)
{
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

template <class Number> static Number atomicAdd(Number *at, Number value)
{
    Number before = *at;
    *at = before + value;
    return before;
}

static inline int atomicMin(int *at, int value)
{
    int before = *at;
    *at = value < before ? value : before;
    return before;
}

static inline unsigned long long atomicMax(unsigned long long *at, unsigned long long value)
{
    unsigned long long before = *at;
    *at = value > before ? value : before;
    return before;
}

namespace shim {

const size_t STACK = 16384;

struct Thread {
    ucontext_t context;
    jmp_buf place;
    Index index;
    bool begun, done;
};

static ucontext_t beginning;
static jmp_buf scheduler;
static std::vector<Thread> threads;
static std::vector<char> stacks;
static Thread *running;
static int pending, answer;
static void (*body)(void *);
static void *argument;

static void enter()
{
    body(argument);
    running->done = true;
    _longjmp(scheduler, 1);
}

static void yield()
{
    if (_setjmp(running->place) == 0)
        _longjmp(scheduler, 1);
    threadIdx = running->index;
}

// Go on with a thread to its next barrier. A context is entered once: to switch contexts costs a call of the system.
static void resume(Thread &thread)
{
    running = &thread;
    threadIdx = thread.index;
    if (_setjmp(scheduler) != 0)
        return;
    if (thread.begun)
        _longjmp(thread.place, 1);
    thread.begun = true;
    swapcontext(&beginning, &thread.context);
}

// Run the threads of one block, from barrier to barrier.
static void run_block(unsigned int count)
{
    threads.resize(count);
    stacks.resize(count * STACK);
    for (unsigned int number = 0; number < count; number++) {
        Thread &thread = threads[number];
        thread.index = {number % blockDim.x, number / blockDim.x, 0};
        thread.begun = thread.done = false;
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = &stacks[number * STACK];
        thread.context.uc_stack.ss_size = STACK;
        thread.context.uc_link = nullptr;
        makecontext(&thread.context, enter, 0);
    }
    pending = answer = 0;
    for (bool left = true; left;) {
        left = false;
        for (Thread &thread : threads) {
            if (thread.done)
                continue;
            resume(thread);
            left |= !thread.done;
        }
        answer = pending;
        pending = 0;
    }
}

template <class... Arguments, size_t... Numbers>
static void call(void (*kernel)(Arguments...), void **arguments, std::index_sequence<Numbers...>)
{
    kernel(*static_cast<std::remove_reference_t<Arguments> *>(arguments[Numbers])...);
}

// Launch a kernel: dims are the grid's x and y and the block's x and y. Every block runs once, the next one `stride`
// after the last.
template <class... Arguments>
static void launch(void (*kernel)(Arguments...), const unsigned int *dims, unsigned long long stride, bool barriers,
                   void **arguments)
{
    gridDim = {dims[0], dims[1], 1};
    blockDim = {dims[2], dims[3], 1};
    auto numbers = std::index_sequence_for<Arguments...>{};
    static void (*current)(Arguments...);
    current = kernel;
    argument = arguments;
    body = [](void *all) { call(current, static_cast<void **>(all), std::index_sequence_for<Arguments...>{}); };
    unsigned long long blocks = (unsigned long long)dims[0] * dims[1], block = 0;
    for (unsigned long long turn = 0; turn < blocks; turn++, block = (block + stride) % blocks) {
        blockIdx = {(unsigned int)(block % dims[0]), (unsigned int)(block / dims[0]), 0};
        if (barriers) {
            run_block(dims[2] * dims[3]);
            continue;
        }
        for (threadIdx.y = 0; threadIdx.y < dims[3]; threadIdx.y++)
            for (threadIdx.x = 0; threadIdx.x < dims[2]; threadIdx.x++)
                call(kernel, arguments, numbers);
    }
}

}  // namespace shim

static inline void __syncthreads() { shim::yield(); }

static inline int __syncthreads_or(int value)
{
    shim::pending |= value != 0;
    shim::yield();
    return shim::answer;
}

#define ENTRY(kernel, barriers)                                                                                        \
    extern "C" void launch_##kernel(const unsigned int *dims, unsigned long long stride, void **arguments)            \
    {                                                                                                                  \
        shim::launch(kernel, dims, stride, barriers, arguments);                                                       \
    }
