// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;

/** Samples that lie in arrays. */
public final class ArraySource implements DataSource {

    private final BatchData all;

    /** Takes samples as they are, with their ids; the arrays must not change. */
    public ArraySource(BatchData all) {
        this.all = all;
        all.inputs().forEach((name, tensor) -> requireSamples("input '" + name + "'", tensor));
        requireSamples("targets", all.targets());
    }

    /** One input and class indices. */
    public static ArraySource of(Shape sample, float[] inputs, long... classes) {
        return of(
                new HostTensor.Floats(sample.prepend(classes.length), inputs),
                new HostTensor.Longs(Shape.of(classes.length), classes));
    }

    /** One input and any targets. */
    public static ArraySource of(HostTensor input, HostTensor targets) {
        long[] ids =
                new long[targets.shape().rank() == 0 ? 0 : (int) targets.shape().size(0)];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = i;
        }
        return new ArraySource(new BatchData(Map.of(Graph.INPUT, input), targets, ids));
    }

    private void requireSamples(String what, HostTensor tensor) {
        if (tensor.shape().rank() == 0 || tensor.shape().size(0) != all.samples()) {
            throw new BackpackException(
                    DataProblems.BAD_DATA,
                    "There are %d samples, but the %s have shape %s.".formatted(all.samples(), what, tensor.shape()));
        }
    }

    /** The shape of a sample's first input. */
    public Shape sample() {
        return all.inputs().values().iterator().next().shape().dropFirst(1);
    }

    @Override
    public long samples() {
        return all.samples();
    }

    @Override
    public BatchData read(long[] numbers, long epoch) {
        Map<String, HostTensor> inputs = new LinkedHashMap<>();
        all.inputs().forEach((name, tensor) -> inputs.put(name, rows(tensor, numbers)));
        long[] ids = new long[numbers.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = all.ids()[(int) numbers[i]];
        }
        return new BatchData(inputs, rows(all.targets(), numbers), ids);
    }

    private static HostTensor rows(HostTensor tensor, long[] numbers) {
        Shape shape = tensor.shape().with(0, numbers.length);
        int size = Math.toIntExact(shape.elements(1, shape.rank()));
        if (tensor instanceof HostTensor.Floats floats) {
            return new HostTensor.Floats(
                    shape, gather(floats.values(), new float[size * numbers.length], numbers, size));
        }
        if (tensor instanceof HostTensor.Doubles doubles) {
            return new HostTensor.Doubles(
                    shape, gather(doubles.values(), new double[size * numbers.length], numbers, size));
        }
        HostTensor.Longs longs = (HostTensor.Longs) tensor;
        return new HostTensor.Longs(shape, gather(longs.values(), new long[size * numbers.length], numbers, size));
    }

    /** Copies rows between arrays of one type. */
    private static <A> A gather(A from, A to, long[] numbers, int size) {
        for (int i = 0; i < numbers.length; i++) {
            System.arraycopy(from, (int) numbers[i] * size, to, i * size, size);
        }
        return to;
    }
}
