// Values of pixels that follow from those of their neighbors by a rule which only lowers them: each pixel takes the
// least that the rule offers, again and again, until none changes. The end does not depend on the order, since each rule
// is monotone and a step never lowers a value below the one it comes from.
//
// Images lie one after the other, (images, rows, columns). A block relaxes a tile of one image in shared memory until it
// is at rest, and wakes the tiles around it where it has changed what they see. The host launches rounds until no tile
// is awake.

#define TILE 32
#define SIDE (TILE + 2)
#define INFINITE __int_as_float(0x7F800000)

struct Shape {
    int rows, columns, tile_rows, tile_columns;
};

__device__ Shape shape_of(int rows, int columns)
{
    return {rows, columns, (rows + TILE - 1) / TILE, (columns + TILE - 1) / TILE};
}

// Wake the tiles that see a pixel of this one: row and column tell where in the tile it lies.
__device__ void wake_around(int *next, Shape shape, int tile_row, int tile_column, int row, int column)
{
    int up = row == 0 ? -1 : 0, down = row == TILE - 1 ? 1 : 0;
    int left = column == 0 ? -1 : 0, right = column == TILE - 1 ? 1 : 0;
    for (int far = up; far <= down; far++)
        for (int wide = left; wide <= right; wide++) {
            int other_row = tile_row + far, other_column = tile_column + wide;
            bool inside = other_row >= 0 && other_row < shape.tile_rows && other_column >= 0
                && other_column < shape.tile_columns;
            if (inside && (far != 0 || wide != 0))
                next[other_row * shape.tile_columns + other_column] = 1;
        }
}

// Relax the tile of a block of TILE × TILE threads. A rule has a type Value, a function last(), which is never offered,
// and a function offers(tile, at, place): the least value for the pixel whose own stands in the tile at `at` and in the
// images at `place`.
template <class Rule>
__device__ void relax(const Rule &rule, typename Rule::Value *values, int rows, int columns, int *awake, int *next,
                      int *changed)
{
    typedef typename Rule::Value Value;
    __shared__ Value tile[SIDE * SIDE];
    Shape shape = shape_of(rows, columns);
    int tiles = shape.tile_rows * shape.tile_columns;
    int tile_row = blockIdx.x / shape.tile_columns, tile_column = blockIdx.x % shape.tile_columns;
    int thread = threadIdx.y * TILE + threadIdx.x;
    long long start = (long long)blockIdx.y * rows * columns;
    awake += (long long)blockIdx.y * tiles;
    next += (long long)blockIdx.y * tiles;

    int woken = thread == 0 ? awake[blockIdx.x] : 0;
    if (!__syncthreads_or(woken))
        return;
    if (thread == 0)
        awake[blockIdx.x] = 0;
    for (int index = thread; index < SIDE * SIDE; index += TILE * TILE) {
        int row = tile_row * TILE + index / SIDE - 1, column = tile_column * TILE + index % SIDE - 1;
        bool inside = row >= 0 && row < rows && column >= 0 && column < columns;
        tile[index] = inside ? values[start + (long long)row * columns + column] : Rule::last();
    }
    int row = tile_row * TILE + threadIdx.y, column = tile_column * TILE + threadIdx.x;
    bool inside = row < rows && column < columns;
    long long place = start + (long long)row * columns + column;
    int at = (threadIdx.y + 1) * SIDE + threadIdx.x + 1;
    __syncthreads();
    Value first = tile[at];
    int moving = 1;
    while (moving) {
        Value own = tile[at];
        Value best = inside ? rule.offers(tile, at, place) : own;
        __syncthreads();
        if (best < own)
            tile[at] = best;
        moving = __syncthreads_or(best < own);
    }
    if (tile[at] < first) {
        values[place] = tile[at];
        wake_around(next, shape, tile_row, tile_column, threadIdx.y, threadIdx.x);
        *changed = 1;
    }
}

// The flood's order, as tasks.segment.kernels.flood defines it: level · 2³² + hops.

typedef unsigned long long Order;
#define NEVER 0xFFFFFFFFFFFFFFFFull

// Whole numbers in the order of floats; NaN counts as infinite, −0 as 0.
__device__ unsigned int key_of(float height)
{
    unsigned int bits = __float_as_uint(height), magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)
        bits = magnitude = 0x7F800000u;
    return bits >> 31 && magnitude ? 0x80000000u - magnitude : 0x80000000u + magnitude;
}

struct FloodRule {
    typedef Order Value;
    const float *heights;
    const int *markers;
    const bool *mask;

    static __device__ Order last() { return NEVER; }

    __device__ Order offers(const Order *tile, int at, long long place) const
    {
        Order best = tile[at];
        if (!mask[place] || markers[place] != 0)
            return best;
        Order height = key_of(heights[place]);
        const int around[4] = {at - SIDE, at - 1, at + 1, at + SIDE};
        for (int index = 0; index < 4; index++) {
            Order other = tile[around[index]];
            if (other == NEVER)
                continue;
            Order level = other >> 32;
            Order offer = level >= height ? other + 1 : (height << 32) + 1;
            best = offer < best ? offer : best;
        }
        return best;
    }
};

extern "C" __global__ void flood_begin(const float *heights, const int *markers, const bool *mask, long long size,
                                       Order *order)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place < size)
        order[place] = mask[place] && markers[place] != 0 ? (Order)key_of(heights[place]) << 32 : NEVER;
}

extern "C" __global__ void flood_relax(const float *heights, const int *markers, const bool *mask, int rows, int columns,
                                       Order *order, int *awake, int *next, int *changed)
{
    FloodRule rule = {heights, markers, mask};
    relax(rule, order, rows, columns, awake, next, changed);
}

// Point each pixel to the neighbor that is flooded first, of equal ones to the first in raster order; markers to
// themselves, and what is not reached to −1.
extern "C" __global__ void flood_point(const Order *order, const int *markers, const bool *mask, int rows, int columns,
                                       int images, int *pointers)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)images * rows * columns)
        return;
    if (order[place] == NEVER || (mask[place] && markers[place] != 0)) {
        pointers[place] = order[place] == NEVER ? -1 : (int)place;
        return;
    }
    int row = place / columns % rows, column = place % columns;
    const bool inside[4] = {row > 0, column > 0, column < columns - 1, row < rows - 1};
    const int steps[4] = {-columns, -1, 1, columns};
    Order best = NEVER;
    for (int index = 0; index < 4; index++)
        if (inside[index] && order[place + steps[index]] < best) {
            best = order[place + steps[index]];
            pointers[place] = (int)place + steps[index];
        }
}

#define JUMPS 64

// Follow pointers for some steps; another thread may have led what is on the way further already.
extern "C" __global__ void pointers_jump(long long size, int *pointers, int *changed)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= size || pointers[place] < 0)
        return;
    int at = pointers[place];
    for (int jump = 0; jump < JUMPS && pointers[at] != at; jump++)
        at = pointers[at];
    pointers[place] = at;
    if (pointers[at] != at)
        *changed = 1;
}

// The least cost of paths of 8-connected pixels, as tasks.segment.operations.Operations.arrival defines it.

struct ArrivalRule {
    typedef float Value;
    const float *cost;
    const bool *mask;
    int columns;

    static __device__ float last() { return INFINITE; }

    __device__ float offers(const float *tile, int at, long long place) const
    {
        float best = tile[at];
        if (!mask[place] || best == 0)
            return best;
        for (int far = -1; far <= 1; far++)
            for (int wide = -1; wide <= 1; wide++) {
                float other = tile[at + far * SIDE + wide];
                if (other >= best)
                    continue;
                // what lies outside the image or the mask is never reached, so the neighbor's cost can be read
                float both = cost[place] + cost[place + (long long)far * columns + wide];
                float offer = other + both * (far != 0 && wide != 0 ? (float)sqrt(0.5) : 0.5f);
                best = offer < best ? offer : best;
            }
        return best;
    }
};

extern "C" __global__ void arrival_relax(const float *cost, const bool *mask, int rows, int columns, float *arrival,
                                         int *awake, int *next, int *changed)
{
    ArrivalRule rule = {cost, mask, columns};
    relax(rule, arrival, rows, columns, awake, next, changed);
}

// Point each pixel to the neighbor that it is reached over; seeds, and what is reached over none, to themselves; what is
// not in the mask to −1.
extern "C" __global__ void arrival_point(const float *arrival, const float *cost, const int *seeds, const bool *mask,
                                         int rows, int columns, int *pointers)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    pointers[place] = mask[place] ? (int)place : -1;
    if (!mask[place] || seeds[place] != 0)
        return;
    int row = place / columns, column = place % columns;
    float best = INFINITE;
    for (int far = row > 0 ? -1 : 0; far <= (row < rows - 1 ? 1 : 0); far++)
        for (int wide = column > 0 ? -1 : 0; wide <= (column < columns - 1 ? 1 : 0); wide++) {
            long long other = place + (long long)far * columns + wide;
            if (!mask[other] || !(arrival[other] < arrival[place]))
                continue;
            float both = cost[place] + cost[other];
            float total = arrival[other] + both * (far != 0 && wide != 0 ? (float)sqrt(0.5) : 0.5f);
            if (total < best) {
                best = total;
                pointers[place] = (int)other;
            }
        }
}

// Reconstruction by dilation, of 4-connected pixels, upside down: values never fall below the floor of their pixel.

struct ReconstructionRule {
    typedef float Value;
    const float *floors;

    static __device__ float last() { return INFINITE; }

    __device__ float offers(const float *tile, int at, long long place) const
    {
        float best = tile[at];
        const int around[4] = {at - SIDE, at - 1, at + 1, at + SIDE};
        for (int index = 0; index < 4; index++)
            best = tile[around[index]] < best ? tile[around[index]] : best;
        return best > floors[place] ? best : floors[place];
    }
};

extern "C" __global__ void reconstruction_relax(const float *floors, int rows, int columns, float *values, int *awake,
                                                int *next, int *changed)
{
    ReconstructionRule rule = {floors};
    relax(rule, values, rows, columns, awake, next, changed);
}
