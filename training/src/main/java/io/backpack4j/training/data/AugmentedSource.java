// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Images {@code [N, H, W]} or {@code [N, C, H, W]} in single precision that are shifted and flipped anew in each epoch.
 * What happens to an image is a function of (seed, epoch, its id), whatever the order.
 */
public final class AugmentedSource implements DataSource {

    /** Who draws; see {@link RandomKey#stream}. */
    private static final long STREAM = 0x4155_474DL;

    private final DataSource source;
    private final int padding;
    private final boolean flips;
    private final long seed;

    /**
     * Changes what {@code source} reads, and closes it when this is closed.
     *
     * @param padding by how many pixels at most an image is shifted along each axis, zeros coming in: as a random crop
     *     of the padded image
     * @param flips whether half of the images are seen in a mirror
     */
    public AugmentedSource(DataSource source, int padding, boolean flips, long seed) {
        this.source = source;
        this.padding = padding;
        this.flips = flips;
        this.seed = seed;
    }

    @Override
    public long samples() {
        return source.samples();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        BatchData data = source.read(numbers, epoch);
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        data.inputs().forEach((name, tensor) -> inputs.put(name, changed(tensor, data.ids(), epoch)));
        return new BatchData(inputs, data.targets(), data.ids());
    }

    private HostTensor changed(HostTensor tensor, long[] ids, long epoch) {
        Shape shape = tensor.shape();
        if (!(tensor instanceof HostTensor.Floats floats) || shape.rank() < 3) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "Inputs of shape %s are no images in single precision: they cannot be shifted or flipped."
                            .formatted(shape));
        }
        int width = (int) shape.size(-1);
        int height = (int) shape.size(-2);
        int planes = (int) shape.elements(1, shape.rank() - 2);
        float[] changed = new float[floats.values().length];
        for (int n = 0; n < ids.length; n++) {
            RandomKey key = new RandomKey(seed, STREAM, (int) epoch);
            int down = draw(key, ids[n], 0);
            int right = draw(key, ids[n], 1);
            boolean mirrored = flips && CounterRandom.uniform(key, ids[n], 2) < 0.5;
            for (int plane = 0; plane < planes; plane++) {
                int start = (n * planes + plane) * height * width;
                for (int y = Math.max(0, down); y < Math.min(height, height + down); y++) {
                    for (int x = Math.max(0, right); x < Math.min(width, width + right); x++) {
                        int from = start + (y - down) * width + (x - right);
                        int to = start + y * width + (mirrored ? width - 1 - x : x);
                        changed[to] = floats.values()[from];
                    }
                }
            }
        }
        return new HostTensor.Floats(shape, changed);
    }

    /** From −padding to padding. */
    private int draw(RandomKey key, long id, long position) {
        return (int) (CounterRandom.uniform(key, id, position) * (2 * padding + 1)) - padding;
    }

    @Override
    public void close() {
        source.close();
    }
}
