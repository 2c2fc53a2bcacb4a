// Connected pieces of equal values, what is counted or found in them, and exact distances.

// The first pixel of a piece, as far as it is known.
__device__ int first_of(const int *firsts, int pixel)
{
    while (firsts[pixel] != pixel)
        pixel = firsts[pixel];
    return pixel;
}

// Join the pieces of two pixels: the later of their first pixels points to the earlier one.
__device__ void join(int *firsts, int one, int other)
{
    while (true) {
        one = first_of(firsts, one);
        other = first_of(firsts, other);
        if (one == other)
            return;
        int late = one > other ? one : other, early = one > other ? other : one;
        int before = atomicMin(&firsts[late], early);
        if (before == late)
            return;
        // another thread has joined the later one meanwhile: go on with what it was joined to
        one = before;
        other = early;
    }
}

extern "C" __global__ void pieces_begin(const int *values, long long size, int *firsts)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place < size)
        firsts[place] = values[place] != 0 ? (int)place : -1;
}

// Join each pixel with those above and left of it that hold the same value, which is not 0.
extern "C" __global__ void pieces_join(const int *values, int rows, int columns, int images, int diagonal, int *firsts)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)images * rows * columns || values[place] == 0)
        return;
    int row = place / columns % rows, column = place % columns, pixel = (int)place;
    bool up = row > 0, left = column > 0, right = column < columns - 1;
    if (left && values[pixel - 1] == values[pixel])
        join(firsts, pixel, pixel - 1);
    if (up && values[pixel - columns] == values[pixel])
        join(firsts, pixel, pixel - columns);
    if (diagonal && up && left && values[pixel - columns - 1] == values[pixel])
        join(firsts, pixel, pixel - columns - 1);
    if (diagonal && up && right && values[pixel - columns + 1] == values[pixel])
        join(firsts, pixel, pixel - columns + 1);
}

extern "C" __global__ void pieces_end(long long size, int *firsts)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place < size && firsts[place] >= 0)
        firsts[place] = first_of(firsts, (int)place);
}

// Add the pixels of each label to its count: a thread sums the runs of a stretch of pixels, since threads that add to one
// count wait for each other.
#define STRETCH 32

extern "C" __global__ void areas_add(const int *labels, long long size, unsigned long long *counts)
{
    long long begin = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * STRETCH;
    long long end = begin + STRETCH < size ? begin + STRETCH : size;
    for (long long place = begin; place < end;) {
        long long stop = place + 1;
        while (stop < end && labels[stop] == labels[place])
            stop++;
        atomicAdd(&counts[labels[place]], (unsigned long long)(stop - place));
        place = stop;
    }
}

// Of each piece, which its first pixel stands for, find the highest pixel, and of equal ones the first: the greatest
// height · 2³² + what is left of 2³² − 1 without the pixel. Heights are above 0.
extern "C" __global__ void peaks_find(const float *heights, const int *firsts, long long size, unsigned long long *best)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place < size && firsts[place] >= 0)
        atomicMax(&best[firsts[place]],
                  (unsigned long long)__float_as_uint(heights[place]) << 32 | (0xFFFFFFFFu - (unsigned int)place));
}

#define FARTHEST 46340

// Steps to the nearest pixel of the same column outside the mask, at most FARTHEST: one thread per column.
extern "C" __global__ void distance_columns(const bool *mask, int rows, int columns, int *steps)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns)
        return;
    int count = FARTHEST;
    for (int row = 0; row < rows; row++) {
        long long place = (long long)row * columns + column;
        count = mask[place] ? (count < FARTHEST ? count + 1 : FARTHEST) : 0;
        steps[place] = count;
    }
    for (int row = rows - 1; row >= 0; row--) {
        long long place = (long long)row * columns + column;
        count = mask[place] ? (count < FARTHEST ? count + 1 : FARTHEST) : 0;
        steps[place] = count < steps[place] ? count : steps[place];
    }
}

// The distance: of all columns that may still hold a nearer pixel, outward from the pixel's own.
extern "C" __global__ void distance_rows(const int *steps, int rows, int columns, float *distances)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    int column = place % columns;
    long long best = (long long)steps[place] * steps[place];
    for (long long wide = 1; wide < columns && wide * wide < best; wide++)
        for (int side = -1; side <= 1; side += 2) {
            long long other = column + side * wide;
            if (other < 0 || other >= columns)
                continue;
            long long high = steps[place + side * wide], square = wide * wide + high * high;
            best = square < best ? square : best;
        }
    distances[place] = (float)sqrt((double)best);
}
