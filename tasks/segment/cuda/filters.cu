// Filters in float32: every operation in the order of tasks/segment/kernels/filters.py, so that both give the same bits.
// One thread for each pixel of the result.

// Where a pixel beyond the frame is mirrored to: d c b a | a b c d | d c b a.
__device__ int mirrored(int index, int size)
{
    index %= 2 * size;
    if (index < 0)
        index += 2 * size;
    return index < size ? index : 2 * size - 1 - index;
}

// Filter along columns or rows by symmetric weights, given from the center outwards.
extern "C" __global__ void blur(const float *image, int rows, int columns, const float *weights, int radius, int across,
                                float *out)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    int row = place / columns, column = place % columns;
    int size = across ? columns : rows, at = across ? column : row;
    const float *line = across ? image + (long long)row * columns : image + column;
    long long step = across ? 1 : columns;
    float total = line[at * step] * weights[0];
    for (int ring = 1; ring <= radius; ring++)
        total += (line[mirrored(at - ring, size) * step] + line[mirrored(at + ring, size) * step]) * weights[ring];
    out[place] = total;
}

// Means of blocks of equal size along columns or rows, which may cut pixels; (rows, columns) is the size of the result.
extern "C" __global__ void shrink(const float *image, int size, int rows, int columns, int across, float *out)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    int row = place / columns, column = place % columns;
    int block = across ? column : row, blocks = across ? columns : rows;
    const float *line = across ? image + (long long)row * size : image + column;
    long long step = across ? 1 : columns;
    double first = (double)((long long)block * size) / blocks, last = (double)((long long)(block + 1) * size) / blocks;
    int stop = (int)ceil(last);
    float total = 0;
    for (int source = (int)first; source < stop && source < size; source++) {
        double end = source + 1.0 < last ? source + 1.0 : last, begin = source > first ? source : first;
        total += line[source * step] * (float)((end - begin) / (last - first));
    }
    out[place] = total;
}

struct Place {
    int block;
    float part;
};

// Block whose center lies at or before that of a pixel, and how far it is to the next one, from 0 to 1.
__device__ Place place_of(int index, int size, int blocks)
{
    double place = (index + 0.5) * blocks / size - 0.5;
    place = place < 0 ? 0 : place > blocks - 1.0 ? blocks - 1.0 : place;
    return {(int)place, (float)(place - (int)place)};
}

// Interpolate linearly between the centers of blocks.
extern "C" __global__ void stretch(const float *image, int block_rows, int block_columns, int rows, int columns,
                                   float *out)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    Place down = place_of(place / columns, rows, block_rows), across = place_of(place % columns, columns, block_columns);
    int right = across.block + 1 < block_columns ? across.block + 1 : block_columns - 1;
    float both[2];
    for (int side = 0; side < 2; side++) {
        int row = down.block + side < block_rows ? down.block + side : block_rows - 1;
        const float *line = image + (long long)row * block_columns;
        both[side] = line[across.block] + (line[right] - line[across.block]) * across.part;
    }
    out[place] = both[0] + (both[1] - both[0]) * down.part;
}

// The 3 × 3 pixels around one, those at the frame repeated.
struct Window {
    float values[3][3];
};

__device__ Window window_of(const float *image, int rows, int columns, long long place)
{
    int row = place / columns, column = place % columns;
    Window window;
    for (int far = -1; far <= 1; far++)
        for (int wide = -1; wide <= 1; wide++) {
            int other_row = row + far < 0 ? 0 : row + far >= rows ? rows - 1 : row + far;
            int other_column = column + wide < 0 ? 0 : column + wide >= columns ? columns - 1 : column + wide;
            window.values[far + 1][wide + 1] = image[(long long)other_row * columns + other_column];
        }
    return window;
}

extern "C" __global__ void second_differences(const float *image, int rows, int columns, float *out)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    Window window = window_of(image, rows, columns, place);
    float down[3];
    for (int side = 0; side < 3; side++)
        down[side] = (window.values[0][side] + window.values[2][side]) - 2.0f * window.values[1][side];
    out[place] = fabsf((down[0] + down[2]) - 2.0f * down[1]) * (float)(1.0 / 6);
}

extern "C" __global__ void sobel(const float *image, int rows, int columns, float *out)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= (long long)rows * columns)
        return;
    Window window = window_of(image, rows, columns, place);
    float sums[3], differences[3];
    for (int side = 0; side < 3; side++) {
        sums[side] = (window.values[0][side] + window.values[2][side]) + 2.0f * window.values[1][side];
        differences[side] = window.values[2][side] - window.values[0][side];
    }
    float across = sums[2] - sums[0], down = (differences[0] + differences[2]) + 2.0f * differences[1];
    out[place] = sqrtf(across * across + down * down) * (float)(0.25 / sqrt(2.0));
}

// Count values from low on in bins, `density` bins per unit.
extern "C" __global__ void bins_add(const float *values, long long size, float low, float density, int bins,
                                    unsigned int *counts)
{
    long long place = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= size)
        return;
    int bin = (int)((values[place] - low) * density);
    atomicAdd(&counts[bin < bins ? bin : bins - 1], 1u);
}
