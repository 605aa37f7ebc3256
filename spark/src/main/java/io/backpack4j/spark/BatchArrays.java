// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Samples on their way into a batch: one array per input, used again for the next batch. */
final class BatchArrays {

    private final SampleForm form;
    private final Object[] inputs;
    private final Object target;
    private final long[] ids;
    private final @Nullable String[] names;
    private int count;

    /** @param capacity the most samples */
    BatchArrays(SampleForm form, int capacity) {
        this.form = form;
        this.inputs = form.inputs().stream()
                .map(part -> array(part, capacity, form.dtype() == DType.FLOAT32))
                .toArray();
        // Targets enter batches as doubles.
        this.target = array(form.target(), capacity, false);
        this.ids = new long[capacity];
        this.names = new String[capacity];
    }

    private static Object array(SampleForm.Part part, int capacity, boolean narrow) {
        int length = Math.multiplyExact(capacity, part.elements());
        if (part.integers()) {
            return new long[length];
        }
        return narrow ? new float[length] : new double[length];
    }

    /** Number of samples there are. */
    int count() {
        return count;
    }

    boolean isFull() {
        return count == ids.length;
    }

    /** The array of an input: of long, float or double. */
    Object input(int index) {
        return inputs[index];
    }

    /** The array of the target: of long or double. */
    Object target() {
        return target;
    }

    /** The id of a sample. */
    long id(int sample) {
        return ids[sample];
    }

    /** The text of which its id was made, if it was. */
    @Nullable
    String name(int sample) {
        return names[sample];
    }

    /** Says that another sample is complete. */
    void added(long id, @Nullable String name) {
        ids[count] = id;
        names[count] = name;
        count++;
    }

    /** Lets go of all samples. */
    void clear() {
        count = 0;
    }

    /** Makes a batch of some samples, {@code from} inclusive to {@code to} exclusive. The caller closes it. */
    Batch batch(BackPack backpack, int from, int to) {
        BatchBuilder builder = backpack.batch(form.dtype());
        for (int i = 0; i < inputs.length; i++) {
            SampleForm.Part part = form.inputs().get(i);
            Shape shape = Shape.of(part.sizes()).prepend(to - from);
            Object values = part(inputs[i], part.elements(), from, to);
            if (values instanceof float[] floats) {
                builder.input(part.name(), shape, floats);
            } else if (values instanceof double[] doubles) {
                builder.input(part.name(), shape, doubles);
            } else {
                builder.input(part.name(), shape, (long[]) values);
            }
        }
        Shape shape = Shape.of(form.target().sizes()).prepend(to - from);
        Object values = part(target, form.target().elements(), from, to);
        if (values instanceof long[] classes) {
            builder.targets(shape, classes);
        } else {
            builder.targets(shape, (double[]) values);
        }
        return builder.sampleIds(Arrays.copyOfRange(ids, from, to)).build();
    }

    private static Object part(Object array, int elements, int from, int to) {
        int start = from * elements;
        int end = to * elements;
        if (array instanceof float[] floats) {
            return start == 0 && end == floats.length ? floats : Arrays.copyOfRange(floats, start, end);
        }
        if (array instanceof double[] doubles) {
            return start == 0 && end == doubles.length ? doubles : Arrays.copyOfRange(doubles, start, end);
        }
        long[] longs = (long[]) array;
        return start == 0 && end == longs.length ? longs : Arrays.copyOfRange(longs, start, end);
    }
}
