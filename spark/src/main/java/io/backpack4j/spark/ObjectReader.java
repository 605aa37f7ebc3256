// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.lang.reflect.Array;
import org.jspecify.annotations.Nullable;

/**
 * Reads samples that are objects.
 *
 * @param form what a sample is
 */
record ObjectReader(SampleForm form) implements SampleReader<Sample> {

    @Override
    public long id(Sample sample, long number) {
        return sample.id();
    }

    @Override
    public void read(Sample sample, long number, BatchArrays batch) {
        String shown = String.valueOf(sample.id());
        if (sample.inputs().size() != form.inputs().size()) {
            throw RowReader.invalid(
                    "it has %d inputs, but the model takes %d"
                            .formatted(sample.inputs().size(), form.inputs().size()),
                    shown);
        }
        for (int i = 0; i < form.inputs().size(); i++) {
            SampleForm.Part part = form.inputs().get(i);
            read(sample.inputs().get(i), part, part.name(), batch.input(i), batch.count(), shown);
        }
        read(sample.target(), form.target(), "target", batch.target(), batch.count(), shown);
        batch.added(sample.id(), null);
    }

    private static void read(
            @Nullable Object values, SampleForm.Part part, String name, Object into, int position, String sample) {
        if (values == null) {
            throw RowReader.invalid("it has no target", sample);
        }
        int elements = part.elements();
        if (Array.getLength(values) != elements) {
            throw RowReader.invalid(
                    "'%s' has %d numbers, but the model takes %d".formatted(name, Array.getLength(values), elements),
                    sample);
        }
        int offset = position * elements;
        if (values instanceof float[] floats) {
            Numbers.copy(floats, into, offset, name, sample);
        } else if (values instanceof double[] doubles) {
            Numbers.copy(doubles, into, offset, name, sample);
        } else {
            Numbers.copy((long[]) values, into, offset);
        }
    }
}
